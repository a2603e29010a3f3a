"""Groups of pictures that must stay in one split, and a reproducible random order of them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping


class UnionFind:
    """Disjoint sets of keys. A set is named after its first key in sorting order.

    >>> groups = UnionFind(["a", "b", "c"]); groups.union("c", "b"); groups.find("c")
    'b'
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._parent: dict[str, str] = {key: key for key in keys}

    def union(self, one: str, other: str) -> None:
        """Merge the sets of both keys."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first

    def find(self, key: str) -> str:
        """Return the name of the key's set."""
        while (parent := self._parent[key]) != key:
            self._parent[key] = self._parent[parent]  # path halving
            key = parent
        return key


def group_sizes(label_of: Mapping[str, str], group_of: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return label → group → number of pictures, from the label and the group of each picture's key.

    A group with several labels belongs to the most frequent one. Every label has an entry, which may be empty.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for key, label in label_of.items():
        counts[group_of[key]][label] += 1
    sizes: dict[str, dict[str, int]] = {label: {} for label in label_of.values()}
    for group, labels in counts.items():
        label = min(labels, key=lambda label: (-labels[label], label))
        sizes[label][group] = labels.total()
    return sizes


def shuffled(groups: Iterable[str], seed: int) -> list[str]:
    """Return the groups ordered by the SHA-256 of seed and name: the same order on any machine."""
    return sorted(groups, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
