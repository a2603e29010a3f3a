"""Class folders: a folder with one folder of pictures for each class, and optionally train, val and test above them."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from train.errors import DataError
from train.manifest import Split

# Usual names of the folders of a data set that is already split.
SPLIT_FOLDERS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_SYSTEM_FILES = ("__MACOSX", "Thumbs.db", "desktop.ini")  # ignored, like names that start with a dot


@dataclass(frozen=True, slots=True, order=True)
class ImageFile:
    """A file that should be a picture. `path` is relative to the folder; `split` is None in a folder without splits."""

    path: str
    label: str
    split: Split | None


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """Contents of a folder of class folders. `labels` are sorted and may have no file."""

    labels: tuple[str, ...]
    files: tuple[ImageFile, ...]


def find_class_folders(folder: Path) -> ClassFolders:
    """List the classes and files of `folder`, which may have the folders train, val and test above the classes.

    Folders inside a class folder belong to that class. Hidden files are ignored. Raises DataError when `folder` is not
    a folder, or when it has split folders and other folders next to them.
    """
    if not folder.is_dir():
        problem = "is a file: unpack it, and give the folder" if folder.is_file() else "does not exist: give a folder"
        raise DataError(f"{folder} {problem} that has one folder of pictures for each class")
    top = _folders(folder)
    split_folders = [child for child in top if child.name.lower() in SPLIT_FOLDERS]
    others = [child.name for child in top if child not in split_folders]
    classes: list[tuple[Path, Split | None]] = [(child, None) for child in top]
    # A class may also be called "train": the vehicle.
    has_train = any(SPLIT_FOLDERS[child.name.lower()] == "train" and _folders(child) for child in split_folders)
    if has_train and (len(split_folders) > 1 or not others):
        if others:
            raise DataError(
                f"{folder} has the split folders {', '.join(child.name for child in split_folders)} and also "
                f"{', '.join(others)}: move the other folders out of it"
            )
        classes = [(child, SPLIT_FOLDERS[part.name.lower()]) for part in split_folders for child in _folders(part)]
    files = [
        ImageFile(file.relative_to(folder).as_posix(), _label(child), split)
        for child, split in classes
        for file in child.rglob("*")
        if file.is_file() and not any(map(_is_hidden, file.relative_to(child).parts))
    ]
    return ClassFolders(
        tuple(sorted({_label(child) for child, _ in classes})), tuple(sorted(files, key=lambda file: file.path))
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not _is_hidden(child.name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _SYSTEM_FILES


def _label(folder: Path) -> str:
    return unicodedata.normalize("NFC", folder.name)  # macOS stores é as e and a combining accent
