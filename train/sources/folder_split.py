"""Split of a user's folder into train, validation and test: duplicates in one split, every class in each split.

Splits that the folder already has are kept, and missing ones are taken from its train pictures. As in `splits`, groups
are ranked by the SHA-256 of seed and group name, so a folder gives the same split on any machine.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from train.errors import DataError
from train.manifest import SPLITS, Row, Split
from train.sources.class_folders import ImageFile
from train.sources.grouping import UnionFind, group_sizes, shuffled
from train.sources.near_duplicates import NEAR_DUPLICATE_BITS, near_duplicate_pairs

SPLIT_SHARE = 0.15  # of the pictures of each class, for validation and for test
# Bits of 64. In a set of similar pictures (X-rays, labels of one product), chains of near-duplicates would join whole
# classes. Then smaller distances are tried, and finally only exact duplicates (None).
MAX_BITS = (NEAR_DUPLICATE_BITS, 8, 4, None)


@dataclass(frozen=True, slots=True)
class HashedPicture:
    """A decoded picture: SHA-256 of its file, and perceptual hash, None for a picture too small for one."""

    file: ImageFile
    digest: bytes
    perceptual_hash: int | None


@dataclass(frozen=True, slots=True)
class FolderSplit:
    """Rows of the manifest, the hash distance that defined near-duplicates, and the splits that were created."""

    rows: tuple[Row, ...]
    max_bits: int | None
    created: tuple[Split, ...]


def exclude_conflicting_copies(pictures: Sequence[HashedPicture]) -> tuple[list[HashedPicture], dict[str, str]]:
    """Return the usable pictures, and the reasons why the others are excluded, by path.

    Byte-identical copies with different labels are all excluded, since at least one label is wrong. Of copies in
    several splits of the folder, only those of the last split are kept, so that no test picture is trained on.
    """
    copies: dict[bytes, list[ImageFile]] = defaultdict(list)
    for picture in pictures:
        copies[picture.digest].append(picture.file)
    excluded: dict[str, str] = {}
    for same in copies.values():
        last = max(same, key=_split_order).split
        for file in same:
            if len({copy.label for copy in same}) > 1:
                excluded[file.path] = "the same picture is also in another class"
            elif file.split != last:
                excluded[file.path] = f"the same picture is also in {last}"
    return [picture for picture in pictures if picture.file.path not in excluded], excluded


def split_pictures(pictures: Sequence[HashedPicture], seed: int = 0) -> FolderSplit:
    """Assign the pictures to splits. Raises DataError when a class has too few different pictures to be split."""
    given = {picture.file.split for picture in pictures if picture.file.split}
    created: tuple[Split, ...] = tuple(split for split in ("test", "val") if split not in given)
    fixed = [picture for picture in pictures if picture.file.split and (picture.file.split != "train" or not created)]
    free = [picture for picture in pictures if not picture.file.split or (picture.file.split == "train" and created)]
    for max_bits in MAX_BITS:
        group_of = {**_groups(free, max_bits), **_groups(fixed, max_bits)}
        free_sizes = group_sizes(_labels(free), group_of)
        fixed_sizes = group_sizes(_labels(fixed), group_of)
        has_variety = all(_is_varied(sizes) for sizes in [*free_sizes.values(), *fixed_sizes.values()])
        if has_variety and not _too_few_groups(free_sizes, created):
            break
    if problems := _too_few_groups(free_sizes, created):
        raise DataError(
            f"too few different pictures to train on some and evaluate on others: {', '.join(problems)}; "
            f"each class needs at least {len(created) + 1} different ones: add more pictures"
        )
    split_of = {
        group: split for sizes in free_sizes.values() for group, split in _split_groups(sizes, created, seed).items()
    }
    rows = [_row(picture, group_of, split_of[group_of[picture.file.path]]) for picture in free]
    rows += [_row(picture, group_of, picture.file.split or "train") for picture in fixed]
    return FolderSplit(tuple(sorted(rows)), max_bits, tuple(split for split in SPLITS if split in created))


def _row(picture: HashedPicture, group_of: Mapping[str, str], split: Split) -> Row:
    return Row(picture.file.path, picture.file.label, split, group_of[picture.file.path])


def _split_order(file: ImageFile) -> int:
    return -1 if file.split is None else SPLITS.index(file.split)


def _groups(pictures: Sequence[HashedPicture], max_bits: int | None) -> dict[str, str]:
    """Return the group of each path. Pictures in a split of the folder are only grouped with others of that split."""
    keys = [picture.file.path for picture in pictures]
    groups = UnionFind(keys)
    first: dict[tuple[bytes, Split | None], int] = {}
    for number, picture in enumerate(pictures):
        groups.union(keys[first.setdefault((picture.digest, picture.file.split), number)], keys[number])
    if max_bits is not None:
        hashed = [number for number in first.values() if pictures[number].perceptual_hash is not None]
        hashes = [pictures[number].perceptual_hash or 0 for number in hashed]
        for i, j in near_duplicate_pairs(hashes, max_bits):
            if pictures[hashed[i]].file.split == pictures[hashed[j]].file.split:
                groups.union(keys[hashed[i]], keys[hashed[j]])
    return {key: groups.find(key) for key in keys}


def _labels(pictures: Sequence[HashedPicture]) -> dict[str, str]:
    return {picture.file.path: picture.file.label for picture in pictures}


def _is_varied(sizes: Mapping[str, int]) -> bool:
    """Return True when no group has more than half of the pictures."""
    return 2 * max(sizes.values(), default=0) <= sum(sizes.values())


def _too_few_groups(sizes: Mapping[str, Mapping[str, int]], created: Sequence[Split]) -> list[str]:
    """Return the labels with fewer groups than splits, with their number of groups."""
    return [f"{label} {len(groups)}" for label, groups in sorted(sizes.items()) if len(groups) <= len(created)]


def _split_groups(sizes: Mapping[str, int], created: Sequence[Split], seed: int) -> dict[str, Split]:
    """Fill each created split with whole groups up to its share, at least one group; the rest is train."""
    ranked = shuffled(sizes, seed)
    target = max(1, round(sum(sizes.values()) * SPLIT_SHARE))
    split_of: dict[str, Split] = {}
    for split in created:
        assigned = 0
        for group in ranked:
            if group not in split_of and assigned + sizes[group] <= target:
                split_of[group] = split
                assigned += sizes[group]
        if not assigned:
            smallest = min((group for group in ranked if group not in split_of), key=lambda group: sizes[group])
            split_of[smallest] = split
    return {group: split_of.get(group, "train") for group in ranked}
