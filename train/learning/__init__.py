"""Training: from a split manifest to a run directory with the best network."""
