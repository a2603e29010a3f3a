"""Accuracy of a digit model on drawings and photographs, rendered from MNIST's validation digits.

    python -m benchmarks.hard_digits [--bundle models/bundled/digit] [--data-dir data] [--each 500] [--sheet sheet.png]

Renders `--each` validation digits in every style of `benchmarks.handwriting` (seed 1) and classifies them as the server
does. A rejected or blank picture counts as an error. Intervals: 95 %, bootstrap over the pictures.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.handwriting import STYLES, render
from models.images.decoding import decode
from models.images.preprocessing import preprocess
from models.loading import load_classifier
from train.evaluation.metrics import bootstrap_metrics
from train.manifest import read_manifest, read_picture

SEED = 1


def main() -> None:
    """Print a table with one row for each style and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("models/bundled/digit"))
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--each", type=int, default=500)
    parser.add_argument("--sheet", type=Path, help="PNG file for a sheet with a few of the pictures")
    arguments = parser.parse_args()
    classifier = load_classifier(arguments.bundle)
    task_dir = arguments.data_dir / "digit"
    rows = [row for row in read_manifest(task_dir) if row.split == "val"]
    random = np.random.default_rng(SEED)
    examples: list[NDArray[np.uint8]] = []
    all_correct: list[bool] = []
    all_rejected = 0
    print("| style | pictures | accuracy | 95 % | rejected |\n|---|---|---|---|---|")
    for style in STYLES:
        correct, rejected = [], 0
        for index in random.choice(len(rows), arguments.each, replace=False):
            row = rows[index]
            digit = decode(read_picture(task_dir, row.path))[..., 0]
            picture = render(digit, style, random)
            examples.append(picture)
            info = classifier.info
            prediction = classifier.predict([preprocess(picture, info.preprocessing, info.input)])[0]
            correct.append(prediction.label == row.label)
            rejected += prediction.index is None
        all_correct += correct
        all_rejected += rejected
        _print_row(style, correct, rejected)
    _print_row("all", all_correct, all_rejected)
    if arguments.sheet:
        columns = min(14, arguments.each)
        pictures = np.array([cv2.resize(picture, (96, 96)) for picture in examples])  # (styles · each, 96, 96, 3)
        grid = pictures.reshape(len(STYLES), arguments.each, 96, 96, 3)[:, :columns]
        sheet = grid.transpose(0, 2, 1, 3, 4).reshape(96 * len(STYLES), 96 * columns, 3)
        cv2.imwrite(str(arguments.sheet), sheet[..., ::-1])


def _print_row(style: str, correct: list[bool], rejected: int) -> None:
    hits = np.array(correct)
    metrics = bootstrap_metrics({"accuracy": lambda i: float(hits[i].mean())}, np.arange(len(hits)))
    accuracy = metrics["accuracy"]
    print(f"| {style} | {len(hits)} | {accuracy.value:.1%} | {accuracy.low:.1%} to {accuracy.high:.1%} | {rejected} |")


if __name__ == "__main__":
    main()
