"""Tests of `train.bundling`."""
