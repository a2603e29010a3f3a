"""Servers of the same models, as users of other libraries write them: `benchmarks.serving` measures them."""
