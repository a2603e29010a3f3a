"""Helpers that tests share. A test module never imports another test module: what two of them need is here.

commands    run `python -m train` and `python -m models` in this process
tiny_runs   runs that take seconds, trained and exported once for all tests and workers
"""
