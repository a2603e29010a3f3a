import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import bundle
from models.arrays import pack
from models.catalog import BUNDLED, TASKS
from models.errors import BundleError
from tests.helpers.project import ROOT


@pytest.mark.parametrize("task", TASKS)
def test_the_bundled_models_check_out(task: str) -> None:
    manifest = bundle.load(BUNDLED / task)
    assert manifest.task == task
    listed = set(manifest.files) | {bundle.INFO_NAME}
    there = {path.relative_to(BUNDLED / task).as_posix() for path in (BUNDLED / task).rglob("*") if path.is_file()}
    assert there <= listed, "a file that vistazo.json does not cover"
    assert listed - there <= set(bundle.KERAS_FILES), "a shipped bundle lacks more than Keras' files"


def test_git_leaves_the_bundles_line_ends_alone() -> None:
    """On Windows it would change those of README.md, and with them its hash."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    files = [str(path.relative_to(ROOT)) for path in BUNDLED.rglob("*") if path.is_file()]
    command = ["git", "check-attr", "text", "--", *files]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(shown) == len(files) >= 9
    assert all(line.endswith(": text: unset") for line in shown)


def test_a_flipped_byte_is_refused(bundle_copy: Path) -> None:
    model = bundle_copy / bundle.MODEL_NAME
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.tflite is not the file that was exported"):
        bundle.load(bundle_copy)


def test_a_missing_model_is_refused(bundle_copy: Path) -> None:
    (bundle_copy / bundle.MODEL_NAME).unlink()
    with pytest.raises(BundleError, match=r"model\.tflite is missing"):
        bundle.load(bundle_copy)


def test_a_copy_with_what_serving_needs_is_sound_and_says_what_it_lacks(bundle_copy: Path) -> None:
    whole = bundle.load(bundle_copy)
    before = bundle.missing_files(bundle_copy, whole)
    (bundle_copy / bundle.CARD_NAME).unlink()
    assert bundle.load(bundle_copy) == whole
    assert set(bundle.missing_files(bundle_copy, whole)) - set(before) == {bundle.CARD_NAME}


def test_files_may_be_links_into_a_cache(bundle_copy: Path) -> None:
    """As the Hub's client lays them out: a snapshot's files are links to the blobs."""
    blobs = bundle_copy.parent / "blobs"
    bundle_copy.rename(blobs)
    bundle_copy.mkdir()
    for blob in blobs.iterdir():
        (bundle_copy / blob.name).symlink_to(Path("..") / blobs.name / blob.name)
    assert bundle.load(bundle_copy) == bundle.load(blobs)


def test_a_directory_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"vistazo\.json cannot be read"):
        bundle.load(tmp_path)


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        manifest[name] = value

    return change


def _reject(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        manifest["rejection"][name] = value

    return change


def _repeat_a_label(manifest: dict[str, Any]) -> None:
    manifest["labels"][1] = manifest["labels"][0]


def _list(name: str) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        manifest["files"][name] = manifest["files"]["model.tflite"]

    return change


def _forget_the_model(manifest: dict[str, Any]) -> None:
    del manifest["files"]["model.tflite"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("schema_version", 2), "schema version 2, this Vistazo reads 1"),
        (_set("schema_version", None), "schema version None"),
        (_set("schema_version", "1" * 10_000), "schema version '111"),
        (_set("x" * 10_000, 1), "Extra inputs"),
        (_set("temperature", 0), "temperature"),
        (_set("temperature", 1e-308), "temperature"),
        (_set("temperature", 1e308), "temperature"),
        (_set("temperature", float("nan")), "not JSON of finite numbers"),
        (_set("training_minutes", float("inf")), "not JSON of finite numbers"),
        (_set("head", "AAA"), "head is not an array of a bundle"),
        (_set("head", "!!!!"), "head is not an array of a bundle"),
        (_set("head", ""), "head is not an array of a bundle"),
        (_set("head", pack(np.full(1280, np.nan))), "head is not an array of a bundle"),
        (_set("head", pack(np.ones(1279))), r"head has 1279 numbers, expected 10 \(labels\) times 128 \(features\)"),
        (_set("input", {"height": 56, "width": 56, "channels": 1}), "preprocessing mnist gives 28 x 28 x 1"),
        (_set("preprocessing", "center_crop"), "preprocessing center_crop gives 3 channels, the input has 1"),
        (_reject("mean", pack(np.ones(127))), r"components has 8192 numbers, expected 64 \(of scale\) times 127"),
        (_reject("scale", pack(np.zeros(64))), "scale has 0.0, expected numbers above 0"),
        (_reject("components", pack(np.full(8192, np.inf))), "components is not an array of a bundle"),
        (_reject("residual_scale", 1e-300), "residual_scale"),
        (_reject("threshold", 1e300), "threshold"),
        (_list("a" * 5000), "at most 255 characters"),
        (_set("preprocessing", "pickle"), "preprocessing"),
        (_set("surprise", 1), "surprise"),
        (_set("labels", []), "labels"),
        (_repeat_a_label, "labels are repeated"),
        (_list("../outside"), "outside the bundle"),
        (_list("figures/../../outside"), "outside the bundle"),
        (_list("/outside"), "outside the bundle"),
        (_list(r"C:\outside"), "outside the bundle"),
        (_forget_the_model, "does not list model.tflite"),
    ],
)
def test_a_manifest_that_does_not_check_out_is_refused(
    bundle_copy: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = bundle_copy / bundle.INFO_NAME
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    (bundle_copy.parent / "outside").write_bytes((bundle_copy / bundle.MODEL_NAME).read_bytes())
    with pytest.raises(BundleError, match=message) as refused:
        bundle.load(bundle_copy)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("text", ["", "not json", "[]", "null", "[" * 100_000, '{"a":' * 100_000, "1e999", "9" * 5000])
def test_a_manifest_that_is_no_object_is_refused(bundle_copy: Path, text: str) -> None:
    (bundle_copy / bundle.INFO_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(BundleError):
        bundle.load(bundle_copy)


def test_a_description_of_many_megabytes_is_not_read(bundle_copy: Path) -> None:
    path = bundle_copy / bundle.INFO_NAME
    path.write_text(path.read_text(encoding="utf-8") + " " * bundle.MAX_INFO_BYTES, encoding="utf-8")
    with pytest.raises(BundleError, match="has more than 4,000,000 bytes"):
        bundle.load(bundle_copy)
