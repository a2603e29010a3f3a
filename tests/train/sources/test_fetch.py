"""From upstream's files to `data/TASK`, by every way that leads there."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.progress import Progress

from tests.helpers.samples import (
    Files,
    SmallMnist,
    flower_files,
    small_mnist,
    tgz_bytes,
    write_files,
    xray_files,
    zip_bytes,
)
from tests.helpers.site import Site
from train.errors import ChecksumError, DataError, DownloadError, NeedsAccount, UnsafeArchive
from train.manifest import read_manifest, read_picture
from train.sources.datasets import FLOWER, PNEUMONIA, Dataset
from train.sources.fetch import fetch_dataset

Pack = Callable[[Files], bytes]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kaggle(files: Files) -> dict[str, bytes]:
    """The files as in Kaggle's zip: a second copy nested inside, and what macOS leaves."""
    mac = {f"chest_xray/__MACOSX/{name.replace('IM-', '._IM-')}": b"mac" for name in files}
    nested = {f"chest_xray/{name}": content for name, content in files.items()}
    rubbish = {"chest_xray/train/.DS_Store": b"mac", "chest_xray/train/NORMAL/.DS_Store": b"mac"}
    return {**mac, **nested, **rubbish, **files}


@pytest.fixture
def mnist() -> SmallMnist:
    """A small MNIST."""
    return small_mnist()


@pytest.mark.parametrize("layout", [dict, kaggle], ids=["plain", "kaggle"])
def test_xrays_come_from_either_zip(layout: Callable[[Files], Files], tmp_path: Path, progress: Progress) -> None:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(zip_bytes(layout(xray_files())))
    fetched = fetch_dataset(PNEUMONIA, tmp_path / "data", progress, str(archive))
    assert not fetched.already_present
    assert fetched.rows == read_manifest(tmp_path / "data" / "pneumonia")
    contents = {read_picture(fetched.directory, row.path) for row in fetched.rows}
    assert contents == set(xray_files().values())
    assert {row.label for row in fetched.rows} == {"normal", "pneumonia"}


def test_the_zip_with_only_the_nested_copy_is_read(tmp_path: Path, progress: Progress) -> None:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(zip_bytes({f"chest_xray/{name}": content for name, content in xray_files().items()}))
    assert len(fetch_dataset(PNEUMONIA, tmp_path / "data", progress, str(archive)).rows) == len(xray_files())


def test_xrays_without_a_val_folder_are_read(tmp_path: Path, progress: Progress) -> None:
    files = {name: content for name, content in xray_files().items() if "/val/" not in name}
    write_files(tmp_path / "source", files)
    assert len(fetch_dataset(PNEUMONIA, tmp_path / "data", progress, str(tmp_path / "source")).rows) == len(files)


def test_a_folder_as_source_is_left_as_it_was(tmp_path: Path, progress: Progress) -> None:
    source = write_files(tmp_path / "source", flower_files())
    fetch_dataset(FLOWER, tmp_path / "data", progress, str(source))
    assert tree(source) == flower_files()


def test_the_manifest_is_what_lies_there(pack: Pack, tmp_path: Path, progress: Progress) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(pack(flower_files()))
    fetched = fetch_dataset(FLOWER, tmp_path / "data", progress, str(archive))
    assert set(tree(tmp_path / "data")) == {
        "flower/manifest.csv",
        "flower/fetched.json",
        "flower/LICENSE.txt",
        *(f"flower/{row.path}" for row in fetched.rows),
    }
    for row in fetched.rows:
        split, label, _ = row.path.split("/")
        assert (split, label) == (row.split, row.label)


@pytest.mark.parametrize(("dataset", "files"), [(FLOWER, flower_files()), (PNEUMONIA, xray_files())])
def test_one_seed_is_one_manifest_whatever_the_source(
    dataset: Dataset, files: dict[str, bytes], tmp_path: Path, progress: Progress
) -> None:
    (tmp_path / "one.zip").write_bytes(zip_bytes(files))
    (tmp_path / "other.tgz").write_bytes(tgz_bytes(dict(reversed(files.items()))))
    write_files(tmp_path / "folder", files)
    manifests = set()
    for number, source in enumerate(("one.zip", "other.tgz", "folder")):
        fetched = fetch_dataset(dataset, tmp_path / f"data{number}", progress, str(tmp_path / source), seed=3)
        manifests.add((fetched.directory / "manifest.csv").read_bytes())
    assert len(manifests) == 1


def test_the_second_time_nothing_is_done(site: Site, tmp_path: Path, progress: Progress) -> None:
    site.files["flower_photos.tgz"] = tgz_bytes(flower_files())
    source = site.url + "flower_photos.tgz"
    first = fetch_dataset(FLOWER, tmp_path, progress, source)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for again in (fetch_dataset(FLOWER, tmp_path, progress, source), fetch_dataset(FLOWER, tmp_path, progress)):
        assert again.already_present
        assert again.rows == first.rows
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert site.asked == [""]


def test_another_seed_splits_the_last_source_again(site: Site, tmp_path: Path, progress: Progress) -> None:
    site.files["xrays.zip"] = zip_bytes(xray_files())
    first = fetch_dataset(PNEUMONIA, tmp_path, progress, site.url + "xrays.zip")
    again = fetch_dataset(PNEUMONIA, tmp_path, progress, seed=1)
    assert not again.already_present
    assert again.rows != first.rows
    assert set(tree(again.directory)) == {"manifest.csv", "fetched.json", *(row.path for row in again.rows)}
    assert site.asked == [""]  # the download was kept


def test_a_broken_download_leaves_no_data_and_is_resumed(site: Site, tmp_path: Path, progress: Progress) -> None:
    content = tgz_bytes(flower_files())
    site.files["flower_photos.tgz"] = content
    site.cut_after = len(content) // 5
    with pytest.raises(DownloadError):
        fetch_dataset(FLOWER, tmp_path, progress, site.url + "flower_photos.tgz")
    assert [path.name for path in tmp_path.iterdir()] == ["downloads"]
    site.cut_after = None
    fetch_dataset(FLOWER, tmp_path, progress, site.url + "flower_photos.tgz")
    assert site.asked[-1] == f"bytes={3 * (len(content) // 5)}-"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["downloads", "flower"]


def test_a_failed_fetch_leaves_the_last_one_as_it_was(tmp_path: Path, progress: Progress) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(zip_bytes(flower_files()))
    bad.write_bytes(zip_bytes({**flower_files(), "../evil": b""}))
    fetch_dataset(FLOWER, tmp_path / "data", progress, str(good))
    before = tree(tmp_path / "data")
    with pytest.raises(UnsafeArchive):
        fetch_dataset(FLOWER, tmp_path / "data", progress, str(bad))
    assert tree(tmp_path / "data") == before


def test_what_fetch_did_not_make_is_not_touched(tmp_path: Path, progress: Progress) -> None:
    write_files(tmp_path / "data" / "flower", {"mine.txt": b"years of work"})
    archive = tmp_path / "archive.zip"
    archive.write_bytes(zip_bytes(flower_files()))
    with pytest.raises(DataError, match="was not made by `fetch`"):
        fetch_dataset(FLOWER, tmp_path / "data", progress, str(archive))
    assert tree(tmp_path / "data") == {"flower/mine.txt": b"years of work"}


def test_xrays_without_source_explain_where_to_get_them(tmp_path: Path, progress: Progress) -> None:
    with pytest.raises(NeedsAccount, match=r"kaggle\.com/datasets/paultimothymooney/chest-xray-pneumonia.*--source"):
        fetch_dataset(PNEUMONIA, tmp_path / "data", progress)
    assert not (tmp_path / "data").exists()


def test_a_source_that_does_not_exist_is_named(tmp_path: Path, progress: Progress) -> None:
    with pytest.raises(DataError, match=r"nowhere\.zip does not exist"):
        fetch_dataset(FLOWER, tmp_path, progress, str(tmp_path / "nowhere.zip"))


@pytest.mark.parametrize("dataset", [FLOWER, PNEUMONIA], ids=["flower", "pneumonia"])
@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": b""},
        {name.replace("daisy", "rose"): b"" for name in flower_files()},
        {"x/train/a": b"", "x/test/a": b""},
    ],
    ids=["nothing", "other classes", "no classes"],
)
def test_another_layout_says_what_is_needed(dataset: Dataset, files: Files, tmp_path: Path, progress: Progress) -> None:
    source = write_files(tmp_path / "source", files)
    with pytest.raises(DataError, match=f"the folders {', '.join(dataset.folders)}"):
        fetch_dataset(dataset, tmp_path / "data", progress, str(source))


def test_a_class_without_pictures_is_named(tmp_path: Path, progress: Progress) -> None:
    files = {name: content for name, content in flower_files().items() if "tulips" not in name}
    source = write_files(tmp_path / "source", {**files, "flower_photos/tulips/readme.txt": b""})
    with pytest.raises(DataError, match="no pictures of tulips"):
        fetch_dataset(FLOWER, tmp_path / "data", progress, str(source))


def test_a_broken_picture_is_named(tmp_path: Path, progress: Progress) -> None:
    source = write_files(tmp_path / "source", {**flower_files(), "flower_photos/roses/broken.jpg": b"\xff\xd8\xff"})
    with pytest.raises(DataError, match=r"broken\.jpg is not a readable picture"):
        fetch_dataset(FLOWER, tmp_path / "data", progress, str(source))


@pytest.mark.parametrize("kind", ["folder", "unpacked folder", "archive", "address", "upstream"])
def test_digits_come_as_array_and_test_pictures(
    kind: str, mnist: SmallMnist, site: Site, tmp_path: Path, progress: Progress
) -> None:
    site.files |= mnist.files
    dataset, source = mnist.dataset, None
    if kind == "folder":
        source = str(write_files(tmp_path / "source", mnist.files))
    elif kind == "unpacked folder":
        source = str(write_files(tmp_path / "source", mnist.unpacked))
    elif kind == "archive":
        source = str(write_files(tmp_path, {"mnist.zip": zip_bytes(mnist.files)}) / "mnist.zip")
    elif kind == "address":
        source = site.url
    else:
        downloads = tuple(
            replace(file, urls=(site.url + "away/" + file.name, site.url + file.name)) for file in dataset.downloads
        )
        dataset = replace(dataset, downloads=downloads)
    fetched = fetch_dataset(dataset, tmp_path / "data", progress, source)
    sizes = {split: sum(row.split == split for row in fetched.rows) for split in ("train", "val", "test")}
    assert sizes == {"train": 110, "val": 10, "test": 30}
    for row in fetched.rows:
        with Image.open(io.BytesIO(read_picture(fetched.directory, row.path))) as image:
            pixels = np.asarray(image)
        index = int(row.group.split("/")[1])
        wanted = mnist.test_pictures if row.split == "test" else mnist.pictures
        np.testing.assert_array_equal(pixels, wanted[index])
        assert row.label == str(index % 10)
        if row.split == "test":
            assert row.path == f"test/{row.label}/{index:05}.png"


def test_a_damaged_digit_file_is_named(mnist: SmallMnist, tmp_path: Path, progress: Progress) -> None:
    files = {**mnist.files, "t10k-labels-idx1-ubyte.gz": mnist.files["train-labels-idx1-ubyte.gz"]}
    source = write_files(tmp_path / "source", files)
    with pytest.raises(ChecksumError, match=r"t10k-labels-idx1-ubyte\.gz is not upstream's file"):
        fetch_dataset(mnist.dataset, tmp_path / "data", progress, str(source))


def test_a_missing_digit_file_is_named(mnist: SmallMnist, tmp_path: Path, progress: Progress) -> None:
    source = write_files(tmp_path / "source", mnist.files)
    (source / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz is missing"):
        fetch_dataset(mnist.dataset, tmp_path / "data", progress, str(source))


@pytest.mark.parametrize("labels", [bytes(29), bytes([*range(10)] * 2 + [10] * 10)], ids=["too few", "not a digit"])
def test_labels_that_do_not_belong_are_refused(
    labels: bytes, mnist: SmallMnist, tmp_path: Path, progress: Progress
) -> None:
    header = bytes([0, 0, 8, 1, 0, 0, 0, len(labels)])
    source = write_files(tmp_path / "source", {**mnist.unpacked, "t10k-labels-idx1-ubyte": header + labels})
    with pytest.raises(DataError, match="do not match"):
        fetch_dataset(mnist.dataset, tmp_path / "data", progress, str(source))
