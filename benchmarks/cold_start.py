"""How long the Space takes from the start of its process to its first answer, and what its imports cost.

    python -m benchmarks.cold_start [--rounds 5]

Builds the Space in `.space/`, as `make space` does, and starts it again and again, in turns as it is and with Gradio
imported as it comes (see `serving.gradio_setup`), so that whatever else the machine does slows both alike: the ratios
are worth more than the figures. Processor time is what the process had used by its first answer. Each figure is the
median of the rounds. The machine's disk cache is warm; on a machine that has just been given the Space, it is not.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from operator import itemgetter
from pathlib import Path

import httpx2
from rich.console import Console

from models.errors import VistazoError
from spaces_config import card, local, smoke_test
from spaces_config.errors import SpaceError
from spaces_config.local import Space

VARIANTS = {
    "as it is": ("app.py",),
    "with Gradio as it comes": ("-c", "import gradio, runpy; runpy.run_path('app.py', run_name='__main__')"),
}
STEPS = """
import json, time
marks = [time.perf_counter()]
def mark(): marks.append(time.perf_counter())
import app; mark()
from models.catalog import Catalog; catalog = Catalog.load(); mark()
from serving import server; mark()
server.build_app(catalog, app.configuration.load(), "digit", "", lambda: None); mark()
names = ("imports of app.py", "models verified and loaded", "imports of the server", "page built")
print(json.dumps(dict(zip(names, (end - start for start, end in zip(marks, marks[1:]))))))
"""
IMPORTS = "import app; from serving import server"
OWN = ("app", "models", "serving")
SHOWN = 12  # packages
COLUMNS = ("listens", "answers", "is ready", "first prediction", "processor")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    try:
        print(report(local.build(card.build_card({}), {}), rounds))
    except VistazoError as error:
        sys.exit(f"error: {error}")


def report(space: Space, rounds: int) -> str:
    """Measure so many rounds; the tables as Markdown. Raises SpaceError when the Space does not run."""
    starts, steps, imports = _measure(space, rounds)
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{local.CORES} cores of {platform.machine()}{busy}, {rounds} rounds, medians in seconds."
    tables = (_table_of_starts(starts), _table_of_shares("step", steps), _table_of_shares("import", imports))
    return "\n\n".join((machine, *tables))


def _measure(
    space: Space, rounds: int
) -> tuple[dict[str, list[list[float]]], list[dict[str, float]], list[dict[str, float]]]:
    """Of each variant the starts; what the steps of a start take; and the packages."""
    starts: dict[str, list[list[float]]] = {name: [] for name in VARIANTS}
    steps, imports = [], []
    console = Console(stderr=True)
    for number in range(rounds):
        with console.status(f"round {number + 1} of {rounds}"):
            for name, words in VARIANTS.items():
                starts[name].append(_start(space, words))
            steps.append(json.loads(_run(space, "-c", STEPS).stdout.splitlines()[-1]))
            imports.append(_imports(_run(space, "-X", "importtime", "-c", IMPORTS).stderr))
    return starts, steps, imports


def _start(space: Space, words: tuple[str, ...]) -> list[float]:
    """Seconds from the start of the process for each of COLUMNS."""
    moments = []
    with local.running(space, *words) as running, httpx2.Client(base_url=smoke_test.URL, trust_env=False) as client:
        while not local.is_port_in_use():
            time.sleep(smoke_test.POLL_INTERVAL_S)
            if running.process.poll() is not None:
                raise SpaceError(f"the Space stopped: see {space.log}")
        moments.append(time.monotonic())
        client.get("/health/live", timeout=smoke_test.START_TIMEOUT_S)
        moments.append(time.monotonic())
        while client.get("/health/ready").status_code != 200:
            time.sleep(smoke_test.POLL_INTERVAL_S)
        moments.append(time.monotonic())
        client.post(
            "/predict", files={"file": smoke_test.sample_picture(space.app, "digit").read_bytes()}
        ).raise_for_status()
        moments.append(time.monotonic())
        processor = _processor_s(running.process.pid)
    return [*(moment - running.started for moment in moments), processor]


def _processor_s(process_id: int) -> float:
    """What all threads of a process have used so far, from `/proc`."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _run(space: Space, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  (our own words)
        space.command(*words), cwd=space.app, env=space.environment, capture_output=True, text=True, check=True
    )


def _imports(said: str) -> dict[str, float]:
    """Seconds by package, without what a package imports of others, from the lines of `python -X importtime`."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for line in said.splitlines():
        if line.startswith("import time:") and "|" in line and "[us]" not in line:
            own, _, module = line.removeprefix("import time:").split("|")
            package = module.strip().partition(".")[0]
            seconds["Vistazo" if package in OWN else package] += int(own) / 1e6
    return dict(seconds)


def _table_of_starts(starts: dict[str, list[list[float]]]) -> str:
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in starts.items()}
    lines = [f"| start | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} |" for name, row in medians.items()]
    ratios = [first / second for first, second in zip(*medians.values(), strict=True)]
    return "\n".join([*lines, f"| ratio | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |"])


def _table_of_shares(title: str, rounds: list[dict[str, float]]) -> str:
    """The greatest first, and how much all others take together."""
    names = {name for each in rounds for name in each}
    medians = {name: statistics.median(each.get(name, 0.0) for each in rounds) for name in names}
    total = sum(medians.values())
    shown = sorted(medians.items(), key=itemgetter(1), reverse=True)[:SHOWN]
    if rest := total - sum(value for _, value in shown):
        shown.append((f"{len(medians) - SHOWN} others", rest))
    lines = [f"| {title} | seconds | share |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value:.2f} | {value / total:.0%} |" for name, value in shown)])


if __name__ == "__main__":
    main()
