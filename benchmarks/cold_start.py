"""Measure the cold start of the Space: seconds until its first prediction, and the cost of its imports.

    python -m benchmarks.cold_start [--rounds 5]

Builds the Space in `.space/`, as `make space` does, and starts it several times, in turns with the project's Gradio
setup and with plain Gradio (see `serving.ui.gradio_setup`). Other load on the machine slows down both alike, so the
ratios are more reliable than the seconds. Processor time is what the process used until its first prediction. Every
value is the median of the rounds. The disk cache is warm, unlike on a machine that has just received the Space.
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
    "with the project's setup": ("app.py",),
    "with plain Gradio": ("-c", "import gradio, runpy; runpy.run_path('app.py', run_name='__main__')"),
}
STEPS = """
import json, time
marks = [time.perf_counter()]
def mark(): marks.append(time.perf_counter())
import app; mark()
from models.catalog import Catalog
from models.workers.start import start_workers
workers = start_workers(None, 10, 1500)
catalog = Catalog.load(load_model=workers.load); mark()
from serving import server; mark()
server.build_app(catalog, workers, app.configuration.load(), "digit", "", 0, lambda: None); mark()
names = ("imports of app.py", "models tried out in a worker", "imports of the server", "page built")
print(json.dumps(dict(zip(names, (end - start for start, end in zip(marks, marks[1:]))))))
"""
IMPORTS = "import app; from serving import server"
OWN_PACKAGES = ("app", "models", "serving")
MAX_ROWS = 12
COLUMNS = ("port open", "first response", "ready", "first prediction", "processor time")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="number of starts of each variant (default: 5)")
    rounds = parser.parse_args().rounds
    try:
        print(report(local.build(card.build_card({}), {}), rounds))
    except VistazoError as error:
        sys.exit(f"error: {error}")


def report(space: Space, rounds: int) -> str:
    """Measure the Space this number of times and return the tables as Markdown. Raises SpaceError when it stops."""
    starts, steps, imports = _measure(space, rounds)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{local.CORES} cores of {platform.machine()}{load}, {rounds} rounds, medians in seconds."
    tables = (_table_of_starts(starts), _table_of_shares("step", steps), _table_of_shares("import", imports))
    return "\n\n".join((machine, *tables))


def _measure(
    space: Space, rounds: int
) -> tuple[dict[str, list[list[float]]], list[dict[str, float]], list[dict[str, float]]]:
    """Return, with one item per round: the start of each variant, seconds by step, and seconds by package."""
    starts: dict[str, list[list[float]]] = {name: [] for name in VARIANTS}
    steps, imports = [], []
    console = Console(stderr=True)
    for number in range(rounds):
        with console.status(f"round {number + 1} of {rounds}"):
            for name, arguments in VARIANTS.items():
                starts[name].append(_start(space, arguments))
            steps.append(json.loads(_run(space, "-c", STEPS).stdout.splitlines()[-1]))
            imports.append(_parse_import_times(_run(space, "-X", "importtime", "-c", IMPORTS).stderr))
    return starts, steps, imports


def _start(space: Space, arguments: tuple[str, ...]) -> list[float]:
    """Start the Space and return the seconds of COLUMNS, from the start of the process."""
    moments = []
    with local.running(space, *arguments) as running, httpx2.Client(base_url=smoke_test.URL, trust_env=False) as client:
        while not local.is_port_in_use():
            time.sleep(smoke_test.POLL_INTERVAL_S)
            if running.process.poll() is not None:
                raise SpaceError(f"the Space stopped at its start: see {space.log}")
        moments.append(time.monotonic())
        client.get("/health/live", timeout=smoke_test.START_TIMEOUT_S)
        moments.append(time.monotonic())
        while client.get("/health/ready").status_code != 200:
            time.sleep(smoke_test.POLL_INTERVAL_S)
        moments.append(time.monotonic())
        picture = smoke_test.sample_picture(space.app, "digit").read_bytes()
        client.post("/predict", files={"file": picture}).raise_for_status()
        moments.append(time.monotonic())
        processor = _processor_s(running.process.pid)
    return [*(moment - running.started for moment in moments), processor]


def _processor_s(process_id: int) -> float:
    """Return the processor time of all threads of a process so far, from `/proc`."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _run(space: Space, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        space.command(*arguments), cwd=space.app, env=space.environment, capture_output=True, text=True, check=True
    )


def _parse_import_times(stderr: str) -> dict[str, float]:
    """Parse the output of `python -X importtime` into seconds by package, without the imports of other packages."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for line in stderr.splitlines():
        if line.startswith("import time:") and "|" in line and "[us]" not in line:
            own, _, module = line.removeprefix("import time:").split("|")
            package = module.strip().partition(".")[0]
            seconds["Vistazo" if package in OWN_PACKAGES else package] += int(own) / 1e6
    return dict(seconds)


def _table_of_starts(starts: dict[str, list[list[float]]]) -> str:
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in starts.items()}
    lines = [f"| start | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} |" for name, row in medians.items()]
    ratios = [first / second for first, second in zip(*medians.values(), strict=True)]
    return "\n".join([*lines, f"| ratio | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |"])


def _table_of_shares(title: str, rounds: list[dict[str, float]]) -> str:
    """Return a table of the largest shares, in descending order, with the sum of all others in the last row."""
    names = {name for seconds in rounds for name in seconds}
    medians = {name: statistics.median(seconds.get(name, 0.0) for seconds in rounds) for name in names}
    total = sum(medians.values())
    shown = sorted(medians.items(), key=itemgetter(1), reverse=True)[:MAX_ROWS]
    if rest := total - sum(value for _, value in shown):
        shown.append((f"{len(medians) - MAX_ROWS} others", rest))
    lines = [f"| {title} | seconds | share |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value:.2f} | {value / total:.0%} |" for name, value in shown)])


if __name__ == "__main__":
    main()
