"""Compare the speed of Vistazo's server with other servers of the same models, and with the limit without HTTP.

    python -m benchmarks.serving [--tasks digit,flower] [--clients 1,4,16,64] [--servers vistazo,flask,litserve,bentoml]
                                 [--seconds 4] [--rounds 3] [--warm-up 1] [--idle 10] [--output FILE]

`make bench` installs the other servers and runs it. All servers get the same pictures from the same client (wrk, one
thread, on the same machine) and use the same code to decode and preprocess. In each round, every server is started,
measured with each number of clients, and stopped, so that only one runs at a time. Ratios between servers of one
round, and their spread over the rounds, are more reliable than the values.

The limit decodes, preprocesses, infers and writes JSON in processes without HTTP: one for each client, at most one a
core. Flask runs `model.predict` of a Keras network with random weights: its speed does not depend on the weights. The
labels of all other servers must be right. A cell has the median of the rounds and, in brackets, the lowest and the
highest.
"""

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from benchmarks.http import client, limit, report, server
from benchmarks.http.limit import Limit
from benchmarks.http.report import LIMIT, Idle, Results, Sample
from benchmarks.http.server import KINDS, Server
from models.errors import VistazoError
from spaces_config import processes
from train.run import source_commit

EXAMPLES = server.ROOT / "serving" / "examples"
TASKS = ("digit", "flower")  # the examples of these tasks are named after their labels
SETTLE_S = 1.0  # after the start, before the idle processor time is measured
NOTES = f"""\
Each cell has the median of the rounds and, in brackets, the lowest and the highest. Client and server share the cores.
The limit runs one process for each client, at most one a core, without HTTP. Flask's network has random weights.

- requests/s: those with a prediction
- p50, p95, p99: as wrk gives them, with its correction for coordinated omission, refused requests included
- errors, of all rounds: responses with a status of 400 or more (refused), and connections that broke
- memory: {processes.MEMORY} of all processes of the server at the end of the load, in megabytes (10⁶ bytes)
- CPU: processor time of all processes of the server for a prediction, less affected by other programs than the rest"""


@dataclass(frozen=True, slots=True)
class Plan:
    """The measurements of one run of the command."""

    tasks: tuple[str, ...]
    clients: tuple[int, ...]
    servers: tuple[str, ...]
    seconds: int
    rounds: int
    warm_up_s: int
    idle_s: float


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(TASKS), help="tasks (default: digit,flower)")
    parser.add_argument("--clients", default="1,4,16,64", help="numbers of connections (default: 1,4,16,64)")
    parser.add_argument("--servers", default=",".join(KINDS), help=f"servers (default: {','.join(KINDS)})")
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each server (default: 3)")
    parser.add_argument("--warm-up", type=int, default=1, help="seconds of load that do not count (default: 1)")
    parser.add_argument("--idle", type=float, default=10, help="seconds without load, for the first task (default: 10)")
    parser.add_argument("--output", type=Path, help="write the tables to this file, too")
    arguments = parser.parse_args()
    try:
        plan = Plan(
            _choose(arguments.tasks, TASKS, "--tasks"),
            _numbers(arguments.clients, "--clients"),
            _choose(arguments.servers, KINDS, "--servers"),
            arguments.seconds,
            arguments.rounds,
            arguments.warm_up,
            arguments.idle,
        )
        page = _page(plan)
    except VistazoError as error:
        sys.exit(f"error: {error}")
    print(page, end="")
    if arguments.output:
        arguments.output.write_text(page, encoding="utf-8")


def _choose(text: str, known: Sequence[str] | Mapping[str, object], option: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in known:
            raise VistazoError(f"{option} has {name!r}: choose from {', '.join(known)}")
    return names


def _numbers(text: str, option: str) -> tuple[int, ...]:
    names = text.split(",")
    for name in names:
        if not name.isdecimal() or int(name) < 1:
            raise VistazoError(f"{option} has {name!r}: give numbers from 1, separated by commas")
    return tuple(map(int, names))


def _page(plan: Plan) -> str:
    """Measure and return the Markdown page. Raises VistazoError."""
    _check(plan)
    packages = [package for name in plan.servers for package in KINDS[name].packages]
    about = f"{report.machine(packages, _cores())}\n- Vistazo {source_commit()}"  # before the load
    titles = {LIMIT: "limit, no HTTP"} | {name: KINDS[name].title for name in plan.servers}
    results = _measure(plan)
    about += f"\n{report.other_load(results)}"
    command = f"- `{shlex.join(['python', '-m', 'benchmarks.serving', *sys.argv[1:]])}`, {date.today()}"
    return f"# Speed next to other servers\n\n{about}\n{command}\n\n{NOTES}\n\n{report.tables(results, titles)}\n"


def _check(plan: Plan) -> None:
    """Raise VistazoError when something is missing."""
    if sys.platform != "linux":
        raise VistazoError("the benchmark reads /proc: run it on Linux")
    client.find_wrk()
    missing = [name for name in plan.servers for package in KINDS[name].packages if find_spec(package) is None]
    if missing:
        raise VistazoError(f"{', '.join(missing)} cannot run here: install benchmarks/requirements.txt with make bench")


def _measure(plan: Plan) -> Results:
    samples: defaultdict[tuple[str, int, str], list[Sample]] = defaultdict(list)
    idle: defaultdict[tuple[str, str], list[Idle]] = defaultdict(list)
    console = Console(stderr=True)
    for number in range(plan.rounds):
        for task in plan.tasks:
            pictures = _pictures(task)
            with console.status(f"round {number + 1} of {plan.rounds}, {task}: the limit"):
                for clients, sample in _measure_limit(plan, task, pictures).items():
                    samples[task, clients, LIMIT].append(sample)
            first = number % len(plan.servers)  # no server always comes after the same one
            for name in plan.servers[first:] + plan.servers[:first]:
                with (
                    console.status(f"round {number + 1} of {plan.rounds}, {task}: {name}"),
                    tempfile.TemporaryDirectory() as temporary,
                    server.running(KINDS[name], task, pictures, Path(temporary)) as running,
                ):
                    idle[task, name].append(_measure_idle(running, plan.idle_s if task == plan.tasks[0] else 0))
                    loads = _measure_loads(plan, running, list(pictures), Path(temporary))
                for clients, sample in loads.items():
                    samples[task, clients, name].append(sample)
                    console.print(f"{task}, {name}, clients: {clients}, requests/s: {sample.rate:,.0f}")
    return Results(samples, idle)


def _pictures(task: str) -> dict[Path, str]:
    """Return the example pictures of a task with their labels."""
    paths = sorted(path for path in (EXAMPLES / task).iterdir() if path.suffix in {".png", ".jpg", ".jpeg"})
    return {path: path.stem.partition("-")[0] for path in paths}


def _measure_limit(plan: Plan, task: str, pictures: Mapping[Path, str]) -> dict[int, Sample]:
    """Return the limit for each number of clients."""
    counts = {clients: min(clients, _cores()) for clients in plan.clients}
    with limit.running(task, list(pictures), max(counts.values())) as running:
        if running.labels != list(pictures.values()):
            raise VistazoError(f"the labels of the examples of {task} are {running.labels}: correct their names")
        found = {count: _limit_sample(running, count, plan.seconds) for count in sorted({*counts.values()})}
    return {clients: found[count] for clients, count in counts.items()}


def _limit_sample(running: Limit, count: int, seconds: int) -> Sample:
    speed = running.run(count, seconds)
    return Sample(
        rate=speed.rate,
        p50_ms=speed.p50_ms,
        p95_ms=speed.p95_ms,
        p99_ms=speed.p99_ms,
        refused=0,
        broken=0,
        memory_mb=speed.memory_mb,
        cpu_ms=speed.cpu_ms,
        client_cpu_ms=None,
        other_cores=speed.other_cores,
    )


def _measure_idle(running: Server, seconds: float) -> Idle:
    share = None
    if seconds:
        time.sleep(SETTLE_S)
        before = running.cpu_s()
        time.sleep(seconds)
        share = (running.cpu_s() - before) / seconds
    return Idle(running.start_s, running.memory_mb(), share)


def _measure_loads(plan: Plan, running: Server, pictures: Sequence[Path], directory: Path) -> dict[int, Sample]:
    bodies = client.write_bodies(pictures, directory)
    samples = {}
    if plan.warm_up_s:
        client.send(running.url, bodies, max(plan.clients), plan.warm_up_s)
    for clients in plan.clients:
        server.wait_until_idle(running, pictures[0])
        samples[clients] = _measure_load(running, bodies, clients, plan.seconds)
    return samples


def _measure_load(running: Server, bodies: Sequence[Path], clients: int, seconds: int) -> Sample:
    machine_s, server_s = processes.machine_cpu_s(), running.cpu_s()
    load = client.send(running.url, bodies, clients, seconds)
    server_s = running.cpu_s() - server_s
    other_s = processes.machine_cpu_s() - machine_s - server_s - load.client_cpu_s
    return Sample(
        rate=load.served / load.seconds,
        p50_ms=load.p50_ms,
        p95_ms=load.p95_ms,
        p99_ms=load.p99_ms,
        refused=load.refused,
        broken=load.broken,
        memory_mb=running.memory_mb(),
        cpu_ms=1000 * server_s / max(1, load.served),
        client_cpu_ms=1000 * load.client_cpu_s / max(1, load.served),
        other_cores=max(0.0, other_s / load.seconds),
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main()
