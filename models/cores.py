"""The number of cores that this process may use."""

import os

MAX_CORES = 8  # each worker holds a copy of the network's activations, and Python's own work does not scale with cores


def available_cores() -> int:
    """Return the number of cores that this process may use, at most `MAX_CORES`.

    It is the default number of interpreters of a model and of threads that classify.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_CORES)
