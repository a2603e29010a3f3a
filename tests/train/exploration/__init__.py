"""Tests of `train.exploration`."""
