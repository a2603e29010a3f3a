"""The choice between worker processes and threads."""

import os

from models.cores import available_cores
from models.workers.processes import WorkerProcesses
from models.workers.threads import WorkerThreads


def start_workers(count: int | None, limit_s: float, memory_mb: int) -> WorkerProcesses | WorkerThreads:
    """Return `count` worker processes (default: one a core), or threads for 0 and on systems that cannot fork.

    A picture may take `limit_s` seconds, and a process `memory_mb` megabytes of address space.
    """
    if count == 0 or not hasattr(os, "fork"):
        return WorkerThreads()
    return WorkerProcesses(count or available_cores(), limit_s, memory_mb * 1_000_000)
