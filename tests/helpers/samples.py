"""Small data sets in upstream's layouts."""

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from train.manifest import Row, Split, write_manifest
from train.sources.datasets import DIGIT, Dataset

Files = Mapping[str, bytes]  # by path


def write_files(folder: Path, files: Files) -> Path:
    """Write the files under the folder and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zip_bytes(files: Files) -> bytes:
    """A zip archive with the files in the order given."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tgz_bytes(files: Files) -> bytes:
    """A tar.gz archive with the files in the order given."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def scene(number: int, gain: float = 1.0, quality: int = 90) -> bytes:
    """A JPEG of a made-up scene; another gain or quality is another shot of the same scene."""
    coarse = np.random.default_rng(number).integers(0, 200, (8, 8, 3)).astype(np.float64)
    image = Image.fromarray((coarse * gain).clip(0, 255).astype(np.uint8)).resize((64, 48), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=quality)
    return stream.getvalue()


def flower_files() -> dict[str, bytes]:
    """20 scenes a class, every fourth of them photographed twice (`…b`), with the photographers' names."""
    files = {"flower_photos/LICENSE.txt": b"photo by someone\n"}
    for row, label in enumerate(("daisy", "dandelion", "roses", "sunflowers", "tulips")):
        for number in range(20):
            files[f"flower_photos/{label}/{number:02}a.jpg"] = scene(100 * row + number)
            if number % 4 == 0:
                files[f"flower_photos/{label}/{number:02}b.jpg"] = scene(100 * row + number, gain=1.15, quality=70)
    return files


def xray_files() -> dict[str, bytes]:
    """25 patients a class and kind with two pictures each in train, 2 in val, 5 in test; the numbering restarts."""
    files = {}
    for part, patients in (("train", range(1, 26)), ("val", range(26, 28)), ("test", range(1, 6))):
        for number in patients:
            for name in (
                f"NORMAL/IM-{number:04}-0001.jpeg",
                f"NORMAL/NORMAL2-IM-{number:04}-0001-0002.jpeg",
                f"PNEUMONIA/person{number}_bacteria_{number}.jpeg",
                f"PNEUMONIA/person{number}_bacteria_{number + 500}.jpeg",
                f"PNEUMONIA/person{number}_virus_{number + 900}.jpeg",
            ):
                files[f"chest_xray/{part}/{name}"] = f"{part} {name}".encode()
    return files


def idx(array: NDArray[np.uint8]) -> bytes:
    """The array as an idx file."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@dataclass(frozen=True)
class SmallMnist:
    """A small MNIST: what its four files hold, and the data set that names their checksums."""

    files: dict[str, bytes]
    pictures: NDArray[np.uint8]
    test_pictures: NDArray[np.uint8]
    dataset: Dataset

    @property
    def unpacked(self) -> dict[str, bytes]:
        """The four files without compression."""
        return {name.removesuffix(".gz"): gzip.decompress(content) for name, content in self.files.items()}


def small_mnist() -> SmallMnist:
    """120 training and 30 test pictures of noise."""
    random = np.random.default_rng(0)
    pictures, test_pictures = (random.integers(0, 256, (count, 28, 28), dtype=np.uint8) for count in (120, 30))
    labels, test_labels = (np.arange(count, dtype=np.uint8) % 10 for count in (120, 30))
    arrays = (pictures, labels, test_pictures, test_labels)
    files = {file.name: gzip.compress(idx(array), mtime=0) for file, array in zip(DIGIT.downloads, arrays, strict=True)}
    downloads = tuple(
        replace(file, md5=hashlib.md5(files[file.name], usedforsecurity=False).hexdigest()) for file in DIGIT.downloads
    )
    return SmallMnist(files, pictures, test_pictures, replace(DIGIT, downloads=downloads))


def printed_digits(directory: Path, each: Mapping[Split, int]) -> Path:
    """A task's folder with so many pictures of every printed digit in each split, and its manifest."""
    random = np.random.default_rng(0)
    rows = []
    for split, count in each.items():
        for label in "0123456789":
            folder = directory / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                path = folder / f"{number}.png"
                printed(label, random).save(path)
                relative = path.relative_to(directory).as_posix()
                rows.append(Row(relative, label, split, group=relative))
    write_manifest(directory, rows)
    return directory


def printed(digit: str, random: np.random.Generator) -> Image.Image:
    """A digit in print, of some size, place and slant, dark on light."""
    image = Image.new("L", (96, 96), 255)
    font = ImageFont.load_default(int(random.integers(40, 80)))
    x, y = random.integers(5, 35, 2)
    ImageDraw.Draw(image).text((x, y - 10), digit, fill=0, font=font)
    return image.rotate(float(random.uniform(-12, 12)), fillcolor=255)


def own_folder(counts: Mapping[str, int]) -> dict[str, bytes]:
    """So many scenes in each folder, no two alike."""
    return {
        f"{folder}/{number:03}.jpg": scene(1000 * index + number)
        for index, (folder, count) in enumerate(counts.items())
        for number in range(count)
    }
