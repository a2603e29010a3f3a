"""Which pictures of a person's folder go to train, validation and test: copies together, every class in each.

A split that the folder already has is kept, and what it lacks is made from its train. As in `splits`, the choice is
made by ranking SHA-256 of seed and group name, so that the same folder gives the same split on any machine.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from train.errors import DataError
from train.manifest import SPLITS, Row, Split
from train.sources.class_folders import File
from train.sources.near_duplicates import Groups, near_pairs
from train.sources.splits import NEAR

SHARE = 0.15  # of the pictures of each class, for validation and for test
# Bits of 64, see NEAR. Where a whole set looks alike (X-rays, labels of one product) chains of near duplicates would
# tie up entire classes: then fewer bits, and at last byte for byte.
DISTANCES = (NEAR, 8, 4, None)


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that was read: SHA-256 of its file, and its perceptual hash where that says something."""

    file: File
    digest: bytes
    perceptual: int | None


@dataclass(frozen=True, slots=True)
class Placed:
    """The rows of the manifest, how near pictures had to be to be held together, and which splits were made."""

    rows: tuple[Row, ...]
    bits: int | None
    made: tuple[Split, ...]


def without_copies(seen: Sequence[Seen]) -> tuple[list[Seen], dict[str, str]]:
    """Those that may be used, and why not the others, by path.

    Of byte-identical copies with different labels one must be wrong, and nobody knows which. Of copies in two splits
    of the folder's own, only that in the last stays, lest it be tested on what it was trained on.
    """
    copies: dict[bytes, list[File]] = defaultdict(list)
    for picture in seen:
        copies[picture.digest].append(picture.file)
    left_out: dict[str, str] = {}
    for same in copies.values():
        last = max(same, key=_rank).part
        for file in same:
            if len({copy.label for copy in same}) > 1:
                left_out[file.path] = "the same picture is in another class too"
            elif file.part != last:
                left_out[file.path] = f"the same picture is in {last} too"
    return [picture for picture in seen if picture.file.path not in left_out], left_out


def place(seen: Sequence[Seen], seed: int = 0) -> Placed:
    """Split the pictures that have no split. Raises DataError where a class is too uniform to be split."""
    given = {picture.file.part for picture in seen if picture.file.part}
    made: tuple[Split, ...] = tuple(split for split in ("test", "val") if split not in given)
    fixed = [picture for picture in seen if picture.file.part and (picture.file.part != "train" or not made)]
    free = [picture for picture in seen if not picture.file.part or (picture.file.part == "train" and made)]
    for bits in DISTANCES:
        group_of = {**_groups(free, bits), **_groups(fixed, bits)}
        strata = _by_label(free, group_of)
        kept = _by_label(fixed, group_of)
        if all(_is_varied(sizes) for sizes in [*strata.values(), *kept.values()]) and not _uniform(strata, made):
            break
    if uniform := _uniform(strata, made):
        raise DataError(
            f"too few pictures differ from each other to train on some and check on others: {', '.join(uniform)}; "
            f"each class needs at least {len(made) + 1}: add other pictures"
        )
    split_of = {group: split for sizes in strata.values() for group, split in _deal(sizes, made, seed).items()}
    rows = [_row(picture, group_of, split_of[group_of[picture.file.path]]) for picture in free]
    rows += [_row(picture, group_of, picture.file.part or "train") for picture in fixed]
    return Placed(tuple(sorted(rows)), bits, tuple(split for split in SPLITS if split in made))


def _row(picture: Seen, group_of: Mapping[str, str], split: Split) -> Row:
    return Row(picture.file.path, picture.file.label, split, group_of[picture.file.path])


def _rank(file: File) -> int:
    return -1 if file.part is None else SPLITS.index(file.part)


def _groups(seen: Sequence[Seen], bits: int | None) -> dict[str, str]:
    """The group of each path. Pictures of the folder's own splits are grouped within their split."""
    keys = [picture.file.path for picture in seen]
    groups = Groups(keys)
    first: dict[tuple[bytes, Split | None], int] = {}
    for number, picture in enumerate(seen):
        groups.join(keys[first.setdefault((picture.digest, picture.file.part), number)], keys[number])
    if bits is not None:
        told = [number for number in first.values() if seen[number].perceptual is not None]
        for i, j in near_pairs([seen[number].perceptual or 0 for number in told], bits):
            if seen[told[i]].file.part == seen[told[j]].file.part:
                groups.join(keys[told[i]], keys[told[j]])
    return {key: groups.name(key) for key in keys}


def _by_label(seen: Iterable[Seen], group_of: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """The groups of each label with their number of pictures; a group belongs to its most frequent label."""
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for picture in seen:
        labels[group_of[picture.file.path]][picture.file.label] += 1
    strata: dict[str, dict[str, int]] = {picture.file.label: {} for picture in seen}
    for group, counts in labels.items():
        label = min(counts, key=lambda label: (-counts[label], label))
        strata[label][group] = counts.total()
    return strata


def _is_varied(sizes: Mapping[str, int]) -> bool:
    return 2 * max(sizes.values(), default=0) <= sum(sizes.values())


def _uniform(strata: Mapping[str, Mapping[str, int]], made: Sequence[Split]) -> list[str]:
    """The labels with too few groups for each split to have one, with the number of their groups."""
    return [f"{label} {len(sizes)}" for label, sizes in sorted(strata.items()) if len(sizes) <= len(made)]


def _deal(sizes: Mapping[str, int], made: Sequence[Split], seed: int) -> dict[str, Split]:
    """Whole groups to each of `made` as long as they fit into its share, and at least one; the rest is train."""
    free = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    wanted = max(1, round(sum(sizes.values()) * SHARE))
    split_of: dict[str, Split] = {}
    for split in made:
        dealt = 0
        for group in free:
            if group not in split_of and dealt + sizes[group] <= wanted:
                split_of[group] = split
                dealt += sizes[group]
        if not dealt:
            smallest = min((group for group in free if group not in split_of), key=lambda group: sizes[group])
            split_of[smallest] = split
    return {group: split_of.get(group, "train") for group in free}
