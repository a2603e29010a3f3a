"""Compare the speed of `python -m models classify` over a folder with the limit of this machine.

    python -m benchmarks.classify [--task digit] [--pictures 10000] [--rounds 3]

The folder has links to the example pictures of the task. The limit decodes, preprocesses, infers and writes JSON in one
process a core, on the same pictures from memory. The command is timed with all pictures and with a fifth of them: the
difference gives its rate without its start. A cell has the median of the rounds and, in brackets, the lowest and the
highest.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.http import limit, report
from models.cores import available_cores
from models.errors import VistazoError
from serving.samples import example_pictures

ROOT = Path(__file__).parents[1]
LIMIT_S = 4.0
COLUMNS = ("limit /s", "classify /s", "share", "whole command, s", "start, s")


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digit", help="task with example pictures (default: digit)")
    parser.add_argument("--pictures", type=int, default=10_000, help="files in the folder (default: 10000)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements (default: 3)")
    arguments = parser.parse_args()
    try:
        print(f"{report.machine((), available_cores())}\n")
        print(measure(arguments.task, arguments.pictures, arguments.rounds))
    except VistazoError as error:
        sys.exit(f"error: {error}")


def measure(task: str, count: int, rounds: int) -> str:
    """Return the table. Raises VistazoError."""
    examples = example_pictures(task)
    rows: list[tuple[float, ...]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folders = {number: _linked(examples, number, Path(temporary)) for number in (count, count // 5)}
        for _ in range(rounds):
            with limit.running(task, examples, available_cores()) as processes:
                limit_rate = processes.run(available_cores(), LIMIT_S).rate
            whole_s, fifth_s = (_time_of(task, folder) for folder in folders.values())
            rate = (count - count // 5) / (whole_s - fifth_s)
            rows.append((limit_rate, rate, rate / limit_rate, whole_s, whole_s - count / rate))
    cells = [
        report.spread([row[column] for row in rows], form)
        for column, form in enumerate((",.0f", ",.0f", ".0%", ".1f", ".1f"))
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (COLUMNS, ["---"] * len(COLUMNS), cells))


def _linked(examples: list[Path], count: int, directory: Path) -> Path:
    folder = directory / str(count)
    folder.mkdir()
    for number in range(count):
        example = examples[number % len(examples)]
        (folder / f"{number:06}{example.suffix}").symlink_to(example)
    return folder


def _time_of(task: str, folder: Path) -> float:
    command = [sys.executable, "-m", "models", "classify", task, str(folder), "--output", str(folder) + ".csv"]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise VistazoError(f"`models classify` failed: {done.stderr[-500:]}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
