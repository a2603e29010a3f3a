"""The manifest of a task, `manifest.csv`, and access to its pictures.

`data/TASK/manifest.csv` has one line for each picture: `path,label,split,group`. Pictures are stored as
`data/TASK/SPLIT/LABEL/NAME`, with two exceptions. The 60,000 training pictures of MNIST are one array,
`data/digit/train.npy` (N, 28, 28) uint8, because as many small files take minutes to write and to read; their path is
`train/00000`, the index into the array. The pictures of a user's folder stay there: `data/NAME/folder.txt` has the
folder's path, and the paths in the manifest are relative to it.
"""

import csv
import io
import os
from collections.abc import Iterable, Sequence
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
    """One picture of the manifest.

    `path` is relative to the task's folder. Pictures of one `group` (a patient, near-duplicates) are in one split.
    """

    path: str
    label: str
    split: Split
    group: str


COLUMNS = tuple(field.name for field in fields(Row))


def write_manifest(task_dir: Path, rows: Iterable[Row]) -> Path:
    """Write the manifest, sorted by path and with LF line ends, so that equal rows give equal bytes on any machine."""
    path = task_dir / MANIFEST_NAME
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(row) for row in sorted(rows))
    return path


def read_manifest(task_dir: Path) -> list[Row]:
    """Return the rows of `task_dir/manifest.csv`, in file order.

    Raises DataError when the file is missing or not a manifest.
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
    """Return the file of a picture in the manifest: in the task's folder, or in the folder that `folder.txt` names."""
    try:
        return Path(os.fsdecode((task_dir / SOURCE_NAME).read_bytes().removesuffix(b"\n"))) / path
    except FileNotFoundError:
        return task_dir / path


def read_picture(task_dir: Path, path: str) -> bytes:
    """Return the encoded bytes of a picture in the manifest. Pictures of the MNIST array are encoded as PNG.

    Raises DataError when the picture is missing.
    """
    file = picture_file(task_dir, path)
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        if (task_dir / SOURCE_NAME).is_file():
            raise DataError(
                f"{file} is missing: put it back, or run `python -m train fit --data FOLDER --name {task_dir.name}` "
                "again to use the folder as it is now"
            ) from error
        index = file.name
        if file.parent == task_dir / "train" and index.isdecimal() and (task_dir / ARRAY_NAME).is_file():
            array = _array(task_dir / ARRAY_NAME)
            if int(index) < len(array):
                return encode_png(array[int(index)])
        raise DataError(f"{file} is missing: fetch {task_dir.name} again") from error


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode a picture, `(H, W)` or `(H, W, 3)` uint8, as PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


@lru_cache(maxsize=4)
def _array(path: Path) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)  # (N, 28, 28)
    return array


def class_indices(rows: Sequence[Row], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the index of each row's label in `labels`, `(N,)`. Raises DataError for a label that is not in it."""
    index = {label: number for number, label in enumerate(labels)}
    unknown = {row.label for row in rows} - set(index)
    if unknown:
        raise DataError(f"the manifest has labels that the recipe does not have, {sorted(unknown)}: correct either one")
    return np.array([index[row.label] for row in rows])
