"""The files of an exported bundle: complete, listed with their hashes, and reproducible."""

import json
import shutil
from pathlib import Path

import pytest

from models import bundle
from models.errors import BundleError
from models.loading import load_classifier
from tests.helpers.tiny_runs import TinyRuns
from train.bundling.exporter import export

FIGURES = {"confusion", "curves", "precision_recall", "reliability", "risk_coverage", "roc"}
LISTED = {*bundle.KERAS_FILES, "README.md", "model.tflite", *(f"figures/{name}.png" for name in FIGURES)}


def files(directory: Path) -> dict[str, bytes]:
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def copied(runs: dict[str, Path], tmp_path: Path) -> Path:
    """A bundle that a test may damage."""
    return shutil.copytree(runs["mis-fotos"] / "bundle", tmp_path / "bundle")


def test_everything_there_is_listed_and_nothing_else(run: Path) -> None:
    manifest = bundle.load(run / "bundle")
    assert set(manifest.files) == LISTED
    assert set(files(run / "bundle")) == LISTED | {"vistazo.json"}
    for name, content in files(run / "bundle").items():
        assert not name.endswith(".png") or content.startswith(b"\x89PNG"), name


def test_keras_files_are_those_of_the_run(run: Path) -> None:
    for name in bundle.KERAS_FILES:
        assert (run / "bundle" / name).read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize("name", ["figures/roc.png", "model.weights.h5", "config.json", "README.md"])
def test_one_changed_byte_in_any_file_is_refused(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[-1] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{Path(name).name} is not the file that was exported"):
        bundle.load(copied)


def test_a_copy_without_kerass_files_is_sound(copied: Path) -> None:
    for name in bundle.KERAS_FILES:
        (copied / name).unlink()
    assert bundle.missing_files(copied, bundle.load(copied)) == sorted(bundle.KERAS_FILES)


def test_what_serving_needs_is_enough_to_serve(runs: dict[str, Path], tmp_path: Path) -> None:
    for name in bundle.SERVING_FILES:
        shutil.copyfile(runs["mis-fotos"] / "bundle" / name, tmp_path / name)
    whole, slim = load_classifier(runs["mis-fotos"] / "bundle"), load_classifier(tmp_path)
    picture = next((runs["mis-fotos"].parent / "pictures").rglob("*.jpg")).read_bytes()
    assert slim.classify(picture).probabilities == whole.classify(picture).probabilities
    assert slim.revision == whole.revision


@pytest.mark.parametrize("name", bundle.SERVING_FILES)
def test_without_what_serving_needs_it_is_refused(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(BundleError):
        bundle.load(copied)


def test_the_same_run_gives_the_same_bytes(tiny_runs: TinyRuns, tmp_path: Path) -> None:
    run = tiny_runs.copy("pneumonia", tmp_path / "pneumonia")
    before = files(run / "bundle")
    after = files(export(run))
    manifests = [json.loads(found.pop("vistazo.json")) for found in (before, after)]
    assert [name for name in before if before[name] != after[name]] == []
    for manifest in manifests:
        del manifest["created"]
    assert manifests[0] == manifests[1]
