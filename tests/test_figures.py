"""The figures in the three `vistazo.json` are what `python -m models classify` gives on the test pictures.

Needs the data sets beside the project; without them it skips, saying what is missing.
"""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from models import bundle
from models.bundle import Measurement
from models.catalog import BUNDLED, TASKS
from tests.helpers.project import ROOT
from train.manifest import MANIFEST_NAME

DATA = ROOT.parent / "shared" / "data"
SOURCES = {"pneumonia": "chest_xray.zip", "digit": "mnist", "flower": "flower_photos.tgz"}


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("task", TASKS)
def test_classifying_the_test_pictures_reproduces_the_figures(task: str, tmp_path: Path) -> None:
    source = DATA / SOURCES[task]
    if not source.exists():
        pytest.skip(f"{source} is missing: the figures of {task} are not checked")
    run("train", "fetch", task, "--source", str(source), "--data-dir", str(tmp_path))
    manifest = bundle.load(BUNDLED / task)
    assert bundle.describe_file(tmp_path / task / MANIFEST_NAME).sha256 == manifest.data.fingerprint

    output = tmp_path / "results.csv"
    run("models", "classify", task, str(tmp_path / task / "test"), "--output", str(output))
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    truth = [Path(row["path"]).parent.name for row in rows]
    measured: Measurement = manifest.metrics["test"]
    assert len(rows) == measured.n
    right = sum(row["label"] == label for row, label in zip(rows, truth, strict=True))
    assert right / len(rows) == pytest.approx(measured.metrics["accuracy"].value, abs=1e-5)
    assert sum(row["verdict"] == "rejected" for row in rows) == measured.rejected
    if task == "pneumonia":
        area = roc_auc_score([label == "pneumonia" for label in truth], [float(row["pneumonia"]) for row in rows])
        assert area == pytest.approx(measured.metrics["roc_auc"].value, abs=1e-5)
