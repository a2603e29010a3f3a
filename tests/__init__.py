"""Tests mirror the packages; `e2e` drives a real browser."""
