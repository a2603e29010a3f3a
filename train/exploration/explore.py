"""What there is in a set of pictures, counted before anything is trained on it."""

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
from models.images.decoding import FORMATS, decode
from train.errors import DataError, UnknownDataset
from train.manifest import MANIFEST_NAME, SPLITS, read_manifest, read_picture
from train.parallel import parallel_map
from train.sources import class_folders, near_duplicates
from train.sources.datasets import DATASETS
from train.sources.splits import NEAR

WHOLE = "all"  # the split of pictures that nobody has split
NEARLY_SURE = 8  # bits: of the flower pairs up to here nearly all show one scene (see NEAR)
MEAN_SIDE = 64  # pixels; mean pictures are squares, so pictures of any shape can be added up
CONTACTS = 8  # pictures a class on the contact sheet


@dataclass(frozen=True, slots=True)
class Item:
    """A file that should be a picture, by its path relative to the collection's folder."""

    path: str
    label: str
    split: str


@dataclass(frozen=True, slots=True)
class Collection:
    """The files of a task or of a folder of class folders. `labels` are sorted, and may have no file.

    `is_xray` is true where pictures of two patients look more alike than hashes can tell apart.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    items: tuple[Item, ...]
    is_xray: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that was read: its size when upright, the mode it is stored in, and what tells copies.

    `perceptual` is the 64-bit hash, None where it was not computed.
    """

    item: Item
    width: int
    height: int
    mode: str
    digest: bytes
    perceptual: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is no picture that Vistazo reads, and why."""

    item: Item
    reason: str


@dataclass(frozen=True, slots=True)
class Alike:
    """Pictures that are one: the same bytes (`bits` is 0), or two whose hashes differ in `bits` of 64."""

    items: tuple[Item, ...]
    bits: int = 0

    @property
    def across_classes(self) -> bool:
        """Whether they have different labels: one of them must be wrong."""
        return len({item.label for item in self.items}) > 1

    @property
    def across_splits(self) -> bool:
        """Whether what is tested was trained on."""
        return len({item.split for item in self.items}) > 1


@dataclass(frozen=True, slots=True)
class Exploration:
    """All that was found. `means` are `(MEAN_SIDE, MEAN_SIDE, 3)` uint8, for labels with at least one picture.

    `near_skipped` says why near duplicates were not looked for, or among which pictures; empty when among all.
    """

    collection: Collection
    seen: tuple[Seen, ...]
    unreadable: tuple[Unreadable, ...]
    exact: tuple[Alike, ...]
    near: tuple[Alike, ...]
    near_skipped: str
    means: Mapping[str, NDArray[np.uint8]]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there are, in their usual order."""
        found = {item.split for item in self.collection.items}
        return tuple(split for split in (*SPLITS, WHOLE) if split in found)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How many readable pictures there are, by label and split."""
        return Counter((seen.item.label, seen.item.split) for seen in self.seen)

    @property
    def totals(self) -> dict[str, int]:
        """How many readable pictures each label has."""
        counts = self.counts
        return {label: sum(counts[label, split] for split in self.splits) for label in self.collection.labels}

    @property
    def imbalance(self) -> float | None:
        """The largest class divided by the smallest; None where a class has no readable picture."""
        totals = self.totals.values()
        return max(totals) / min(totals) if min(totals) else None


def collect(task_or_folder: str, data_dir: Path) -> Collection:
    """The files of a fetched task, or of a folder: of its manifest where it has one, else of its class folders.

    Raises UnknownDataset when it is neither, and DataError when there are no data in it or more than can be told apart.
    """
    folder = data_dir / task_or_folder if task_or_folder in DATASETS else Path(task_or_folder)
    if task_or_folder in DATASETS or (folder / MANIFEST_NAME).is_file():
        items = [Item(row.path, row.label, row.split) for row in read_manifest(folder)]
        labels = {item.label for item in items}
    elif folder.is_dir():
        found = class_folders.find(folder)
        labels = set(found.labels)
        items = [Item(file.path, file.label, file.part or WHOLE) for file in found.files]
    else:
        raise UnknownDataset(
            f"{task_or_folder!r} is neither a task nor a folder: choose one of {', '.join(DATASETS)}, or name a "
            "folder that has one folder of pictures a class"
        )
    if not items:
        raise DataError(f"{folder} has no pictures: put those of each class into a folder of its own in it")
    name = folder.resolve().name
    is_xray = name in DATASETS and DATASETS[name].layout == "patient"
    ordered = sorted(items, key=lambda item: item.path)
    return Collection(name, folder, tuple(sorted(labels)), tuple(ordered), is_xray)


def explore(collection: Collection) -> Exploration:
    """Read every picture of the collection once (bar on the standard error), and count."""
    sums: dict[str, NDArray[np.int64]] = {}
    seen: list[Seen] = []
    unreadable: list[Unreadable] = []
    for look in parallel_map(partial(_look, collection), collection.items, f"reading {collection.name}"):
        if isinstance(look, Unreadable):
            unreadable.append(look)
            continue
        picture, small = look
        seen.append(picture)
        label = picture.item.label
        sums[label] = sums.get(label, 0) + small.astype(np.int64)  # whole numbers: the same sum in any order
    totals = Counter(picture.item.label for picture in seen)
    return Exploration(
        collection,
        tuple(seen),
        tuple(unreadable),
        _exact(seen),
        _near(seen),
        _near_skipped(collection, seen),
        {label: (total / totals[label]).round().astype(np.uint8) for label, total in sorted(sums.items())},
    )


def contacts(exploration: Exploration) -> dict[str, list[Item]]:
    """A few pictures of each label, chosen by the hash of their paths: the same ones on any machine."""

    def rank(item: Item) -> bytes:
        return hashlib.sha256(item.path.encode("utf-8", "surrogateescape")).digest()

    by_label: dict[str, list[Item]] = {label: [] for label in exploration.collection.labels}
    for seen in exploration.seen:
        by_label[seen.item.label].append(seen.item)
    return {label: sorted(items, key=rank)[:CONTACTS] for label, items in by_label.items()}


def _look(collection: Collection, item: Item) -> tuple[Seen, NDArray[np.uint8]] | Unreadable:
    try:
        data = read_picture(collection.folder, item.path)
        pixels = decode(data)
        height, width, _ = pixels.shape
        with Image.open(io.BytesIO(data), formats=FORMATS) as header:
            mode = header.mode
        says_something = max(width, height) > near_duplicates.SIDE and not collection.is_xray
        perceptual = near_duplicates.hash_of(Image.fromarray(pixels)) if says_something else None
    except (PictureError, DataError) as error:
        return Unreadable(item, str(error))
    except OSError as error:
        return Unreadable(item, f"It cannot be read: {error.strerror}.")
    square = Image.fromarray(pixels).resize((MEAN_SIDE, MEAN_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Seen(item, width, height, mode, hashlib.sha256(data).digest(), perceptual), np.asarray(square)


def _exact(seen: Iterable[Seen]) -> tuple[Alike, ...]:
    by_digest: dict[bytes, list[Item]] = defaultdict(list)
    for picture in seen:
        by_digest[picture.digest].append(picture.item)
    return _gravest_first(Alike(tuple(items)) for items in by_digest.values() if len(items) > 1)


def _near(seen: Sequence[Seen]) -> tuple[Alike, ...]:
    # One of each set of exact copies: the others are told there.
    hashed = list({picture.digest: picture for picture in reversed(seen) if picture.perceptual is not None}.values())
    hashed.reverse()
    hashes = [picture.perceptual or 0 for picture in hashed]
    return _gravest_first(
        Alike((hashed[i].item, hashed[j].item), (hashes[i] ^ hashes[j]).bit_count())
        for i, j in near_duplicates.near_pairs(hashes, NEAR)
    )


def _gravest_first(found: Iterable[Alike]) -> tuple[Alike, ...]:
    return tuple(
        sorted(
            found,
            key=lambda alike: (
                alike.bits > NEARLY_SURE,
                not alike.across_classes,
                not alike.across_splits,
                alike.bits,
                alike.items[0].path,
            ),
        )
    )


def _near_skipped(collection: Collection, seen: Sequence[Seen]) -> str:
    if collection.is_xray:
        return "not looked for: X-rays of two patients look as alike as two of one, so the hashes say nothing"
    small = sum(picture.perceptual is None for picture in seen)
    if small:
        return (
            f"not looked for among the {small:,} pictures of at most {near_duplicates.SIDE} pixels a side: so little "
            "detail makes strangers look alike"
        )
    return ""
