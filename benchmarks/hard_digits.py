"""How well a digit model reads drawings and photographs: MNIST's validation digits in other hands' clothes.

    python -m benchmarks.hard_digits [--bundle models/bundled/digit] [--data-dir data] [--each 500] [--sheet sheet.png]

Renders `--each` validation digits in every style of `benchmarks.handwriting` (seed 1) and classifies them as a server
would. A rejected or blank picture counts as wrong. Intervals: 95 %, bootstrap over the pictures.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.handwriting import STYLES, render
from models.classifier import Classifier
from models.images.decoding import decode
from models.images.preprocessing import preprocess
from train.evaluation.metrics import bootstrap_metrics
from train.manifest import read_manifest, read_picture

SEED = 1


def main() -> None:
    """Print one line a style, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("models/bundled/digit"))
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--each", type=int, default=500)
    parser.add_argument("--sheet", type=Path, help="write a few of the pictures here, as one PNG")
    arguments = parser.parse_args()
    classifier = Classifier.load(arguments.bundle)
    task_dir = arguments.data_dir / "digit"
    rows = [row for row in read_manifest(task_dir) if row.split == "val"]
    random = np.random.default_rng(SEED)
    examples: list[NDArray[np.uint8]] = []
    everything: list[bool] = []
    total = 0
    print("| style | pictures | right | 95 % | rejected |\n|---|---|---|---|---|")
    for style in STYLES:
        right, rejected = [], 0
        for index in random.choice(len(rows), arguments.each, replace=False):
            row = rows[index]
            digit = decode(read_picture(task_dir, row.path))[..., 0]
            picture = render(digit, style, random)
            examples.append(picture)
            info = classifier.info
            answer = classifier.answer(preprocess(picture, info.preprocessing, info.input))
            right.append(answer.label == row.label)
            rejected += answer.index is None
        everything += right
        _print(style, right, rejected)
        total += rejected
    _print("all", everything, total)
    if arguments.sheet:
        few = min(14, arguments.each)
        chosen = np.array([cv2.resize(picture, (96, 96)) for picture in examples])  # (styles · each, 96, 96, 3)
        lines = chosen.reshape(len(STYLES), arguments.each, 96, 96, 3)[:, :few]
        sheet = lines.transpose(0, 2, 1, 3, 4).reshape(96 * len(STYLES), 96 * few, 3)
        cv2.imwrite(str(arguments.sheet), sheet[..., ::-1])


def _print(style: str, right: list[bool], rejected: int) -> None:
    hits = np.array(right)
    figure = bootstrap_metrics({"right": lambda i: float(hits[i].mean())}, np.arange(len(hits)))["right"]
    print(f"| {style} | {len(right)} | {figure.value:.1%} | {figure.low:.1%} to {figure.high:.1%} | {rejected} |")


if __name__ == "__main__":
    main()
