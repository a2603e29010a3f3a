"""Attacks on a server, for tests and for a measurement against a started one."""
