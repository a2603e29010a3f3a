"""Rendered digits are pictures that a person could have made, and still the digits they were."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.handwriting import SIDE, STYLES, render
from models.catalog import BUNDLED
from models.classifier import Classifier
from models.digits.mnist import canonical_digit
from models.images.preprocessing import preprocess
from models.loading import load_classifier
from tests.helpers.project import ROOT
from train.manifest import Row, write_manifest

DIGITS = sorted((Path(__file__).parents[1] / "fixtures" / "digits").glob("*.png"))
SEEDS = 3


def mnist(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("L"), np.uint8)


@pytest.fixture(scope="module")
def reader() -> Classifier:
    return load_classifier(BUNDLED / "digit")


def ink(style: str, seed: int) -> float:
    """Mean grey of the canonical form: how wide the pen was."""
    found = canonical_digit(render(mnist(DIGITS[0]), style, np.random.default_rng(seed)))
    assert found.pixels is not None
    return float(found.pixels.mean())


@pytest.mark.parametrize("style", STYLES)
def test_most_rendered_digits_are_still_read(style: str, reader: Classifier) -> None:
    right = 0
    for seed in range(SEEDS):
        for path in DIGITS:
            picture = render(mnist(path), style, np.random.default_rng(seed))
            assert picture.shape == (SIDE, SIDE, 3)
            assert picture.dtype == np.uint8
            answer = reader.predict([preprocess(picture, reader.info.preprocessing, reader.info.input)])[0]
            right += answer.label == path.stem[0]
    assert right >= 0.8 * SEEDS * len(DIGITS)


def test_a_thin_pen_is_thinner_than_a_thick_one() -> None:
    assert np.mean([ink("thin", seed) for seed in range(8)]) < 0.8 * np.mean([ink("thick", seed) for seed in range(8)])


def test_the_seed_decides_the_picture() -> None:
    digit = mnist(DIGITS[0])
    one, again, other = (render(digit, "phone", np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one.astype(int) - other).mean() > 5


def test_loops_stay_open_under_a_thick_pen() -> None:
    """A zero has a hole whatever draws it."""
    zero = next(path for path in DIGITS if path.stem.startswith("0"))
    for seed in range(5):
        picture = render(mnist(zero), "thick", np.random.default_rng(seed))
        ground = (np.abs(picture.astype(int) - picture[0, 0]).sum(2) < 40).astype(np.uint8)
        parts, _ = cv2.connectedComponents(ground, connectivity=4)
        assert parts - 1 >= 2, "the ground around and the ground inside"


def test_the_command_prints_a_line_for_each_style(tmp_path: Path) -> None:
    """On digits that a small MNIST has: the table's form, and that what it reads is read through the serving path."""
    rows = [Row(f"val/{path.name}", path.stem[0], "val", path.name) for path in DIGITS]
    task_dir = tmp_path / "digit"
    (task_dir / "val").mkdir(parents=True)
    for path in DIGITS:
        (task_dir / "val" / path.name).write_bytes(path.read_bytes())
    write_manifest(task_dir, rows)
    sheet = tmp_path / "sheet.png"
    words = ["--data-dir", str(tmp_path), "--each", "4", "--sheet", str(sheet)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.hard_digits", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line.strip("|").split("|") for line in done.stdout.splitlines()[2:]]
    assert [line[0].strip() for line in lines] == [*STYLES, "all"]
    assert [int(line[1]) for line in lines] == [4] * len(STYLES) + [4 * len(STYLES)]
    assert float(lines[-1][2].strip().rstrip("%")) >= 80
    assert sheet.stat().st_size > 1000
