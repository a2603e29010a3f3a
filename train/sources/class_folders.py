"""A folder with one folder of pictures a class, as people keep them: which classes, which files, which split if any."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from train.errors import DataError
from train.manifest import Split

# How people call the folders of a set that is already split.
PARTS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_OF_THE_SYSTEM = ("__MACOSX", "Thumbs.db", "desktop.ini")  # beside those that start with a dot


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A file that should be a picture: its path relative to the folder, its class, and its split if it has one."""

    path: str
    label: str
    part: Split | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds. `labels` are sorted, and may have no file."""

    labels: tuple[str, ...]
    files: tuple[File, ...]


def find(folder: Path) -> Found:
    """The classes and files of `folder`, which may have the folders train, val and test above those of the classes.

    Folders within a class belong to it. Hidden files are not looked at. Raises DataError when `folder` is none, and
    when it is split and has more folders than those of the splits.
    """
    if not folder.is_dir():
        what = "is a file: unpack it, and name the folder" if folder.is_file() else "does not exist: name a folder"
        raise DataError(f"{folder} {what} that has one folder of pictures a class")
    top = _folders(folder)
    parts = [child for child in top if child.name.lower() in PARTS]
    others = [child.name for child in top if child not in parts]
    classes: list[tuple[Path, Split | None]] = [(child, None) for child in top]
    # A class may be called "train", too: the vehicle.
    trained = any(PARTS[child.name.lower()] == "train" and _folders(child) for child in parts)
    if trained and (len(parts) > 1 or not others):
        if others:
            raise DataError(
                f"{folder} holds {', '.join(child.name for child in parts)} and beside them {', '.join(others)}: "
                "take out what is neither"
            )
        classes = [(child, PARTS[part.name.lower()]) for part in parts for child in _folders(part)]
    files = [
        File(file.relative_to(folder).as_posix(), _label(child), part)
        for child, part in classes
        for file in child.rglob("*")
        if file.is_file() and not any(map(_is_hidden, file.relative_to(child).parts))
    ]
    return Found(
        tuple(sorted({_label(child) for child, _ in classes})), tuple(sorted(files, key=lambda file: file.path))
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not _is_hidden(child.name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _OF_THE_SYSTEM


def _label(folder: Path) -> str:
    return unicodedata.normalize("NFC", folder.name)  # macOS hands out é as e and an accent
