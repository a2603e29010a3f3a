"""Exploration of a data set: counts, sizes, unreadable files, duplicates and mean pictures."""

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import PictureError
from models.images.decoding import decode
from models.images.formats import PILLOW_NAMES
from train.errors import DataError, UnknownDataset
from train.manifest import MANIFEST_NAME, SPLITS, read_manifest, read_picture
from train.parallel import parallel_map
from train.sources.class_folders import find_class_folders
from train.sources.datasets import DATASETS
from train.sources.near_duplicates import HASH_SIDE, NEAR_DUPLICATE_BITS, near_duplicate_pairs, perceptual_hash

UNSPLIT = "all"  # the split of pictures in a folder without splits
SAME_SCENE_BITS = 8  # up to this distance nearly all flower pairs show one scene (see NEAR_DUPLICATE_BITS)
MEAN_SIDE = 64  # pixels; mean pictures are squares, so that pictures of any shape can be averaged
CONTACT_SHEET_SIZE = 8  # pictures for each class


@dataclass(frozen=True, slots=True)
class Item:
    """A file that should be a picture. `path` is relative to the folder of the collection."""

    path: str
    label: str
    split: str


@dataclass(frozen=True, slots=True)
class Collection:
    """The files of a task or of a folder of class folders.

    `labels` are sorted and may have no file. `is_xray` is True for X-rays: those of different patients look too
    similar for perceptual hashes.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    items: tuple[Item, ...]
    is_xray: bool


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """Properties of a decoded picture.

    `width` and `height` are those after EXIF rotation; `mode` is the stored Pillow mode; `digest` is the SHA-256 of the
    file. `perceptual_hash` has 64 bits and is None where it was not computed.
    """

    item: Item
    width: int
    height: int
    mode: str
    digest: bytes
    perceptual_hash: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is not a readable picture, and the reason."""

    item: Item
    reason: str


@dataclass(frozen=True, slots=True)
class DuplicateSet:
    """Duplicate pictures: files with the same bytes (`bits` is 0), or a pair whose hashes differ in `bits` of 64."""

    items: tuple[Item, ...]
    bits: int = 0

    @property
    def across_classes(self) -> bool:
        """True when the pictures have different labels, so at least one label is wrong."""
        return len({item.label for item in self.items}) > 1

    @property
    def across_splits(self) -> bool:
        """True when the pictures are in different splits, which leaks training data into the evaluation."""
        return len({item.split for item in self.items}) > 1


@dataclass(frozen=True, slots=True)
class Exploration:
    """Results of an exploration.

    `means` are the mean pictures, `(MEAN_SIDE, MEAN_SIDE, 3)` uint8, of the labels with a readable picture.
    `near_skipped` is the reason why the search for near-duplicates left out all or some pictures, empty if none.
    """

    collection: Collection
    pictures: tuple[PictureInfo, ...]
    unreadable: tuple[Unreadable, ...]
    exact_duplicates: tuple[DuplicateSet, ...]
    near_duplicates: tuple[DuplicateSet, ...]
    near_skipped: str
    means: Mapping[str, NDArray[np.uint8]]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that occur, in the usual order."""
        present = {item.split for item in self.collection.items}
        return tuple(split for split in (*SPLITS, UNSPLIT) if split in present)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """Number of readable pictures by label and split."""
        return Counter((picture.item.label, picture.item.split) for picture in self.pictures)

    @property
    def totals(self) -> dict[str, int]:
        """Number of readable pictures by label."""
        counts = self.counts
        return {label: sum(counts[label, split] for split in self.splits) for label in self.collection.labels}

    @property
    def imbalance(self) -> float | None:
        """Size of the largest class divided by the smallest; None when a class has no readable picture."""
        totals = self.totals.values()
        return max(totals) / min(totals) if min(totals) else None


def collect_files(task_or_folder: str, data_dir: Path) -> Collection:
    """List the files of a fetched task or of a folder: those of its manifest, or else of its class folders.

    Raises UnknownDataset when it is neither a task nor a folder, DataError when it has no files or its layout is
    ambiguous.
    """
    folder = data_dir / task_or_folder if task_or_folder in DATASETS else Path(task_or_folder)
    if task_or_folder in DATASETS or (folder / MANIFEST_NAME).is_file():
        items = [Item(row.path, row.label, row.split) for row in read_manifest(folder)]
        labels = {item.label for item in items}
    elif folder.is_dir():
        found = find_class_folders(folder)
        labels = set(found.labels)
        items = [Item(file.path, file.label, file.split or UNSPLIT) for file in found.files]
    else:
        raise UnknownDataset(
            f"{task_or_folder!r} is neither a task nor a folder: choose one of {', '.join(DATASETS)}, or give a "
            "folder with one folder of pictures for each class"
        )
    if not items:
        raise DataError(f"{folder} has no pictures: put those of each class into a folder of its own in it")
    name = folder.resolve().name
    is_xray = name in DATASETS and DATASETS[name].layout == "patient"
    ordered = sorted(items, key=lambda item: item.path)
    return Collection(name, folder, tuple(sorted(labels)), tuple(ordered), is_xray)


def explore_collection(collection: Collection) -> Exploration:
    """Decode every picture of the collection once and summarize. The progress bar goes to stderr."""
    sums: dict[str, NDArray[np.int64]] = {}
    pictures: list[PictureInfo] = []
    unreadable: list[Unreadable] = []
    for result in parallel_map(partial(_inspect, collection), collection.items, f"reading {collection.name}"):
        if isinstance(result, Unreadable):
            unreadable.append(result)
            continue
        picture, thumbnail = result
        pictures.append(picture)
        label = picture.item.label
        sums[label] = sums.get(label, 0) + thumbnail.astype(np.int64)  # integers: the same sum in any order
    totals = Counter(picture.item.label for picture in pictures)
    return Exploration(
        collection,
        tuple(pictures),
        tuple(unreadable),
        _exact_duplicates(pictures),
        _near_duplicates(pictures),
        _near_skipped(collection, pictures),
        {label: (total / totals[label]).round().astype(np.uint8) for label, total in sorted(sums.items())},
    )


def contact_sheet(exploration: Exploration) -> dict[str, list[Item]]:
    """Return up to CONTACT_SHEET_SIZE pictures of each label, chosen by the hash of the path, so reproducibly."""

    def rank(item: Item) -> bytes:
        return hashlib.sha256(item.path.encode("utf-8", "surrogateescape")).digest()

    by_label: dict[str, list[Item]] = {label: [] for label in exploration.collection.labels}
    for picture in exploration.pictures:
        by_label[picture.item.label].append(picture.item)
    return {label: sorted(items, key=rank)[:CONTACT_SHEET_SIZE] for label, items in by_label.items()}


def _inspect(collection: Collection, item: Item) -> tuple[PictureInfo, NDArray[np.uint8]] | Unreadable:
    """Return the properties of a picture and a copy of it, `(MEAN_SIDE, MEAN_SIDE, 3)` uint8."""
    try:
        data = read_picture(collection.folder, item.path)
        pixels = decode(data)
        height, width, _ = pixels.shape
        with Image.open(io.BytesIO(data), formats=PILLOW_NAMES) as header:
            mode = header.mode
        is_hashable = max(width, height) > HASH_SIDE and not collection.is_xray
        hashed = perceptual_hash(Image.fromarray(pixels)) if is_hashable else None
    except (PictureError, DataError) as error:
        return Unreadable(item, str(error))
    except OSError as error:
        return Unreadable(item, f"It cannot be read: {error.strerror}.")
    square = Image.fromarray(pixels).resize((MEAN_SIDE, MEAN_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return PictureInfo(item, width, height, mode, hashlib.sha256(data).digest(), hashed), np.asarray(square)


def _exact_duplicates(pictures: Iterable[PictureInfo]) -> tuple[DuplicateSet, ...]:
    by_digest: dict[bytes, list[Item]] = defaultdict(list)
    for picture in pictures:
        by_digest[picture.digest].append(picture.item)
    return _most_serious_first(DuplicateSet(tuple(items)) for items in by_digest.values() if len(items) > 1)


def _near_duplicates(pictures: Sequence[PictureInfo]) -> tuple[DuplicateSet, ...]:
    # The first of each set of exact duplicates; the others are listed there.
    first_copies: dict[bytes, PictureInfo] = {}
    for picture in pictures:
        if picture.perceptual_hash is not None:
            first_copies.setdefault(picture.digest, picture)
    hashed = list(first_copies.values())
    hashes = [picture.perceptual_hash or 0 for picture in hashed]
    return _most_serious_first(
        DuplicateSet((hashed[i].item, hashed[j].item), (hashes[i] ^ hashes[j]).bit_count())
        for i, j in near_duplicate_pairs(hashes, NEAR_DUPLICATE_BITS)
    )


def _most_serious_first(duplicates: Iterable[DuplicateSet]) -> tuple[DuplicateSet, ...]:
    return tuple(
        sorted(
            duplicates,
            key=lambda found: (
                found.bits > SAME_SCENE_BITS,
                not found.across_classes,
                not found.across_splits,
                found.bits,
                found.items[0].path,
            ),
        )
    )


def _near_skipped(collection: Collection, pictures: Sequence[PictureInfo]) -> str:
    if collection.is_xray:
        return "not searched: X-rays of different patients look so similar that their hashes cannot be compared"
    small = sum(picture.perceptual_hash is None for picture in pictures)
    if small:
        return (
            f"{small:,} pictures of up to {HASH_SIDE} pixels on the longer side were not compared: with so little "
            "detail, different pictures have similar hashes"
        )
    return ""
