"""Conversion of upstream's layout to a task folder: find the pictures, split them, store them as `SPLIT/LABEL/NAME`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import Progress

from models.images.formats import has_picture_suffix
from train.errors import ChecksumError, DataError
from train.manifest import ARRAY_NAME, SPLITS, Row, encode_png
from train.sources.datasets import Dataset
from train.sources.download import has_md5
from train.sources.idx import read_idx
from train.sources.splits import Picture, split_by_hash, split_by_near_duplicate, split_by_patient

_MAX_DEPTH = 3  # levels to search for the data set: archives wrap it in up to two folders


def convert_idx(dataset: Dataset, folder: Path, target: Path, seed: int, progress: Progress) -> list[Row]:
    """Convert MNIST: store the training pictures as one array, the test pictures as PNG files. Return the rows.

    `folder` has upstream's four files, as .gz (then the MD5 must be upstream's) or unpacked.

    Raises ChecksumError for a wrong MD5, DataError when a file is missing or pictures and labels do not match.
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
    for part_pictures, part_labels in ((pictures, labels), (test_pictures, test_labels)):
        if len(part_pictures) != len(part_labels) or np.any(part_labels >= len(dataset.labels)):
            raise DataError("the pictures and labels of the idx files do not match: download them again")
    np.save(target / ARRAY_NAME, pictures)  # (N, 28, 28) uint8
    names = [f"train/{index:05d}" for index in range(len(pictures))]
    split_of = split_by_hash(names, dataset.validation, seed)
    rows = [Row(name, dataset.labels[label], split_of[name], name) for name, label in zip(names, labels, strict=True)]
    for label in dataset.labels:
        (target / "test" / label).mkdir(parents=True)
    for index in progress.track(range(len(test_pictures)), description="writing test pictures"):
        label = dataset.labels[test_labels[index]]
        row = Row(f"test/{label}/{index:05d}.png", label, "test", f"test/{index:05d}")
        (target / row.path).write_bytes(encode_png(test_pictures[index]))
        rows.append(row)
    return rows


def convert_folders(
    dataset: Dataset, folder: Path, target: Path, seed: int, progress: Progress, *, move: bool
) -> tuple[list[Row], int]:
    """Split folders of pictures by group, and move or copy the pictures from `folder` to `target`.

    Return the rows of the manifest and the number of excluded pictures.

    Raises DataError when the layout is not upstream's or a picture cannot be read.
    """
    root = _find_root(dataset, folder)
    pictures = list(_pictures(dataset, root))
    for label in dataset.labels:
        if not any(picture.label == label for picture in pictures):
            raise DataError(f"the source has no pictures of {label}: {_layout(dataset)}")
    bar = progress.add_task("splitting", total=None)
    if dataset.layout == "patient":
        assignment = split_by_patient(pictures, dataset.validation, seed)
    else:
        assignment = split_by_near_duplicate(pictures, dataset.validation, dataset.test, seed)
    progress.remove_task(bar)
    for split in SPLITS:
        for label in dataset.labels:
            (target / split / label).mkdir(parents=True)
    for picture, row in progress.track(assignment, description="storing pictures"):
        if move:
            picture.file.rename(target / row.path)
        else:
            shutil.copyfile(picture.file, target / row.path)
    for license_file in root.glob("LICENSE*"):  # CC BY: the photographers' names stay with their photos
        shutil.copyfile(license_file, target / license_file.name)
    return [row for _, row in assignment], len(pictures) - len(assignment)


def _find_root(dataset: Dataset, folder: Path) -> Path:
    """Return the shallowest folder with upstream's layout."""
    required = ("train", "test") if dataset.layout == "patient" else tuple(dataset.folders)
    level = [folder]
    for _ in range(_MAX_DEPTH):
        for candidate in level:
            if all((candidate / name).is_dir() for name in required):
                return candidate
        level = sorted(
            child
            for candidate in level
            if candidate.is_dir()
            for child in candidate.iterdir()
            if child.is_dir() and not child.name.startswith((".", "__MACOSX"))
        )
    raise DataError(f"the source does not have the layout of {dataset.credit.name}: {_layout(dataset)}")


def _names(dataset: Dataset) -> str:
    return ", ".join(file.name for file in dataset.downloads)


def _layout(dataset: Dataset) -> str:
    classes = ", ".join(dataset.folders)
    if dataset.layout == "patient":
        return f"it needs the folders train and test (val is optional), each with the folders {classes}"
    return f"it needs the folders {classes}"


def _pictures(dataset: Dataset, root: Path) -> Iterator[Picture]:
    for split in ("train", "val", "test") if dataset.layout == "patient" else ("",):
        for name, label in dataset.folders.items():
            folder = root / split / name
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                # macOS adds hidden files to its archives.
                if file.is_file() and has_picture_suffix(file) and not file.name.startswith("."):
                    yield Picture(file, split, label)
