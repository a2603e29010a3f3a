"""How fast each of Keras' backends trains a recipe on this machine, as a Markdown table.

    python -m benchmarks.training [digit] [--arch NAME] [--weights PATH] [--pictures 1024] [--epochs 4] [--rounds 3]

Trains the recipe of a task on made-up pictures, which cost as much as real ones and need no download, with every
backend that is installed (TensorFlow, JAX, PyTorch). The backends take turns, each time in a process of its own, so
that whatever else the machine does slows all of them alike: the ratios are worth more than the figures. Of each run
the median epoch counts, not the first, slow one. A backend uses a CUDA GPU where it finds one; the table says so.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
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

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}  # Keras' name → the package's
CHILD = "import sys; from benchmarks.training import train_once; train_once(*sys.argv[1:])"
HELD_OUT = 64  # pictures for validation, which is not timed


@dataclass(frozen=True, slots=True)
class Round:
    """What one process says: how fast it trained, on what."""

    images_per_second: float
    device: str


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default="digit", help="whose recipe: digit, flower or pneumonia")
    parser.add_argument("--arch", help="default: the recipe's")
    parser.add_argument("--weights", type=Path, help="the backbone's file; default: download")
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=4, help="at least 3")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    try:
        chosen = _recipe(arguments.task, arguments.arch, arguments.epochs)
        found = _measure(chosen, arguments.weights, arguments.pictures, arguments.rounds)
    except VistazoError as error:
        sys.exit(f"error: {error}")
    print(_table(recipe.load(arguments.task, arch=arguments.arch), found))


def train_once(task: str, arch: str, weights: str, epochs: str, directory: str) -> None:
    """In a process with one backend: train, and print images per second and the device as JSON on the last line."""
    from train.learning.fit import fit  # noqa: PLC0415 (Keras decides for a backend when it is imported)
    from train.learning.precision import on_gpu  # noqa: PLC0415
    from train.run import machine  # noqa: PLC0415

    chosen = _recipe(task, arch, int(epochs))
    with tempfile.TemporaryDirectory() as temporary:
        run = fit(chosen, Path(directory), Path(temporary), Path(weights) if weights else None)
    device = f"{_gpu()}, CUDA" if on_gpu() else machine()
    print(json.dumps(asdict(Round(run.images_per_second or 0.0, device))))


def _recipe(task: str, arch: str | None, epochs: int) -> Recipe:
    return recipe.load(task, arch=arch, epochs=epochs, patience=epochs, outlier_exposure=0.0)


def _measure(chosen: Recipe, weights: Path | None, pictures: int, rounds: int) -> dict[str, list[Round]]:
    """What each round of each backend said."""
    backends = [name for name, package in BACKENDS.items() if importlib.util.find_spec(package)]
    found: dict[str, list[Round]] = {backend: [] for backend in backends}
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary:
        _draw(chosen, pictures, Path(temporary))
        words = (chosen.task, chosen.arch, str(weights or ""), str(chosen.epochs), temporary)
        for number in range(rounds):
            for backend in backends:
                with console.status(f"{backend}, round {number + 1} of {rounds}"):
                    done = subprocess.run(  # noqa: S603 (our own words)
                        [sys.executable, "-c", CHILD, *words],
                        env=os.environ | {"KERAS_BACKEND": backend},
                        capture_output=True,
                        text=True,
                        check=False,
                    )
                if done.returncode:
                    raise VistazoError(f"{backend} could not train {chosen.arch}: {done.stderr.splitlines()[-1]}")
                found[backend].append(Round(**json.loads(done.stdout.splitlines()[-1])))
                console.print(f"{backend}: {found[backend][-1].images_per_second:,.0f} images/s")
    return found


def _draw(chosen: Recipe, pictures: int, directory: Path) -> None:
    """Blots of the recipe's labels, in turns, and their manifest."""
    random = np.random.default_rng(0)
    labels, rows = list(chosen.labels), []
    for split in SPLITS:
        for number in range(pictures if split == "train" else HELD_OUT):
            label = labels[number % len(labels)]
            name = f"{split}/{label}/{number}.png"
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = Image.new("RGB", (chosen.width, chosen.height), "white")
            x, y = random.uniform(0.2, 0.8, 2) * (chosen.width, chosen.height)
            ImageDraw.Draw(image).circle((x, y), 0.15 * chosen.width, fill="black")
            image.save(path)
            rows.append(Row(name, label, split, name))
    write_manifest(directory, rows)


def _table(chosen: Recipe, found: dict[str, list[Round]]) -> str:
    """The rounds as Markdown; a run is as many epochs as the recipe has, of the task's training pictures."""
    pictures = bundle.load(BUNDLED / chosen.task).data.train
    medians = {backend: statistics.median(_rates(rounds)) for backend, rounds in found.items()}
    first = next(iter(medians))
    lines = [
        f"{chosen.task}, {chosen.arch}, {chosen.height} by {chosen.width} pixels, batches of {chosen.batch_size}; "
        f"a run is {chosen.epochs} epochs of {pictures:,} pictures, validation not counted.\n",
        f"| backend | device | images/s, median (range) | times {first} | minutes a run |",
        "|---|---|---|---|---|",
    ]
    for backend, median in medians.items():
        rates = _rates(found[backend])
        minutes = chosen.epochs * pictures / median / 60
        lines.append(
            f"| {backend} {version(BACKENDS[backend])} | {found[backend][0].device} | "
            f"{median:,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) | {median / medians[first]:.2f} | {minutes:,.1f} |"
        )
    return "\n".join(lines)


def _rates(rounds: list[Round]) -> list[float]:
    return [each.images_per_second for each in rounds]


def _gpu() -> str:
    """The first GPU's name, as NVIDIA's tool has it."""
    done = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],  # noqa: S607 (wherever the driver put it)
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout.splitlines() or ["GPU"])[0]


if __name__ == "__main__":
    main()
