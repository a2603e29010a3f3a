"""Tests of `serving`, over real HTTP."""
