"""Validation that warns: the validation pictures as another hospital or another camera would have taken them.

Validation by patient still shares the machine, the exposure and the habits of its hospital with training, and
looks too good. These fixed alterations need no picture from elsewhere; epochs are judged on them as well.
"""

import io
from collections.abc import Callable, Mapping
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Picture = NDArray[np.uint8]


def shifted(pictures: Picture) -> Picture:
    """One altered copy of each picture, `(N, H, W, C)` uint8: the alterations take turns."""
    return np.stack([alter(picture) for alter, picture in zip(cycle(ALTERATIONS.values()), pictures, strict=False)])


def _through(change: Callable[[Image.Image], Image.Image]) -> Callable[[Picture], Picture]:
    def alter(picture: Picture) -> Picture:
        gray = picture.shape[-1] == 1
        image = change(Image.fromarray(picture[..., 0] if gray else picture))
        altered: Picture = np.asarray(image, np.uint8).reshape(picture.shape)
        return altered

    return alter


def _levels(values: NDArray[np.floating]) -> Picture:
    levels: Picture = np.rint(values).astype(np.uint8)
    return levels


def _darker(picture: Picture) -> Picture:
    return _levels(255 * (picture / 255) ** 1.6)


def _lighter(picture: Picture) -> Picture:
    return _levels(255 * (picture / 255) ** 0.6)


def _flatter(picture: Picture) -> Picture:
    return _levels(picture * 0.55 + 50)


def _equalized(picture: Picture) -> Picture:
    histogram = np.bincount(picture.ravel(), minlength=256)
    equalized: Picture = _levels(255 * np.cumsum(histogram) / picture.size)[picture]
    return equalized


def _cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    box = (0.08 * width, 0.08 * height, 0.92 * width, 0.92 * height)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=box)


def _padded(image: Image.Image) -> Image.Image:
    width, height = image.size
    inner = image.resize((round(0.86 * width), round(0.9 * height)), Image.Resampling.BICUBIC)
    canvas = Image.new(image.mode, image.size)
    canvas.paste(inner, ((width - inner.width) // 2, (height - inner.height) // 2))
    return canvas


def _blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(image.width / 160))


def _recompressed(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=20)
    return Image.open(stream).convert(image.mode)


ALTERATIONS: Mapping[str, Callable[[Picture], Picture]] = {
    "darker": _darker,
    "lighter": _lighter,
    "flatter": _flatter,
    "equalized": _equalized,
    "cropped": _through(_cropped),
    "padded": _through(_padded),
    "blurred": _through(_blurred),
    "recompressed": _through(_recompressed),
}
