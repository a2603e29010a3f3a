"""Compare trained models of one task on the same pictures."""
