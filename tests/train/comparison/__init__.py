"""Tests of `train.comparison`."""
