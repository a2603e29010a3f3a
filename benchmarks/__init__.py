"""Measurements that take longer than tests may. Each module is a command."""
