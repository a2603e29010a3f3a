"""What a model can do, how sure that is, and for whom it does not hold."""
