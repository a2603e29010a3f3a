"""Splits of a user's folder: copies together, every class in every split, existing splits kept."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.samples import own_folder, scene, write_files
from train.manifest import MANIFEST_NAME, Row, encode_png
from train.sources.folder import PreparedFolder, describe, prepare
from train.sources.folder_split import MAX_BITS


def prepared(tmp_path: Path, files: Mapping[str, bytes]) -> PreparedFolder:
    return prepare(write_files(tmp_path / "own", files), "own", tmp_path / "data")


def splits(rows: Iterable[Row]) -> Counter[tuple[str, str]]:
    return Counter((row.label, row.split) for row in rows)


def straddling(rows: Iterable[Row]) -> list[str]:
    of_group = defaultdict(set)
    for row in rows:
        of_group[row.group].add(row.split)
    return [group for group, found in of_group.items() if len(found) > 1]


@pytest.mark.parametrize("count", [10, 11, 13, 27])
def test_few_pictures_still_leave_one_to_validate_and_one_to_test(count: int, tmp_path: Path) -> None:
    done = prepared(tmp_path, own_folder({"a": count, "b": 10}))
    for label, total in (("a", count), ("b", 10)):
        by_split = {split: splits(done.rows)[label, split] for split in ("train", "val", "test")}
        assert min(by_split.values()) >= 1
        assert by_split["train"] >= 0.6 * total


def test_the_same_pictures_are_split_alike_wherever_they_lie(tmp_path: Path) -> None:
    files = own_folder(dict.fromkeys(("a", "b", "c"), 12))
    one = prepared(tmp_path / "here", files)
    manifest = (one.task_dir / MANIFEST_NAME).read_bytes()
    assert (prepared(tmp_path / "there", files).task_dir / MANIFEST_NAME).read_bytes() == manifest
    assert (prepared(tmp_path / "here", files).task_dir / MANIFEST_NAME).read_bytes() == manifest
    more = prepared(tmp_path / "here", files | {"c/new.jpg": scene(9999)})
    assert (more.task_dir / MANIFEST_NAME).read_bytes() != manifest


def test_near_duplicates_are_in_one_split(tmp_path: Path) -> None:
    files = own_folder({"a": 30, "b": 30})
    files |= {f"a/{n:03}-again.jpg": scene(n, gain=1.15, quality=70) for n in range(0, 30, 2)}
    files |= {f"b/copies/{n}.jpg": files["b/007.jpg"] for n in range(3)}
    done = prepared(tmp_path, files)
    assert len(done.rows) == len(files)
    assert straddling(done.rows) == []
    group_of = {row.path: row.group for row in done.rows}
    for number in range(0, 30, 2):
        assert group_of[f"a/{number:03}.jpg"] == group_of[f"a/{number:03}-again.jpg"]
    assert group_of["b/copies/1.jpg"] == group_of["b/007.jpg"]


def sheet(number: int) -> bytes:
    """A page with a little mark somewhere: to a hash of few bits all are one."""
    pixels = np.full((200, 160), 250, np.uint8)
    pixels[:100] = 20
    pixels[150 + number % 20, 10 : 60 + number] = 200
    return encode_png(pixels)


def test_a_set_that_looks_alike_is_not_one_group(tmp_path: Path) -> None:
    files = {f"{label}/{n}.png": sheet(n + first) for label, first in (("a", 0), ("b", 40)) for n in range(20)}
    done = prepared(tmp_path, files)
    assert done.max_bits != MAX_BITS[0]
    assert min(splits(done.rows)[label, split] for label in "ab" for split in ("train", "val", "test")) >= 1
    assert "the metrics may be too good" in "\n".join(describe(done))


def test_small_pictures_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    """At 28 pixels a side everything hashes alike."""
    random = np.random.default_rng(0)
    files = {}
    for label in "ab":
        for number in range(20):
            pixels = np.zeros((28, 28), np.uint8)
            pixels[4:24, 10:18] = random.integers(150, 160, (20, 8))
            files[f"{label}/{number}.png"] = encode_png(pixels)
    done = prepared(tmp_path, files)
    assert len({row.group for row in done.rows}) == 40
    assert done.max_bits == MAX_BITS[0]


LAYOUTS = [("train", "val", "test"), ("Train", "validation", "Testing"), ("training", "valid", "test")]


@pytest.mark.parametrize(("train", "val", "test"), LAYOUTS)
def test_a_split_of_the_folders_own_is_kept(train: str, val: str, test: str, tmp_path: Path) -> None:
    counts = {f"{train}/a": 12, f"{train}/b": 15, f"{val}/a": 2, f"{val}/b": 3, f"{test}/a": 4, f"{test}/b": 1}
    done = prepared(tmp_path, own_folder(counts))
    assert splits(done.rows) == {
        ("a", "train"): 12, ("b", "train"): 15, ("a", "val"): 2, ("b", "val"): 3, ("a", "test"): 4, ("b", "test"): 1,
    }  # fmt: skip
    assert done.created_splits == ()


@pytest.mark.parametrize(("there", "missing"), [("test", "val"), ("val", "test")])
def test_what_a_split_lacks_is_taken_from_its_train(there: str, missing: str, tmp_path: Path) -> None:
    counts = {"train/a": 20, "train/b": 20, f"{there}/a": 5, f"{there}/b": 5}
    files = own_folder(counts) | {f"{missing}/unlabelled.jpg": scene(5)}  # as competitions publish their test pictures
    done = prepared(tmp_path, files)
    assert done.created_splits == (missing,)
    assert {row.path for row in done.rows if row.split == there} == {n for n in files if n.startswith(f"{there}/")}
    assert {row.path.split("/")[0] for row in done.rows if row.split == missing} == {"train"}
    assert splits(done.rows)["a", missing] == splits(done.rows)["b", missing] == 3
    assert f"no {missing} folder with classes: its pictures are taken from train" in "\n".join(describe(done))


def test_copies_of_test_pictures_are_not_trained_on(tmp_path: Path) -> None:
    files = own_folder({"train/a": 12, "train/b": 12, "val/a": 3, "val/b": 3, "test/a": 3, "test/b": 3})
    files["train/a/000.jpg"] = files["val/a/000.jpg"] = files["test/a/000.jpg"]
    files["train/b/000.jpg"] = files["val/b/000.jpg"]
    done = prepared(tmp_path, files)
    assert done.excluded == {
        "train/a/000.jpg": "the same picture is also in test",
        "val/a/000.jpg": "the same picture is also in test",
        "train/b/000.jpg": "the same picture is also in val",
    }
