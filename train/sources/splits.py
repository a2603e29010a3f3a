"""Which picture goes to train, validation and test: by group, so that nothing known of one is in another.

The choice is made by ranking SHA-256 of seed and group name, never by the order in which files were found, so the
same seed gives the same manifest on any machine.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from train.errors import DataError
from train.manifest import Row, Split
from train.sources.near_duplicates import Groups, near_pairs, perceptual_hash

# Bits of 64 in which two photos may differ and still be held together. Of the flower pairs at 8 or fewer nearly all
# are the same scene, at 10 a quarter, at 12 one in twenty, at 14 none of those looked at. Holding strangers together
# costs nothing (the largest group at 12 has 9 photos), tearing twins apart does.
NEAR = 12

_PATIENT = re.compile(
    r"person(?P<person>\d+)_(?P<kind>bacteria|virus)_"  # Kaggle's copy
    r"|(?:NORMAL2-)?IM-(?P<normal>\d+)-"
    r"|(?P<disease>BACTERIA|VIRUS|NORMAL)-(?P<patient>\d+)-"  # the authors' later edition
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as upstream lays it out. `part` is upstream's own split, empty where it has none."""

    file: Path
    part: str
    label: str

    @property
    def key(self) -> str:
        """Its place in upstream's layout, the same on every machine."""
        return "/".join(filter(None, (self.part, self.label, self.file.name)))


Placed = list[tuple[Picture, Row]]


def by_patient(pictures: Sequence[Picture], validation: float, seed: int) -> Placed:
    """Chest X-rays: upstream's test stays test; `validation` of the other patients, class by class, is val.

    Upstream numbers patients anew in its test folder, so `test/virus-7` and `virus-7` are two people; its train and
    val folders share one numbering. Patients with byte-identical pictures are held to be one. A picture outside the
    test folder whose patient is found to be inside it, or whose copy has another label, is left out.

    Raises DataError for a file name without patient.
    """
    patients = {picture.key: _patient(picture) for picture in pictures}
    groups = Groups(patients.values())
    copies = _copies(pictures)
    for same in copies:
        for other in same[1:]:
            groups.join(patients[same[0].key], patients[other.key])
    group_of = {key: groups.name(patient) for key, patient in patients.items()}
    tested = {group_of[picture.key] for picture in pictures if picture.part == "test"}
    contradictory = {picture.key for same in copies if _disagree(same) for picture in same}
    free = [
        picture
        for picture in pictures
        if picture.part != "test" and group_of[picture.key] not in tested and picture.key not in contradictory
    ]
    split_of: dict[str, Split] = dict.fromkeys(tested, "test")
    for members in _by_label(free, group_of).values():
        split_of |= by_rank(members, validation, seed)  # the share is of patients, not of pictures
    kept = [*free, *(picture for picture in pictures if picture.part == "test")]
    return _place(kept, group_of, split_of)


def by_near_duplicate(pictures: Sequence[Picture], validation: float, test: float, seed: int) -> Placed:
    """Photos without official split: shares of the pictures of each class, dealt by group of near-duplicates.

    Byte-identical copies with different labels are left out.
    """
    copies = _copies(pictures)
    contradictory = {picture.key for same in copies if _disagree(same) for picture in same}
    kept = sorted(
        (picture for picture in pictures if picture.key not in contradictory), key=lambda picture: picture.key
    )
    keys = [picture.key for picture in kept]
    groups = Groups(keys)
    # Byte-identical copies have the same hash, so this joins them too.
    for i, j in near_pairs([perceptual_hash(picture.file) for picture in kept], NEAR):
        groups.join(keys[i], keys[j])
    group_of = {key: groups.name(key) for key in keys}
    split_of = {
        group: split
        for sizes in _by_label(kept, group_of).values()
        for group, split in _deal(sizes, validation, test, seed)
    }
    return _place(kept, group_of, split_of)


def by_rank(groups: Iterable[str], validation: float, seed: int) -> dict[str, Split]:
    """Pictures of which nothing is known but the official test split: `validation` of the groups is val."""
    return dict(_deal(dict.fromkeys(groups, 1), validation, 0, seed))


def _deal(sizes: Mapping[str, int], validation: float, test: float, seed: int) -> list[tuple[str, Split]]:
    """Deal groups of the given sizes to test, then val, until each has its share of the whole; the rest is train."""
    total = sum(sizes.values())
    dealt = 0
    result: list[tuple[str, Split]] = []
    for group in sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest()):
        split: Split = "train"
        if dealt < round(total * test):
            split = "test"
        elif dealt < round(total * (test + validation)):
            split = "val"
        dealt += sizes[group]
        result.append((group, split))
    return result


def _by_label(pictures: Iterable[Picture], group_of: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """The groups of each label with their number of pictures; a group belongs to its most frequent label."""
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for picture in pictures:
        labels[group_of[picture.key]][picture.label] += 1
    strata: dict[str, dict[str, int]] = defaultdict(dict)
    for group, counts in labels.items():
        label = min(counts, key=lambda label: (-counts[label], label))
        strata[label][group] = counts.total()
    return strata


def _place(pictures: Iterable[Picture], group_of: Mapping[str, str], split_of: Mapping[str, Split]) -> Placed:
    placed = []
    taken: dict[str, str] = {}
    for picture in sorted(pictures, key=lambda picture: picture.key):
        group = group_of[picture.key]
        split = split_of[group]
        path = f"{split}/{picture.label}/{picture.file.name}"
        if path in taken:
            raise DataError(f"{taken[path]} and {picture.key} have one name: rename one of them in the source")
        taken[path] = picture.key
        placed.append((picture, Row(path, picture.label, split, group)))
    return placed


def _patient(picture: Picture) -> str:
    match = _PATIENT.match(picture.file.name)
    if match is None:
        raise DataError(
            f"{picture.key} names no patient (personN_virus_M, IM-N-M, BACTERIA-N-M and the like are known): is this "
            "the chest X-ray set of Kermany et al.?"
        )
    # IM-N and NORMAL2-IM-N may or may not be one child; held together they cannot leak.
    kind = (match["kind"] or match["disease"] or "normal").lower()
    number = int(match["person"] or match["normal"] or match["patient"])
    return f"{'test/' if picture.part == 'test' else ''}{kind}-{number}"


def _copies(pictures: Iterable[Picture]) -> list[list[Picture]]:
    """The sets of two or more byte-identical pictures."""
    by_content: dict[bytes, list[Picture]] = defaultdict(list)
    for picture in pictures:
        with picture.file.open("rb") as stream:
            by_content[hashlib.file_digest(stream, "sha256").digest()].append(picture)
    return [same for same in by_content.values() if len(same) > 1]


def _disagree(pictures: Iterable[Picture]) -> bool:
    return len({picture.label for picture in pictures}) > 1
