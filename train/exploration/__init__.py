"""What there is in a set of pictures, before training on it."""
