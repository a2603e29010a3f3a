"""Compare the training speed of Keras' backends on this machine, as a Markdown table.

    python -m benchmarks.training [digit] [--arch NAME] [--weights PATH] [--pictures 1024] [--epochs 4] [--rounds 3]

Trains a task's recipe on synthetic pictures, which take the same time as real ones and need no download, with every
installed backend (TensorFlow, JAX, PyTorch). The backends take turns, each in a process of its own. Other load on the
machine then slows all of them equally, so the ratios are more reliable than the absolute values. A run's speed is that
of its median epoch, because the first one is slow. A backend uses a CUDA GPU if it finds one, and the table shows it.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from rich.console import Console

from models import bundle
from models.catalog import BUNDLED
from models.errors import VistazoError
from train import recipe
from train.manifest import SPLITS, Row, write_manifest
from train.recipe import Recipe

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}  # Keras' name → name of the package
HELD_OUT = 64  # validation and test pictures, which are not timed


@dataclass(frozen=True, slots=True)
class Measurement:
    """The result of one process: its speed, and the device that it trained on."""

    images_per_second: float
    device: str


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "task", nargs="?", default="digit", help="the recipe's task: digit, flower or pneumonia (default: digit)"
    )
    parser.add_argument("--arch", help="network architecture (default: the recipe's)")
    parser.add_argument("--weights", type=Path, help="the backbone's file (default: Keras downloads it)")
    parser.add_argument("--pictures", type=int, default=1024, help="training pictures (default: 1024)")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each run, 3 or more (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each backend (default: 3)")
    arguments = parser.parse_args()
    try:
        timed = benchmark_recipe(arguments.task, arguments.arch, arguments.epochs)
        measured = _measure(timed, arguments.weights, arguments.pictures, arguments.rounds)
    except VistazoError as error:
        sys.exit(f"error: {error}")
    print(_table(recipe.load(arguments.task, arch=arguments.arch), measured))


def benchmark_recipe(task: str, arch: str | None, epochs: int) -> Recipe:
    """Return the task's recipe without early stopping and without outlier exposure, whose pictures take long to make.

    Raises RecipeError as `train.recipe.load`.
    """
    return recipe.load(task, arch=arch, epochs=epochs, patience=epochs, outlier_exposure=0.0)


def gpu_name() -> str:
    """Return the name of the first NVIDIA GPU, or `GPU` if `nvidia-smi` is missing or fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "GPU"
    done = subprocess.run(
        [program, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return (done.stdout.splitlines() or ["GPU"])[0]


def _measure(timed: Recipe, weights: Path | None, pictures: int, rounds: int) -> dict[str, list[Measurement]]:
    """Run every installed backend `rounds` times, in turns. Raises VistazoError when a backend cannot train."""
    backends = [name for name, package in BACKENDS.items() if importlib.util.find_spec(package)]
    measured: dict[str, list[Measurement]] = {backend: [] for backend in backends}
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary:
        _draw_pictures(timed, pictures, Path(temporary))
        arguments = (timed.task, timed.arch, str(weights or ""), str(timed.epochs), temporary)
        for number in range(rounds):
            for backend in backends:
                with console.status(f"{backend}, round {number + 1} of {rounds}"):
                    done = subprocess.run(
                        [sys.executable, "-m", "benchmarks.training_worker", *arguments],
                        env=os.environ | {"KERAS_BACKEND": backend},  # Keras reads it when it is imported
                        capture_output=True,
                        text=True,
                        check=False,
                    )
                if done.returncode:
                    raise VistazoError(f"{backend} could not train {timed.arch}: {done.stderr.splitlines()[-1]}")
                measured[backend].append(Measurement(**json.loads(done.stdout.splitlines()[-1])))
                console.print(f"{backend}: {measured[backend][-1].images_per_second:,.0f} images/s")
    return measured


def _draw_pictures(timed: Recipe, pictures: int, directory: Path) -> None:
    """Write pictures of black discs and their manifest. The recipe's labels take turns."""
    random = np.random.default_rng(0)
    labels, rows = list(timed.labels), []
    for split in SPLITS:
        for number in range(pictures if split == "train" else HELD_OUT):
            label = labels[number % len(labels)]
            name = f"{split}/{label}/{number}.png"
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = Image.new("RGB", (timed.width, timed.height), "white")
            x, y = random.uniform(0.2, 0.8, 2) * (timed.width, timed.height)
            ImageDraw.Draw(image).circle((x, y), 0.15 * timed.width, fill="black")
            image.save(path)
            rows.append(Row(name, label, split, name))
    write_manifest(directory, rows)


def _table(full: Recipe, measured: dict[str, list[Measurement]]) -> str:
    """Return the measurements as Markdown, with the minutes of a run of the `full` recipe on the task's pictures."""
    pictures = bundle.load(BUNDLED / full.task).data.train
    medians = {backend: statistics.median(_speeds(runs)) for backend, runs in measured.items()}
    first = next(iter(medians))
    lines = [
        f"{full.task}, {full.arch}, {full.height} by {full.width} pixels, batches of {full.batch_size}; "
        f"a run is {full.epochs} epochs of {pictures:,} pictures, without validation.\n",
        f"| backend | device | images/s, median (range) | times {first} | minutes per run |",
        "|---|---|---|---|---|",
    ]
    for backend, median in medians.items():
        speeds = _speeds(measured[backend])
        minutes = full.epochs * pictures / median / 60
        lines.append(
            f"| {backend} {version(BACKENDS[backend])} | {measured[backend][0].device} | "
            f"{median:,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f}) | {median / medians[first]:.2f} | "
            f"{minutes:,.1f} |"
        )
    return "\n".join(lines)


def _speeds(measurements: list[Measurement]) -> list[float]:
    return [measurement.images_per_second for measurement in measurements]


if __name__ == "__main__":
    main()
