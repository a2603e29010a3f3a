"""A task's pictures on disk, once fetched: the split manifest, and the bytes of each picture.

`data/TASK/manifest.csv` has one line a picture: `path,label,split,group`. Pictures lie in
`data/TASK/SPLIT/LABEL/NAME`. MNIST's 60,000 training pictures are the exception: they are one array,
`data/digit/train.npy` (N, 28, 28) uint8, because as many small files would take minutes to write and to read;
their path is `train/00000`, the index into that array. The pictures of a person's own folder stay where they are:
`data/NAME/folder.txt` says where that is, and the paths of the manifest are relative to it.
"""

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from train.errors import DataError

MANIFEST_NAME = "manifest.csv"
ARRAY_NAME = "train.npy"
SOURCE_NAME = "folder.txt"

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One picture: its path relative to the folder, label, split, and the group that never straddles."""

    path: str
    label: str
    split: Split
    group: str


COLUMNS = tuple(field.name for field in fields(Row))


def write_manifest(task_dir: Path, rows: Iterable[Row]) -> Path:
    """Write the rows, sorted by path, with LF line ends: the same rows are the same bytes on any machine."""
    path = task_dir / MANIFEST_NAME
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in sorted(rows))
    return path


def read_manifest(task_dir: Path) -> list[Row]:
    """The rows of `task_dir/manifest.csv`, in its order.

    Raises DataError when it is missing or is not a split manifest.
    """
    path = task_dir / MANIFEST_NAME
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: run `python -m train fetch {task_dir.name}` first") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        raise DataError(f"{path} does not start with {','.join(COLUMNS)}: fetch {task_dir.name} again")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(COLUMNS) or line[2] not in SPLITS:
            raise DataError(f"{path}, line {number} is not {','.join(COLUMNS)}: fetch {task_dir.name} again")
        picture, label, split, group = line
        rows.append(Row(picture, label, next(name for name in SPLITS if name == split), group))
    return rows


def picture_file(task_dir: Path, path: str) -> Path:
    """Where a picture of the manifest lies: in the task's folder, or in the one that its `folder.txt` names."""
    try:
        return Path(os.fsdecode((task_dir / SOURCE_NAME).read_bytes().removesuffix(b"\n"))) / path
    except FileNotFoundError:
        return task_dir / path


def read_picture(task_dir: Path, path: str) -> bytes:
    """The encoded bytes of one picture of the manifest; for a picture of MNIST's array, a PNG made of it.

    Raises DataError when there is no such picture.
    """
    file = picture_file(task_dir, path)
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        if (task_dir / SOURCE_NAME).is_file():
            raise DataError(
                f"{file} is missing: put it back, or run `python -m train fit --data FOLDER --name {task_dir.name}` "
                "with the folder as it is now"
            ) from error
        index = file.name
        if file.parent == task_dir / "train" and index.isdecimal() and (task_dir / ARRAY_NAME).is_file():
            array = _array(task_dir / ARRAY_NAME)
            if int(index) < len(array):
                return encode_png(array[int(index)])
        raise DataError(f"{file} is missing: fetch {task_dir.name} again") from error


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A grey picture (H, W) as PNG bytes."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


@lru_cache(maxsize=4)
def _array(path: Path) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)  # (N, 28, 28)
    return array
