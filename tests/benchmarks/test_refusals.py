"""`python -m benchmarks.refusals` on the shipped models and a handful of pictures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import refusals
from benchmarks.refusals import blank_pages, noise
from models.catalog import BUNDLED, TASKS
from models.images.decoding import decode
from models.loading import load_classifier
from models.prediction import Verdict
from tests.helpers.project import EXAMPLES, ROOT
from train.manifest import Row, write_manifest


def data(directory: Path) -> Path:
    """A data folder whose tasks have the examples of the page as validation pictures."""
    for task in TASKS:
        folder = directory / task
        folder.mkdir(parents=True)
        rows = []
        for path in sorted(p for p in (EXAMPLES / task).iterdir() if p.suffix in (".png", ".jpg", ".jpeg")):
            (folder / path.name).write_bytes(path.read_bytes())
            rows.append(Row(path.name, "any", "val", path.name))
        write_manifest(folder, rows)
    return directory


def test_pictures_of_noise_all_differ() -> None:
    pictures = noise(20)
    assert len(set(pictures)) == 20
    assert all(decode(picture).std() > 5 for picture in pictures)


def test_blank_pages_have_nothing_on_them() -> None:
    assert all(decode(page).std() < 20 for page in blank_pages(20))


def test_the_table_has_a_share_for_every_model_and_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(refusals, "SYNTHETIC", 40)
    words = ["--data-dir", str(data(tmp_path / "data")), "--each", "3", "--photos", str(EXAMPLES / "flower")]
    monkeypatch.setattr(sys, "argv", ["refusals", *words])
    refusals.main()
    header, _, *lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert header[2:] == [f"rejected by {task}" for task in TASKS]
    table = {name: dict(zip(TASKS, cells, strict=True)) for name, _, *cells in lines}
    assert list(table) == [*TASKS, "noise", "blank pages", "photographs"]
    assert {len(cells) for cells in table.values()} == {len(TASKS)}
    for task in TASKS:
        assert table[task][task].startswith("0.0%"), "the page's examples are answered"
    assert table["photographs"]["digit"].startswith("100.0%")
    reader = load_classifier(BUNDLED / "digit")
    refused = sum(reader.classify(page).verdict is Verdict.REJECTED for page in blank_pages(40)) / 40
    (share,) = re.findall(r"^[\d.]+", table["blank pages"]["digit"])
    assert float(share) == round(100 * refused, 1)


def test_missing_data_are_reported_in_one_sentence(tmp_path: Path) -> None:
    words = ["--data-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.refusals", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
