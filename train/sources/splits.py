"""Split of upstream's pictures into train, validation and test by group, so that no group is in two splits.

Groups are ranked by the SHA-256 of seed and group name, independent of the order of the files, so a seed gives the
same manifest on any machine.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from train.errors import DataError
from train.manifest import Row, Split
from train.sources.grouping import UnionFind, group_sizes, shuffled
from train.sources.near_duplicates import NEAR_DUPLICATE_BITS, near_duplicate_pairs, perceptual_hash_of_file

_PATIENT = re.compile(
    r"person(?P<person>\d+)_(?P<kind>bacteria|virus)_"  # Kaggle's copy
    r"|(?:NORMAL2-)?IM-(?P<normal>\d+)-"
    r"|(?P<disease>BACTERIA|VIRUS|NORMAL)-(?P<patient>\d+)-"  # the authors' later edition
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in upstream's layout. `upstream_split` is empty where upstream has no splits."""

    file: Path
    upstream_split: str
    label: str

    @property
    def key(self) -> str:
        """Path in upstream's layout, the same on every machine."""
        return "/".join(filter(None, (self.upstream_split, self.label, self.file.name)))


Assignment = list[tuple[Picture, Row]]  # pictures with their rows in the manifest


def split_by_patient(pictures: Sequence[Picture], validation: float, seed: int) -> Assignment:
    """Split chest X-rays: upstream's test pictures stay test, a share `validation` of the other patients becomes val.

    Upstream restarts the numbering of patients in its test folder, so `test/virus-7` and `virus-7` are two people; its
    train and val folders share one numbering. Patients with byte-identical pictures count as one. A picture outside
    the test folder is excluded when its patient also has pictures inside it, or when a copy has another label.

    Raises DataError for a file name without a patient.
    """
    patients = {picture.key: _patient(picture) for picture in pictures}
    groups = UnionFind(patients.values())
    copies = _exact_duplicates(pictures)
    for same in copies:
        for other in same[1:]:
            groups.union(patients[same[0].key], patients[other.key])
    group_of = {key: groups.find(patient) for key, patient in patients.items()}
    test_groups = {group_of[picture.key] for picture in pictures if picture.upstream_split == "test"}
    contradictory = _contradictory(copies)
    free = [
        picture
        for picture in pictures
        if picture.upstream_split != "test"
        and group_of[picture.key] not in test_groups
        and picture.key not in contradictory
    ]
    split_of: dict[str, Split] = dict.fromkeys(test_groups, "test")
    for sizes in group_sizes({picture.key: picture.label for picture in free}, group_of).values():
        split_of |= split_by_hash(sizes, validation, seed)  # the share is of patients, not of pictures
    test = [picture for picture in pictures if picture.upstream_split == "test"]
    return _assign_rows([*free, *test], group_of, split_of)


def split_by_near_duplicate(pictures: Sequence[Picture], validation: float, test: float, seed: int) -> Assignment:
    """Split photos without an official split by groups of near-duplicates: shares of the pictures of each class.

    Byte-identical copies with different labels are excluded.
    """
    contradictory = _contradictory(_exact_duplicates(pictures))
    usable = sorted(
        (picture for picture in pictures if picture.key not in contradictory), key=lambda picture: picture.key
    )
    keys = [picture.key for picture in usable]
    groups = UnionFind(keys)
    # Byte-identical copies have the same hash, so this joins them too.
    hashes = [perceptual_hash_of_file(picture.file) for picture in usable]
    for i, j in near_duplicate_pairs(hashes, NEAR_DUPLICATE_BITS):
        groups.union(keys[i], keys[j])
    group_of = {key: groups.find(key) for key in keys}
    split_of = {
        group: split
        for sizes in group_sizes({picture.key: picture.label for picture in usable}, group_of).values()
        for group, split in _split_groups(sizes, validation, test, seed)
    }
    return _assign_rows(usable, group_of, split_of)


def split_by_hash(groups: Iterable[str], validation: float, seed: int) -> dict[str, Split]:
    """Assign a share `validation` of the groups to val and the rest to train, whatever their size."""
    return dict(_split_groups(dict.fromkeys(groups, 1), validation, 0, seed))


def _split_groups(sizes: Mapping[str, int], validation: float, test: float, seed: int) -> list[tuple[str, Split]]:
    """Assign groups to test, then val, until each has its share of the pictures; the rest is train."""
    total = sum(sizes.values())
    assigned = 0
    result: list[tuple[str, Split]] = []
    for group in shuffled(sizes, seed):
        split: Split = "train"
        if assigned < round(total * test):
            split = "test"
        elif assigned < round(total * (test + validation)):
            split = "val"
        assigned += sizes[group]
        result.append((group, split))
    return result


def _assign_rows(pictures: Iterable[Picture], group_of: Mapping[str, str], split_of: Mapping[str, Split]) -> Assignment:
    assignment = []
    taken: dict[str, str] = {}
    for picture in sorted(pictures, key=lambda picture: picture.key):
        group = group_of[picture.key]
        split = split_of[group]
        path = f"{split}/{picture.label}/{picture.file.name}"
        if path in taken:
            raise DataError(f"{taken[path]} and {picture.key} would both become {path}: rename one of them")
        taken[path] = picture.key
        assignment.append((picture, Row(path, picture.label, split, group)))
    return assignment


def _patient(picture: Picture) -> str:
    match = _PATIENT.match(picture.file.name)
    if match is None:
        raise DataError(
            f"the file name of {picture.key} has no patient number (expected personN_virus_M, IM-N-M, BACTERIA-N-M or "
            "similar): is this the chest X-ray set of Kermany et al.?"
        )
    # IM-N and NORMAL2-IM-N may or may not be one child. In one group they cannot leak.
    kind = (match["kind"] or match["disease"] or "normal").lower()
    number = int(match["person"] or match["normal"] or match["patient"])
    return f"{'test/' if picture.upstream_split == 'test' else ''}{kind}-{number}"


def _exact_duplicates(pictures: Iterable[Picture]) -> list[list[Picture]]:
    """Return the sets of two or more byte-identical pictures."""
    by_content: dict[bytes, list[Picture]] = defaultdict(list)
    for picture in pictures:
        with picture.file.open("rb") as stream:
            by_content[hashlib.file_digest(stream, "sha256").digest()].append(picture)
    return [same for same in by_content.values() if len(same) > 1]


def _contradictory(copies: Iterable[Sequence[Picture]]) -> set[str]:
    """Return the keys of the copies with different labels."""
    return {picture.key for same in copies if len({picture.label for picture in same}) > 1 for picture in same}
