"""From upstream's layout to ours: find the pictures, split them, put each at `SPLIT/LABEL/NAME`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import Progress

from train.errors import ChecksumError, DataError
from train.manifest import ARRAY_NAME, SPLITS, Row, encode_png
from train.sources.datasets import Dataset
from train.sources.download import has_md5
from train.sources.idx import read_idx
from train.sources.splits import Picture, by_near_duplicate, by_patient, by_rank

_SUFFIXES = {".jpg", ".jpeg", ".png"}
_MAX_DEPTH = 3  # levels at which the data set may start: archives wrap it in up to two folders


def arrange_idx(dataset: Dataset, folder: Path, built: Path, seed: int, progress: Progress) -> list[Row]:
    """MNIST: the training pictures as one array, the test pictures as PNG files.

    `folder` has upstream's four files, as .gz (then their MD5 must be upstream's) or unpacked.

    Raises ChecksumError, and DataError when a file is missing or pictures and labels do not match.
    """
    arrays = []
    for file in dataset.downloads:  # in this order: training pictures, their labels, test pictures, their labels
        path = folder / file.name
        if path.is_file():
            if not has_md5(path, file.md5):
                raise ChecksumError(f"{path} is not upstream's file (MD5 {file.md5}): download it again")
        elif not (path := path.with_suffix("")).is_file():
            raise DataError(f"{file.name} is missing: {dataset.task} needs {_names(dataset)} in one folder")
        arrays.append(read_idx(path, dimensions=3 if "images" in file.name else 1))
    pictures, labels, test_pictures, test_labels = arrays
    for of_pictures, of_labels in ((pictures, labels), (test_pictures, test_labels)):
        if len(of_pictures) != len(of_labels) or np.any(of_labels >= len(dataset.labels)):
            raise DataError("the idx files' pictures and labels do not belong together: download them again")
    np.save(built / ARRAY_NAME, pictures)  # (N, 28, 28) uint8
    names = [f"train/{index:05d}" for index in range(len(pictures))]
    split_of = by_rank(names, dataset.validation, seed)
    rows = [Row(name, dataset.labels[label], split_of[name], name) for name, label in zip(names, labels, strict=True)]
    for label in dataset.labels:
        (built / "test" / label).mkdir(parents=True)
    for index in progress.track(range(len(test_pictures)), description="writing test pictures"):
        label = dataset.labels[test_labels[index]]
        row = Row(f"test/{label}/{index:05d}.png", label, "test", f"test/{index:05d}")
        (built / row.path).write_bytes(encode_png(test_pictures[index]))
        rows.append(row)
    return rows


def arrange_folders(
    dataset: Dataset, folder: Path, built: Path, seed: int, progress: Progress, *, move: bool
) -> tuple[list[Row], int]:
    """Folders of pictures: split by group, then moved or copied from `folder` to `built`.

    Returns the rows of the manifest, and how many of the source's pictures are left out of it.

    Raises DataError when the layout is not upstream's or a picture cannot be read.
    """
    root = _find_root(dataset, folder)
    pictures = list(_pictures(dataset, root))
    for label in dataset.labels:
        if not any(picture.label == label for picture in pictures):
            raise DataError(f"the source has no pictures of {label}: {_layout(dataset)}")
    bar = progress.add_task("splitting", total=None)
    if dataset.layout == "patient":
        placed = by_patient(pictures, dataset.validation, seed)
    else:
        placed = by_near_duplicate(pictures, dataset.validation, dataset.test, seed)
    progress.remove_task(bar)
    for split in SPLITS:
        for label in dataset.labels:
            (built / split / label).mkdir(parents=True)
    for picture, row in progress.track(placed, description="arranging pictures"):
        if move:
            picture.file.rename(built / row.path)
        else:
            shutil.copyfile(picture.file, built / row.path)
    for terms in root.glob("LICENSE*"):  # CC BY: the photographers' names stay with their photos
        shutil.copyfile(terms, built / terms.name)
    return [row for _, row in placed], len(pictures) - len(placed)


def _find_root(dataset: Dataset, folder: Path) -> Path:
    """The shallowest folder with upstream's layout."""
    wanted = ("train", "test") if dataset.layout == "patient" else tuple(dataset.folders)
    level = [folder]
    for _ in range(_MAX_DEPTH):
        for candidate in level:
            if all((candidate / name).is_dir() for name in wanted):
                return candidate
        level = sorted(
            child
            for candidate in level
            if candidate.is_dir()
            for child in candidate.iterdir()
            if child.is_dir() and not child.name.startswith((".", "__MACOSX"))
        )
    raise DataError(f"the source does not hold {dataset.credit.name} as upstream lays it out: {_layout(dataset)}")


def _names(dataset: Dataset) -> str:
    return ", ".join(file.name for file in dataset.downloads)


def _layout(dataset: Dataset) -> str:
    classes = ", ".join(dataset.folders)
    if dataset.layout == "patient":
        return f"it needs folders train and test (and perhaps val), each with the folders {classes}"
    return f"it needs the folders {classes}"


def _pictures(dataset: Dataset, root: Path) -> Iterator[Picture]:
    for part in ("train", "val", "test") if dataset.layout == "patient" else ("",):
        for name, label in dataset.folders.items():
            folder = root / part / name
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                # Hidden files are what macOS leaves in the archives that it makes.
                if file.is_file() and file.suffix.lower() in _SUFFIXES and not file.name.startswith("."):
                    yield Picture(file, part, label)
