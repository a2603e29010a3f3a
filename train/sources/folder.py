"""Any folder of class folders as a task: read every picture once, split, and write the manifest to `data/NAME`.

The pictures stay where they are: nothing is copied, and nothing is written into the person's folder.
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
from train.sources import near_duplicates
from train.sources.class_folders import File, find
from train.sources.datasets import DATASETS
from train.sources.folder_split import Seen, place, without_copies
from train.sources.splits import NEAR
from train.text import printable

CLASSES = (2, 200)
PICTURES = 10  # a class, at least
IMBALANCE = 1.5  # the largest class divided by the smallest: beyond it classes are weighed
# Small sets are seen more often, in smaller batches: so many steps it takes to train a new head, and then the whole.
STEPS_AN_EPOCH, HEAD_STEPS, STEPS = 8, 40, 200
SMALLEST_BATCH = 8
NAMED = 5  # files or classes that a sentence names before it counts the others


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder, ready for training. `left_out` says by path why a file is not in the manifest.

    `bits` is how far apart (of 64) the hashes of pictures that were held together may be, None where only exact copies
    were; `made` are the splits that the folder did not have.
    """

    name: str
    task_dir: Path
    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: Mapping[str, str]
    bits: int | None
    made: tuple[Split, ...]

    def count(self, split: Split) -> Counter[str]:
        """How many pictures each label has in a split."""
        return Counter(row.label for row in self.rows if row.split == split)


def prepare(folder: Path, name: str, data_dir: Path) -> Prepared:
    """Read the pictures of `folder`, split them, and write `data_dir/name/manifest.csv`.

    The same pictures give the same manifest, wherever the folder is. Raises RecipeError for a name that cannot be
    used, DataError when there are too few pictures or classes, or too many classes.
    """
    task_dir = data_dir / name
    _check_name(name, folder, task_dir)
    found = find(folder)
    _check_classes(folder, found.labels)
    seen, left_out = [], {}
    for file, look in zip(
        found.files, parallel_map(partial(_look, folder), found.files, f"reading {folder.name}"), strict=True
    ):
        if isinstance(look, Seen):
            seen.append(look)
        else:
            left_out[file.path] = look
    usable, copies = without_copies(seen)
    left_out |= copies
    _check_counts(found.labels, Counter(picture.file.label for picture in usable), left_out)
    placed = place(usable)
    prepared = Prepared(name, task_dir, found.labels, placed.rows, left_out, placed.bits, placed.made)
    untrained = [label for label in found.labels if not prepared.count("train")[label]]
    if untrained:
        raise DataError(f"the train folder has no pictures of {_some(untrained)}: add some")
    _write(folder, prepared)
    return prepared


def recipe_for(prepared: Prepared, **overrides: Any) -> Recipe:
    """The recipe for a folder: as committed, adapted to how many pictures there are, with what the person chose.

    Raises RecipeError as `train.recipe.load` does.
    """
    recipe = recipes.for_folder(prepared.name, prepared.labels, **overrides)
    counts = prepared.count("train")
    pictures = counts.total()
    batch_size = recipe.batch_size
    while batch_size > SMALLEST_BATCH and pictures < STEPS_AN_EPOCH * batch_size:
        batch_size //= 2
    steps = math.ceil(pictures / (overrides.get("batch_size") or batch_size))
    epochs = overrides.get("epochs") or max(recipe.epochs, math.ceil(STEPS / steps))
    adapted: dict[str, Any] = {
        "batch_size": batch_size,
        "epochs": epochs,
        "head_epochs": max(recipe.head_epochs, math.ceil(HEAD_STEPS / steps)),
        "patience": max(recipe.patience, epochs // 4),
        "class_weights": max(counts.values()) > IMBALANCE * min(counts.values()),
    }
    chosen = {key: value for key, value in overrides.items() if value is not None}
    return recipes.for_folder(prepared.name, prepared.labels, **(adapted | chosen))


def describe(prepared: Prepared) -> list[str]:
    """What was found and done, in lines for a person."""
    counts = ", ".join(f"{split} {prepared.count(split).total():,}" for split in SPLITS)
    lines = [f"{prepared.name}: {len(prepared.labels)} classes, {len(prepared.rows):,} pictures ({counts})"]
    by_label = Counter(row.label for row in prepared.rows)
    lines.append(f"  {_some([f'{label} {by_label[label]:,}' for label in prepared.labels], 12)}")
    if prepared.left_out:
        lines.append(f"  left out {len(prepared.left_out):,}: {_reasons(prepared.left_out)}")
    if 0 < len(prepared.made) < 2:
        lines.append(f"  there is no {prepared.made[0]} folder with classes: taken from train")
    if prepared.bits != NEAR:
        how = "copies" if prepared.bits is None else f"pictures that differ in at most {prepared.bits} of 64 bits"
        lines.append(f"  the pictures look alike: only {how} are held together, so the figures may flatter")
    return lines


def _check_name(name: str, folder: Path, task_dir: Path) -> None:
    if not re.fullmatch(TASK, name):
        raise RecipeError(
            f"{printable(name)!r} cannot be a name: take up to 40 of a-z, 0-9, - and _, and begin with a letter"
        )
    if name in DATASETS:
        raise RecipeError(f"{name} is a task of Vistazo's own: take another name for {folder}")
    if task_dir.exists() and not (task_dir / SOURCE_NAME).is_file() and task_dir.resolve() != folder.resolve():
        raise RecipeError(f"{task_dir} exists and was not made from a folder: take another name, or another --data-dir")


def _check_classes(folder: Path, labels: tuple[str, ...]) -> None:
    least, most = CLASSES
    if least <= len(labels) <= most:
        return
    if not labels:
        what = "has no class folders: put the pictures of each class into a folder of its own in it"
    elif len(labels) == 1:
        what = f"has one class folder, {printable(labels[0])}, and needs two or more: is it the folder above or below?"
    else:
        what = f"has {len(labels)} class folders, and {most} is the most: take some out"
    raise DataError(f"{folder} {what}")


def _check_counts(labels: tuple[str, ...], counts: Counter[str], left_out: Mapping[str, str]) -> None:
    few = [f"{printable(label)} {counts[label]}" for label in labels if counts[label] < PICTURES]
    if not few:
        return
    without = f" Left out were {len(left_out):,}: {_reasons(left_out)}." if left_out else ""
    raise DataError(f"each class needs at least {PICTURES} pictures that can be read: {_some(few, 12)}.{without}")


def _look(folder: Path, file: File) -> Seen | str:
    try:
        file.path.encode()
        data = (folder / file.path).read_bytes()
        pixels = decode(data)
    except UnicodeEncodeError:
        return "its name is no text"
    except PictureError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    says_something = max(pixels.shape[:2]) > near_duplicates.SIDE
    perceptual = near_duplicates.hash_of(Image.fromarray(pixels)) if says_something else None
    return Seen(file, hashlib.sha256(data).digest(), perceptual)


def _write(folder: Path, prepared: Prepared) -> None:
    prepared.task_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=prepared.task_dir) as unfinished:
        source = Path(unfinished) / SOURCE_NAME
        source.write_bytes(os.fsencode(folder.resolve()) + b"\n")
        manifest = write_manifest(Path(unfinished), prepared.rows)
        source.replace(prepared.task_dir / SOURCE_NAME)
        manifest.replace(prepared.task_dir / MANIFEST_NAME)


def _reasons(left_out: Mapping[str, str]) -> str:
    return _some([f"{printable(path)} ({reason.rstrip('.')})" for path, reason in sorted(left_out.items())])


def _some(items: list[str], named: int = NAMED) -> str:
    more = f" and {len(items) - named:,} more" if len(items) > named else ""
    return ", ".join(items[:named]) + more
