"""MNIST's format, and files that are not in it."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.samples import idx
from train.errors import DataError
from train.sources.idx import read_idx

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("name", ["pictures", "pictures.gz"])
def test_an_idx_file_comes_back_as_its_array(name: str, tmp_path: Path) -> None:
    content = idx(ARRAY)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    np.testing.assert_array_equal(read_idx(tmp_path / name, dimensions=3), ARRAY)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x00", b"GIF89a" * 10, idx(ARRAY[0]), idx(ARRAY)[:-1], idx(ARRAY) + b"0"],
    ids=["empty", "short", "other", "dimensions", "cut", "longer"],
)
def test_what_is_no_idx_file_of_pictures_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_bytes(content)
    with pytest.raises(DataError, match="download it again"):
        read_idx(tmp_path / "pictures", dimensions=3)
