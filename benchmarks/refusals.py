"""OOD rejection rates: pictures of the other tasks, noise, blank pages and your photographs, for each model.

    python -m benchmarks.refusals [--split val] [--each 400] [--photos FOLDER] [--bundle DIRECTORY]…

Each row is a set of pictures and each column a model. A cell has the share of rejected pictures with its 95 % interval
(Wilson 1927). A model should accept its own pictures and reject the others. From each set, a fixed random sample of
`--each` pictures is used.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy.stats import binomtest

from models.batch import find_pictures
from models.catalog import BUNDLED, TASKS
from models.classifier import Classifier
from models.errors import VistazoError
from models.loading import load_classifier
from models.prediction import Verdict
from train.manifest import encode_png, read_manifest, read_picture
from train.parallel import parallel_map

SEED = 0
SYNTHETIC = 200  # pictures of noise, and as many blank pages

T = TypeVar("T")


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("val", "test"), default="val", help="split of the tasks' pictures")
    parser.add_argument("--each", type=int, default=400)
    parser.add_argument("--photos", type=Path, help="a folder of photographs of other things")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--bundle", type=Path, action="append", help="repeatable; default: the bundled models")
    arguments = parser.parse_args()
    try:
        sets = {task: _task_pictures(arguments.data_dir / task, arguments.split, arguments.each) for task in TASKS}
        sets |= {"noise": noise(SYNTHETIC), "blank pages": blank_pages(SYNTHETIC)}
        if arguments.photos:
            photos = _sample(find_pictures([arguments.photos]), arguments.each)
            sets["photographs"] = [path.read_bytes() for path in photos]
        models = [load_classifier(path) for path in arguments.bundle or [BUNDLED / task for task in TASKS]]
        print(_table(models, sets))
    except VistazoError as error:
        sys.exit(f"error: {error}")


def noise(count: int) -> list[bytes]:
    """Return `count` noise pictures as PNG: grey and coloured, fine and coarse, of several sizes."""
    random = np.random.default_rng(SEED)
    pictures = []
    for number in range(count):
        side, grain = int(random.integers(64, 400)), int(2 ** (number % 5))
        cells = -(-side // grain)
        values = random.normal(random.uniform(60, 200), random.uniform(15, 80), (cells, cells, 3 if number % 2 else 1))
        enlarged = values.repeat(grain, 0).repeat(grain, 1)[:side, :side]
        pictures.append(encode_png(np.broadcast_to(enlarged, (side, side, 3)).clip(0, 255).astype(np.uint8)))
    return pictures


def blank_pages(count: int) -> list[bytes]:
    """Return `count` blank pages as PNG: one grey level, with a gradient of light and a little noise."""
    random = np.random.default_rng(SEED)
    pictures = []
    for _ in range(count):
        height, width = random.integers(64, 400, 2)
        light = np.linspace(0, random.uniform(-40, 40), width)[None, :] + np.zeros((height, 1))
        page = random.uniform(0, 255) + light + random.normal(0, random.uniform(0, 3), (height, width))
        pictures.append(encode_png(page[..., None].repeat(3, -1).clip(0, 255).astype(np.uint8)))
    return pictures


def _task_pictures(task_dir: Path, split: str, each: int) -> list[bytes]:
    rows = _sample([row for row in read_manifest(task_dir) if row.split == split], each)
    return [read_picture(task_dir, row.path) for row in rows]


def _sample(items: Sequence[T], count: int) -> list[T]:
    indices = np.random.default_rng(SEED).choice(len(items), min(count, len(items)), replace=False)
    return [items[index] for index in sorted(indices)]


def _table(models: Sequence[Classifier], sets: Mapping[str, Sequence[bytes]]) -> str:
    lines = [
        "| pictures of | number | " + " | ".join(f"rejected by {model.task}" for model in models) + " |",
        "|---|---|" + "---|" * len(models),
    ]
    for name, pictures in sets.items():
        cells = (_rejection_rate(model, pictures, name) for model in models)
        lines.append(f"| {name} | {len(pictures)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _rejection_rate(model: Classifier, pictures: Sequence[bytes], name: str) -> str:
    predictions = parallel_map(model.classify, pictures, f"{model.task}: {name}")
    rejected = binomtest(sum(item.verdict is Verdict.REJECTED for item in predictions), len(pictures))
    interval = rejected.proportion_ci(method="wilson")
    return f"{rejected.statistic:.1%} ({interval.low:.1%} to {interval.high:.1%})"


if __name__ == "__main__":
    main()
