"""The processes of a server: their processor time and memory, from `/proc`."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK") if PROC.exists() else 100
MEMORY = "PSS" if (PROC / "self" / "smaps_rollup").exists() else "RSS"  # PSS divides shared pages among their processes


@dataclass(frozen=True, slots=True)
class Process:
    """A process. `pid` and `start` identify it: the system uses the number of a process again after its end."""

    pid: int
    start: int  # in ticks since the machine was started
    parent: int
    session: int
    cpu_s: float  # with that of its children that have ended


def parse_stat(text: str) -> Process:
    """Parse `/proc/PID/stat`. The name of the program may have spaces and brackets."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(")")[2].split()
    return Process(
        pid=int(pid),
        start=int(fields[19]),
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu_s=sum(map(int, fields[11:15])) / TICKS_PER_S,
    )


def tree(root: int) -> list[Process]:
    """Return the processes that `root` has started, `root` included, and all others of its session."""
    processes = _all_processes()
    found = {process.pid for process in processes if root in (process.pid, process.session)}
    while grown := {process.pid for process in processes if process.parent in found} - found:
        found |= grown
    return [process for process in processes if process.pid in found]


def kill(targets: Iterable[Process]) -> None:
    """Kill those of the processes that still run."""
    running = {(process.pid, process.start) for process in _all_processes()}
    for process in targets:
        if (process.pid, process.start) in running:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def cpu_s(root: int) -> float:
    """Return the processor time of a tree of processes so far."""
    return sum(process.cpu_s for process in tree(root))


def machine_cpu_s() -> float:
    """Return the processor time of all programs of this machine so far, and what the host took away."""
    fields = (PROC / "stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, *rest = map(int, fields[:8])  # then: interrupts (2), stolen
    return (user + nice + system + sum(rest)) / TICKS_PER_S


def memory_mb(pids: Iterable[int]) -> float:
    """Return the memory of processes, in megabytes (10⁶ bytes)."""
    return sum(map(_memory_kb, pids)) * 1024 / 1e6


def _all_processes() -> list[Process]:
    processes = []
    for directory in PROC.iterdir():
        if directory.name.isdecimal():
            try:
                processes.append(parse_stat((directory / "stat").read_text(encoding="utf-8", errors="replace")))
            except OSError:  # it has ended
                continue
    return processes


def _memory_kb(pid: int) -> int:
    name, field = ("smaps_rollup", "Pss:") if MEMORY == "PSS" else ("status", "VmRSS:")
    try:
        lines = (PROC / str(pid) / name).read_text(encoding="utf-8").splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)
