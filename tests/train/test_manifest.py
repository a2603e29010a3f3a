"""The split manifest and the pictures that it names."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.errors import DataError
from train.manifest import Row, read_manifest, read_picture, write_manifest

ROWS = [
    Row("val/roses/b.jpg", "roses", "val", "roses/b.jpg"),
    Row("train/año, 1/a.jpg", "año, 1", "train", 'the "first"'),
]


def test_a_manifest_comes_back_sorted(tmp_path: Path) -> None:
    write_manifest(tmp_path, ROWS)
    assert read_manifest(tmp_path) == sorted(ROWS)


def test_a_manifest_is_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    content = write_manifest(tmp_path, ROWS).read_bytes()
    assert write_manifest(tmp_path, ROWS[::-1]).read_bytes() == content
    assert (
        content
        == (
            'path,label,split,group\n"train/año, 1/a.jpg","año, 1",train,"the ""first"""\n'
            "val/roses/b.jpg,roses,val,roses/b.jpg\n"
        ).encode()
    )


def test_a_missing_manifest_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run `python -m train fetch flower` first"):
        read_manifest(tmp_path / "flower")


@pytest.mark.parametrize(
    "content", ["", "a,b\n", "path,label,split,group\na,b,train\n", "path,label,split,group\na,b,exam,c\n"]
)
def test_what_is_no_manifest_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(content)
    with pytest.raises(DataError, match=r"fetch .* again"):
        read_manifest(tmp_path)


def test_a_picture_of_a_file_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "00000").write_bytes(b"bytes")
    assert read_picture(tmp_path, "train/00000") == b"bytes"


def test_a_picture_of_the_array_is_a_png_of_it(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    np.save(tmp_path / "train.npy", pictures)
    for index in range(3):
        with Image.open(io.BytesIO(read_picture(tmp_path, f"train/0000{index}"))) as image:
            assert image.format == "PNG"
            np.testing.assert_array_equal(np.asarray(image), pictures[index])


@pytest.mark.parametrize("path", ["train/00003", "train/x", "test/00000", "train/roses/00000"])
def test_a_picture_that_is_not_there_is_an_error(path: str, tmp_path: Path) -> None:
    np.save(tmp_path / "train.npy", np.zeros((3, 28, 28), np.uint8))
    with pytest.raises(DataError, match=f"{path} is missing"):
        read_picture(tmp_path, path)
