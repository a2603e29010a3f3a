"""The limit: decode, preprocess, infer and write JSON in one process a core, without HTTP.

    python -m benchmarks.http.limit TASK PICTURE…

This is one such process; `Limit` starts them. It prints the labels of the pictures as JSON. For each line on stdin, a
number of seconds, it classifies the pictures in turns for that long and prints the seconds and the times as JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import orjson

from benchmarks.servers.response import response
from models.catalog import BUNDLED
from models.errors import VistazoError
from models.loading import load_classifier
from models.workers.forking import ONE_THREAD
from spaces_config import processes

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class LimitSpeed:
    """The speed of a number of processes."""

    rate: float  # pictures a second
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float  # of a picture
    memory_mb: float
    other_cores: float  # used by other programs meanwhile


class Limit:
    """Processes that classify pictures in turns. `labels` are those of the pictures, in order."""

    def __init__(self, workers: "Sequence[subprocess.Popen[str]]") -> None:
        self._workers = workers
        self.labels: list[str | None] = []
        for worker in workers:
            self.labels = json.loads(_line(worker))

    def run(self, count: int, seconds: float) -> LimitSpeed:
        """Return the speed of `count` of the processes at the same time."""
        workers = self._workers[:count]
        others_before, before = processes.machine_cpu_s(), sum(processes.cpu_s(worker.pid) for worker in workers)
        for worker in workers:
            print(seconds, file=worker.stdin, flush=True)
        shares = [json.loads(_line(worker)) for worker in workers]
        cpu_s = sum(processes.cpu_s(worker.pid) for worker in workers) - before
        other_s = processes.machine_cpu_s() - others_before - cpu_s
        times = np.concatenate([share["times_ms"] for share in shares])
        p50, p95, p99 = np.percentile(times, (50, 95, 99)).tolist()
        return LimitSpeed(
            rate=sum(len(share["times_ms"]) / share["seconds"] for share in shares),
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            cpu_ms=1000 * cpu_s / len(times),
            memory_mb=processes.memory_mb(worker.pid for worker in workers),
            other_cores=max(0.0, other_s / max(share["seconds"] for share in shares)),
        )


@contextmanager
def running(task: str, pictures: Sequence[Path], count: int) -> Iterator[Limit]:
    """Start `count` processes, and end them. Raises VistazoError when they cannot start."""
    command = [sys.executable, "-m", "benchmarks.http.limit", task, *map(str, pictures)]
    with ExitStack() as stack:
        workers = []
        for _ in range(count):
            worker = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | ONE_THREAD,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # LiteRT reports each delegate
                text=True,
            )
            workers.append(stack.enter_context(worker))
            stack.callback(worker.kill)
        yield Limit(workers)


def _line(worker: "subprocess.Popen[str]") -> str:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        raise VistazoError("the process of the limit ended: run `python -m benchmarks.http.limit` to see why")
    return line


def main(task: str, *paths: str) -> None:
    """Classify when stdin says so, until it ends."""
    pictures = [Path(path).read_bytes() for path in paths]
    classifier = load_classifier(BUNDLED / task, workers=1)
    print(json.dumps([classifier.classify(picture).label for picture in pictures]), flush=True)
    for line in sys.stdin:
        times = []
        start = now = time.perf_counter()
        for picture in cycle(pictures):
            orjson.dumps(response(classifier.classify(picture)))
            before, now = now, time.perf_counter()
            times.append(round(1000 * (now - before), 4))
            if now - start >= float(line):
                break
        print(json.dumps({"seconds": now - start, "times_ms": times}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
