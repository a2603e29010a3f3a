"""The results of `benchmarks.serving` as Markdown."""

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from spaces_config import processes

LIMIT = "limit"
COLUMNS = (
    "server",
    "requests/s",
    "share of the limit",
    "p50, ms",
    "p95, ms",
    "p99, ms",
    "p99 / p50",
    "errors",
    "memory, MB",
    "CPU, ms",
    "client's CPU, ms",
)
IDLE_COLUMNS = ("server", "start to first prediction, s", "memory, MB", "CPU, share of a core")
PACKAGES = ("ai-edge-litert", "numpy", "pillow", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class Sample:
    """The measurement of one server, task and number of clients in one round."""

    rate: float  # predictions a second
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int  # responses with a status of 400 or more
    broken: int  # connections that failed, and requests without a response
    memory_mb: float
    cpu_ms: float  # of all processes of the server, for a prediction
    client_cpu_ms: float | None  # None for the limit, which has no client
    other_cores: float  # used by other programs meanwhile


@dataclass(frozen=True, slots=True)
class Idle:
    """The measurement of a server without load in one round. `cpu_share` is None when it was not measured."""

    start_s: float
    memory_mb: float
    cpu_share: float | None


@dataclass(frozen=True, slots=True)
class Results:
    """All samples, one for each round, by task, clients and server, and the idle ones by task and server."""

    samples: Mapping[tuple[str, int, str], Sequence[Sample]]
    idle: Mapping[tuple[str, str], Sequence[Idle]]


def tables(results: Results, titles: Mapping[str, str]) -> str:
    """Return a section for each task. `titles` has the title of each server."""
    tasks = dict.fromkeys(task for task, _, _ in results.samples)
    return "\n\n".join(_section(results, task, titles) for task in tasks)


def machine(packages: Iterable[str], cores: int) -> str:
    """Return the lines about the machine and the versions of the packages."""
    versions = ", ".join(f"{name} {version(name)}" for name in dict.fromkeys((*PACKAGES, *packages)))
    load = f"{os.getloadavg()[0]:.1f}"
    return (
        f"- {_processor()}, {cores} cores, {_system()}, load {load} before the start\n"
        f"- Python {platform.python_version()}, {versions}"
    )


def other_load(results: Results) -> str:
    """Return a line about the load of other programs during the measurements."""
    cores = [sample.other_cores for samples in results.samples.values() for sample in samples]
    return f"- other programs used {spread(cores, '.2f')} cores during the measurements"


def spread(values: Sequence[float], form: str) -> str:
    """Return the median, and the lowest and highest value where there are several."""
    middle = format(statistics.median(values), form)
    low, high = format(min(values), form), format(max(values), form)
    return middle if low == high else f"{middle} ({low} to {high})"


def _section(results: Results, task: str, titles: Mapping[str, str]) -> str:
    parts = [f"## {task}"]
    for clients in dict.fromkeys(number for name, number, _ in results.samples if name == task):
        limits = results.samples[task, clients, LIMIT]
        rows = [
            _row(titles[server], samples, limits)
            for (name, number, server), samples in results.samples.items()
            if (name, number) == (task, clients)
        ]
        parts.append(f"### {task}, {clients} {'client' if clients == 1 else 'clients'}\n\n" + _table(COLUMNS, rows))
    idle = [_idle_row(titles[server], items) for (name, server), items in results.idle.items() if name == task]
    if idle:
        parts.append(f"### {task}, start and idle\n\n" + _table(IDLE_COLUMNS, idle))
    return "\n\n".join(parts)


def _row(title: str, samples: Sequence[Sample], limits: Sequence[Sample]) -> list[str]:
    shares = [sample.rate / limit.rate for sample, limit in zip(samples, limits, strict=True)]
    client = [sample.client_cpu_ms for sample in samples if sample.client_cpu_ms is not None]
    return [
        title,
        spread([sample.rate for sample in samples], ",.0f"),
        "" if samples is limits else spread(shares, ".0%"),
        spread([sample.p50_ms for sample in samples], ",.2f"),
        f"{statistics.median(sample.p95_ms for sample in samples):,.2f}",
        spread([sample.p99_ms for sample in samples], ",.2f"),
        f"{statistics.median(sample.p99_ms / sample.p50_ms for sample in samples):.1f}",
        _errors(samples),
        f"{statistics.median(sample.memory_mb for sample in samples):,.0f}",
        f"{statistics.median(sample.cpu_ms for sample in samples):.2f}",
        f"{statistics.median(client):.2f}" if client else "",
    ]


def _errors(samples: Sequence[Sample]) -> str:
    counts = {
        "refused": sum(sample.refused for sample in samples),
        "broken": sum(sample.broken for sample in samples),
    }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "0"


def _idle_row(title: str, items: Sequence[Idle]) -> list[str]:
    shares = [item.cpu_share for item in items if item.cpu_share is not None]
    return [
        title,
        spread([item.start_s for item in items], ".1f"),
        spread([item.memory_mb for item in items], ",.0f"),
        spread(shares, ".1%") if shares else "",
    ]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines).replace("|  |", "| |").replace("|  |", "| |")


def _processor() -> str:
    lines = (processes.PROC / "cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()
