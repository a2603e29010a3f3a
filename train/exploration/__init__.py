"""Exploration of a data set before training: counts, sizes, unreadable files, duplicates, and an HTML page."""
