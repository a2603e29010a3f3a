"""Which pictures show the same scene: 64-bit perceptual hashes, compared bit by bit.

Two shots of one flower, or one photo saved twice, hash to nearly the same bits (the pHash of Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010). All arithmetic after decoding is on
integers, so the bits are the same on any machine.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from train.errors import DataError

SIDE = 32  # the picture is compared as SIDE x SIDE grey pixels
KEPT = 8  # and as its KEPT x KEPT lowest frequencies


def _cosines() -> NDArray[np.int64]:
    """The lowest rows of the DCT-II, (KEPT, SIDE), in 1/16384ths: whole numbers make sums exact in any order."""
    return np.array(
        [
            [round(16384 * math.cos(math.pi * row * (2 * x + 1) / (2 * SIDE))) for x in range(SIDE)]
            for row in range(KEPT)
        ],
        dtype=np.int64,
    )


_COSINES = _cosines()


def perceptual_hash(picture: Path) -> int:
    """The 64-bit hash of a picture; raises DataError when it cannot be decoded."""
    try:
        with Image.open(picture) as image:
            return hash_of(image)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{picture} is not a picture that can be read: remove it or fetch the data again") from error


def hash_of(image: Image.Image) -> int:
    """The 64-bit hash of a picture that is open."""
    grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(grey, dtype=np.int64)  # (SIDE, SIDE)
    frequencies = (_COSINES @ pixels @ _COSINES.T).ravel()  # (KEPT²,)
    median = np.median(frequencies[1:])  # the first is the mean brightness, which says nothing about the scene
    return int("".join("1" if frequency > median else "0" for frequency in frequencies), 2)


def near_pairs(hashes: Sequence[int], distance: int) -> list[tuple[int, int]]:
    """The pairs of indices, i < j, whose hashes differ in at most `distance` bits."""
    bits = np.array(hashes, dtype=np.uint64)
    pairs: list[tuple[int, int]] = []
    for i in range(len(bits) - 1):
        near = np.flatnonzero(np.bitwise_count(bits[i + 1 :] ^ bits[i]) <= distance)
        pairs.extend((i, i + 1 + int(j)) for j in near)
    return pairs


class Groups:
    """Keys that belong together (union-find). A group is called by its first key in sorting order.

    >>> groups = Groups(["a", "b", "c"]); groups.join("c", "b"); groups.name("c")
    'b'
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._parent: dict[str, str] = {key: key for key in keys}

    def join(self, one: str, other: str) -> None:
        """Put both keys, and all that are joined to them, into one group."""
        first, second = sorted((self.name(one), self.name(other)))
        self._parent[second] = first

    def name(self, key: str) -> str:
        """The name of the key's group."""
        while (parent := self._parent[key]) != key:
            self._parent[key] = self._parent[parent]  # halves the way for the next time
            key = parent
        return key
