"""Tests of `spaces_config`."""
