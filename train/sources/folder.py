"""A user's folder of class folders as a task: read every picture once, split, and write `data/NAME/manifest.csv`.

The pictures stay where they are. Nothing is copied, and nothing is written into the user's folder.
"""

import hashlib
import math
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from models.bundle import TASK
from models.errors import PictureError
from models.images.decoding import decode
from train import recipe as recipes
from train.errors import DataError, RecipeError
from train.manifest import MANIFEST_NAME, SOURCE_NAME, SPLITS, Row, Split, write_manifest
from train.parallel import parallel_map
from train.recipe import Recipe
from train.sources.class_folders import ImageFile, find_class_folders
from train.sources.datasets import DATASETS
from train.sources.folder_split import HashedPicture, exclude_conflicting_copies, split_pictures
from train.sources.near_duplicates import HASH_SIDE, NEAR_DUPLICATE_BITS, perceptual_hash
from train.text import printable

MIN_CLASSES, MAX_CLASSES = 2, 200
MIN_PICTURES = 10  # for each class
MAX_IMBALANCE = 1.5  # largest class divided by smallest; above this, classes are weighted
# Small sets get smaller batches and more epochs: a new head needs about HEAD_STEPS, the whole network STEPS.
STEPS_PER_EPOCH, HEAD_STEPS, STEPS = 8, 40, 200
MIN_BATCH_SIZE = 8
MAX_LISTED = 5  # files or classes in a message


@dataclass(frozen=True, slots=True)
class PreparedFolder:
    """A folder that is ready for training.

    `excluded` maps the path of each file outside the manifest to the reason. `max_bits` is the hash distance (of 64
    bits) up to which pictures count as near-duplicates, None when only exact copies do. `created_splits` are the
    splits that the folder did not have.
    """

    name: str
    task_dir: Path
    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    excluded: Mapping[str, str]
    max_bits: int | None
    created_splits: tuple[Split, ...]

    def count(self, split: Split) -> Counter[str]:
        """Return the number of pictures of a split by label."""
        return Counter(row.label for row in self.rows if row.split == split)


def prepare(folder: Path, name: str, data_dir: Path) -> PreparedFolder:
    """Read the pictures of `folder`, split them, and write `data_dir/name/manifest.csv`.

    The same pictures give the same manifest wherever the folder is. Raises RecipeError for an invalid name, DataError
    for too few pictures or classes, or too many classes.
    """
    task_dir = data_dir / name
    _check_name(name, folder, task_dir)
    found = find_class_folders(folder)
    _check_classes(folder, found.labels)
    pictures, excluded = [], {}
    results = parallel_map(partial(_inspect, folder), found.files, f"reading {folder.name}")
    for file, result in zip(found.files, results, strict=True):
        if isinstance(result, HashedPicture):
            pictures.append(result)
        else:
            excluded[file.path] = result
    usable, conflicting = exclude_conflicting_copies(pictures)
    excluded |= conflicting
    _check_counts(found.labels, Counter(picture.file.label for picture in usable), excluded)
    split = split_pictures(usable)
    prepared = PreparedFolder(name, task_dir, found.labels, split.rows, excluded, split.max_bits, split.created)
    train_counts = prepared.count("train")
    untrained = [label for label in found.labels if not train_counts[label]]
    if untrained:
        raise DataError(f"the train folder has no pictures of {_shortened(untrained)}: add some")
    _write(folder, prepared)
    return prepared


def recipe_for(prepared: PreparedFolder, **overrides: Any) -> Recipe:
    """Return the recipe for a folder, adapted to its number of pictures, with the user's `overrides`.

    Raises RecipeError as `train.recipe.load` does.
    """
    recipe = recipes.for_folder(prepared.name, prepared.labels, **overrides)
    counts = prepared.count("train")
    pictures = counts.total()
    batch_size = recipe.batch_size
    while batch_size > MIN_BATCH_SIZE and pictures < STEPS_PER_EPOCH * batch_size:
        batch_size //= 2
    steps = math.ceil(pictures / (overrides.get("batch_size") or batch_size))
    epochs = overrides.get("epochs") or max(recipe.epochs, math.ceil(STEPS / steps))
    adapted: dict[str, Any] = {
        "batch_size": batch_size,
        "epochs": epochs,
        "head_epochs": max(recipe.head_epochs, math.ceil(HEAD_STEPS / steps)),
        "patience": max(recipe.patience, epochs // 4),
        "class_weights": max(counts.values()) > MAX_IMBALANCE * min(counts.values()),
    }
    chosen = {key: value for key, value in overrides.items() if value is not None}
    return recipes.for_folder(prepared.name, prepared.labels, **(adapted | chosen))


def describe(prepared: PreparedFolder) -> list[str]:
    """Return a summary for the terminal, as lines."""
    counts = ", ".join(f"{split} {prepared.count(split).total():,}" for split in SPLITS)
    lines = [f"{prepared.name}: {len(prepared.labels)} classes, {len(prepared.rows):,} pictures ({counts})"]
    by_label = Counter(row.label for row in prepared.rows)
    lines.append(f"  {_shortened([f'{label} {by_label[label]:,}' for label in prepared.labels], 12)}")
    if prepared.excluded:
        lines.append(f"  excluded {len(prepared.excluded):,}: {_reasons(prepared.excluded)}")
    if len(prepared.created_splits) == 1:
        lines.append(f"  no {prepared.created_splits[0]} folder with classes: its pictures are taken from train")
    if prepared.max_bits != NEAR_DUPLICATE_BITS:
        grouped = (
            "only exact copies were"
            if prepared.max_bits is None
            else f"only pictures whose hashes differ in up to {prepared.max_bits} of 64 bits were"
        )
        lines.append(f"  the pictures look very similar: {grouped} kept in one split, so the metrics may be too good")
    return lines


def _check_name(name: str, folder: Path, task_dir: Path) -> None:
    if not re.fullmatch(TASK, name):
        raise RecipeError(
            f"{printable(name)!r} is not a valid name: use up to 40 of a-z, 0-9, - and _, starting with a letter"
        )
    if name in DATASETS:
        raise RecipeError(f"the name {name} belongs to a built-in task: choose another name for {folder}")
    if task_dir.exists() and not (task_dir / SOURCE_NAME).is_file() and task_dir.resolve() != folder.resolve():
        raise RecipeError(
            f"{task_dir} exists and was not made from a folder: choose another name, or another --data-dir"
        )


def _check_classes(folder: Path, labels: tuple[str, ...]) -> None:
    if MIN_CLASSES <= len(labels) <= MAX_CLASSES:
        return
    if not labels:
        problem = "has no class folders: put the pictures of each class into a folder of its own in it"
    elif len(labels) == 1:
        problem = (
            f"has one class folder, {printable(labels[0])}, and needs two or more: did you mean the folder above or "
            "below?"
        )
    else:
        problem = f"has {len(labels)} class folders, and {MAX_CLASSES} is the maximum: remove some"
    raise DataError(f"{folder} {problem}")


def _check_counts(labels: tuple[str, ...], counts: Counter[str], excluded: Mapping[str, str]) -> None:
    few = [f"{printable(label)} {counts[label]}" for label in labels if counts[label] < MIN_PICTURES]
    if not few:
        return
    reasons = f" Excluded {len(excluded):,}: {_reasons(excluded)}." if excluded else ""
    raise DataError(f"each class needs at least {MIN_PICTURES} readable pictures: {_shortened(few, 12)}.{reasons}")


def _inspect(folder: Path, file: ImageFile) -> HashedPicture | str:
    """Return the hashes of a picture, or the reason why it is excluded."""
    try:
        file.path.encode()
        data = (folder / file.path).read_bytes()
        pixels = decode(data)
    except UnicodeEncodeError:
        return "its name is not valid text"
    except PictureError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    is_hashable = max(pixels.shape[:2]) > HASH_SIDE
    hashed = perceptual_hash(Image.fromarray(pixels)) if is_hashable else None
    return HashedPicture(file, hashlib.sha256(data).digest(), hashed)


def _write(folder: Path, prepared: PreparedFolder) -> None:
    prepared.task_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=prepared.task_dir) as unfinished:
        source = Path(unfinished) / SOURCE_NAME
        source.write_bytes(os.fsencode(folder.resolve()) + b"\n")
        manifest = write_manifest(Path(unfinished), prepared.rows)
        source.replace(prepared.task_dir / SOURCE_NAME)
        manifest.replace(prepared.task_dir / MANIFEST_NAME)


def _reasons(excluded: Mapping[str, str]) -> str:
    return _shortened([f"{printable(path)} ({reason.rstrip('.')})" for path, reason in sorted(excluded.items())])


def _shortened(items: list[str], listed: int = MAX_LISTED) -> str:
    more = f" and {len(items) - listed:,} more" if len(items) > listed else ""
    return ", ".join(items[:listed]) + more
