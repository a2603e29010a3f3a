"""`python -m train fit` and `export`, as a person runs them."""

from pathlib import Path

import pytest
from PIL import Image

from models import bundle
from tests.helpers.commands import run_train
from tests.helpers.samples import printed_digits
from train.manifest import Row, write_manifest

COLOURS = {"daisy": "white", "dandelion": "yellow", "roses": "red", "sunflowers": "orange", "tulips": "purple"}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Pictures of one colour for each kind of flower, in all splits."""
    directory = tmp_path / "data" / "flower"
    rows = []
    for split in ("train", "val", "test"):
        for label, colour in COLOURS.items():
            for number in range(2):
                path = directory / split / label / f"{number}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (60, 40 + number), colour).save(path)
                rows.append(Row(path.relative_to(directory).as_posix(), label, split, str(path)))
    write_manifest(directory, rows)
    return directory.parent


def test_a_custom_network_from_data_to_bundle(tmp_path: Path) -> None:
    data_dir, runs = tmp_path / "data", tmp_path / "runs"
    printed_digits(data_dir / "digit", {"train": 4, "val": 2, "test": 2})
    options = ("--arch", "cnn", "--epochs", "1", "--batch-size", "8", "--data-dir", str(data_dir))
    fitted = run_train("fit", "digit", *options, "--runs-dir", str(runs))
    assert fitted.returncode == 0, fitted.stderr
    (directory,) = runs.iterdir()
    assert fitted.stdout.splitlines()[-1] == str(directory)

    exported = run_train("export", str(directory))
    assert exported.returncode == 0, exported.stderr
    manifest = bundle.load(directory / "bundle")
    assert exported.stdout.splitlines()[-1] == str(directory / "bundle")
    assert manifest.recipe["arch"] == "cnn"
    assert manifest.head is None, "with a hidden layer between features and logits there is no class activation map"
    assert manifest.metrics["test"].n == 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "cat"], "there is no recipe for 'cat'"),
        (["fit", "digit", "--data-dir", "nowhere"], "run `python -m train fetch digit` first"),
        (["fit", "flower"], "give its file with --weights"),
        (["fit", "flower", "--weights", "nothing.keras"], "nothing.keras does not exist"),
        (["export", "nowhere"], "run.json cannot be read"),
    ],
)
def test_a_command_that_cannot_work_prints_one_sentence(
    data_dir: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    if arguments[0] == "fit":
        arguments = [*arguments, "--runs-dir", str(tmp_path / "runs")]
        if "--data-dir" not in arguments:
            arguments += ["--data-dir", str(data_dir)]
    done = run_train(*arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == 1
    assert words in done.stderr
    assert not (tmp_path / "runs").exists(), "nothing half-made"
