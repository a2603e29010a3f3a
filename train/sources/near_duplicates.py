"""Near-duplicates: pictures of one scene, found by their 64-bit perceptual hashes.

Two shots of one flower, or one photo saved twice, have hashes that differ in few bits (pHash: Zauner, "Implementation
and benchmarking of perceptual image hash functions", 2010). All arithmetic after decoding uses integers, so a hash is
the same on any machine.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from train.errors import DataError

HASH_SIDE = 32  # a picture is resized to HASH_SIDE x HASH_SIDE grey pixels
FREQUENCIES = 8  # the hash compares its FREQUENCIES x FREQUENCIES lowest frequencies

# Pictures whose hashes differ in up to this many of 64 bits form one group. Among the flower pairs, those up to 8 bits
# nearly all show one scene, those at 10 bits one in four, at 12 bits one in twenty, at 14 bits none of the sample.
# Grouping different scenes costs nothing (the largest group at 12 bits has 9 photos); separating duplicates leaks.
NEAR_DUPLICATE_BITS = 12


def _cosines() -> NDArray[np.int64]:
    """Return the lowest rows of the DCT-II, (FREQUENCIES, HASH_SIDE), in units of 1/16384, for exact integer sums."""
    return np.array(
        [
            [round(16384 * math.cos(math.pi * row * (2 * x + 1) / (2 * HASH_SIDE))) for x in range(HASH_SIDE)]
            for row in range(FREQUENCIES)
        ],
        dtype=np.int64,
    )


_COSINES = _cosines()


def perceptual_hash_of_file(path: Path) -> int:
    """Return the 64-bit hash of a picture file. Raises DataError when it cannot be decoded."""
    try:
        with Image.open(path) as image:
            return perceptual_hash(image)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} is not a readable picture: remove it or fetch the data again") from error


def perceptual_hash(image: Image.Image) -> int:
    """Return the 64-bit hash of an open picture."""
    grey = image.convert("L").resize((HASH_SIDE, HASH_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(grey, dtype=np.int64)  # (HASH_SIDE, HASH_SIDE)
    frequencies = (_COSINES @ pixels @ _COSINES.T).ravel()  # (FREQUENCIES²,)
    median = np.median(frequencies[1:])  # without the mean brightness, which does not depend on the scene
    return int("".join("1" if frequency > median else "0" for frequency in frequencies), 2)


def near_duplicate_pairs(hashes: Sequence[int], max_bits: int) -> list[tuple[int, int]]:
    """Return the pairs of indices, i < j, whose hashes differ in up to `max_bits` bits."""
    bits = np.array(hashes, dtype=np.uint64)
    pairs: list[tuple[int, int]] = []
    for i in range(len(bits) - 1):
        similar = np.flatnonzero(np.bitwise_count(bits[i + 1 :] ^ bits[i]) <= max_bits)
        pairs.extend((i, i + 1 + int(j)) for j in similar)
    return pairs
