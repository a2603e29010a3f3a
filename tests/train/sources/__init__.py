"""Tests of `train.sources`."""
