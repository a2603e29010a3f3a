"""`python -m benchmarks.comparisons`: each command trains, exports and compares, and can be given again."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from benchmarks.comparisons import BALANCES, app
from tests.helpers.small_task import small_cnn
from train.manifest import SPLITS, Row, write_manifest

EFFORT = ("--size", "32", "--epochs", "1", "--seeds", "1")


@pytest.fixture(scope="module", autouse=True)
def fast() -> Iterator[None]:
    with small_cnn():
        yield


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `data/pneumonia` has more sick than healthy, and the sick are brighter in the middle."""
    directory = tmp_path_factory.mktemp("comparisons")
    random = np.random.default_rng(0)
    rows = []
    for split in SPLITS:
        for number in range(16):
            sick = number % 4 > 0
            pixels = random.integers(0, 120, (40, 40)).astype(np.uint8)
            pixels[10:30, 10:30] += np.uint8(100 * sick)
            name = f"{split}/{'pneumonia' if sick else 'normal'}/{number}.png"
            path = directory / "data" / "pneumonia" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
            rows.append(Row(name, path.parent.name, split, name))
    write_manifest(directory / "data" / "pneumonia", rows)
    return directory


def run(directory: Path, *arguments: str) -> Result:
    where = ("--data-dir", str(directory / "data"), "--runs-dir", str(directory / "runs"))
    return CliRunner().invoke(app, [*arguments, *EFFORT, *where])


def test_balanced_against_unbalanced(directory: Path) -> None:
    done = run(directory, "balance")
    assert done.exit_code == 0, done.output
    folder = directory / "runs" / "balance-32px-1epochs"
    assert done.stdout.splitlines()[-1] == str(folder)
    rows = {row[0]: row[1:] for row in table(folder)}
    assert rows[""] == [f"{how}-0" for how in BALANCES]
    assert rows["class_weights"] == ["False", "True", "False"]
    assert rows["balanced_sampling"] == ["False", "False", "True"]
    assert set(rows["architecture"]) == {"cnn"}

    runs = {path: path.stat().st_mtime_ns for path in folder.glob("*/run.json")}
    assert len(runs) == 3
    assert run(directory, "balance").exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in runs} == runs, "complete runs are kept"


def test_a_custom_network_against_a_backbone(directory: Path) -> None:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((32, 32, 3))
    backbone = keras.Model(pixels, keras.layers.Conv2D(8, 3, strides=4, padding="same")(pixels))
    backbone.save(directory / "small.keras")
    done = run(directory, "architectures", "--backbone", "small", "--weights", str(directory / "small.keras"))
    assert done.exit_code == 0, done.output
    rows = {row[0]: row[1:] for row in table(directory / "runs" / "architectures-32px-1epochs")}
    assert rows["architecture"] == ["cnn", "small"]
    assert rows["learning_rate"] == ["0.001", "0.0001"], "each has what the recipe says of it"


def test_a_run_of_another_recipe_is_not_taken(directory: Path, tmp_path: Path) -> None:
    assert run(directory, "balance").exit_code == 0
    folder = directory / "runs" / "balance-32px-1epochs"
    (folder / "none-0").rename(tmp_path / "none-0")
    (folder / "weights-0").rename(folder / "none-0")
    try:
        done = run(directory, "balance")
    finally:
        (folder / "none-0").rename(folder / "weights-0")
        (tmp_path / "none-0").rename(folder / "none-0")
    assert done.exit_code == 1
    assert "none-0 has another recipe than this version: remove the directory" in done.stderr


def table(folder: Path) -> list[list[str]]:
    lines = (folder / "compare.md").read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
