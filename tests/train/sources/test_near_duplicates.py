"""Perceptual hashes: shots of one scene are near, other scenes are not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.samples import scene
from train.errors import DataError
from train.sources.grouping import UnionFind
from train.sources.near_duplicates import NEAR_DUPLICATE_BITS, near_duplicate_pairs, perceptual_hash_of_file


def hash_of(content: bytes, folder: Path) -> int:
    path = folder / "picture.jpg"
    path.write_bytes(content)
    return perceptual_hash_of_file(path)


@pytest.mark.parametrize("number", range(10))
def test_another_shot_of_the_scene_is_near_and_other_scenes_are_not(number: int, tmp_path: Path) -> None:
    one = hash_of(scene(number), tmp_path)
    again = hash_of(scene(number, gain=1.15, quality=60), tmp_path)
    other = hash_of(scene(number + 1), tmp_path)
    assert (one ^ again).bit_count() <= NEAR_DUPLICATE_BITS < (one ^ other).bit_count()


def test_the_hash_is_the_same_everywhere(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    picture = tmp_path / "picture.png"
    Image.fromarray(((x * x + 3 * x * y + y * y * y) % 251).astype(np.uint8)).save(picture)
    assert f"{perceptual_hash_of_file(picture):016x}" == "868501896d7e76af"


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"picture\.jpg is not a readable picture"):
        hash_of(scene(0)[:200], tmp_path)


def test_near_pairs_are_those_within_the_distance() -> None:
    hashes = [0b0000, 0b0001, 0b0111, 1 << 63]
    assert near_duplicate_pairs(hashes, 1) == [(0, 1), (0, 3)]
    assert near_duplicate_pairs(hashes, 2) == [(0, 1), (0, 3), (1, 2), (1, 3)]
    assert near_duplicate_pairs([], 2) == []


def test_groups_grow_by_chains_and_are_named_in_any_order_alike() -> None:
    joins = [("e", "d"), ("b", "c"), ("d", "c")]
    for order in (joins, joins[::-1]):
        groups = UnionFind("fedcba")
        for one, other in order:
            groups.union(one, other)
        assert {key: groups.find(key) for key in "abcdef"} == dict(zip("abcdef", "abbbbf", strict=True))
