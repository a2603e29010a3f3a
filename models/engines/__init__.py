"""Engines that run a network on a batch of prepared images."""
