"""Corruptions: fixed changes of a picture that imitate another camera, scanner or hospital.

Validation pictures come from the same place as the training pictures, even with a split by patient. They share the
machine, the exposure and other habits, so their metrics are too optimistic. Metrics on corrupted copies show how robust
a network is without pictures from elsewhere (corruption robustness, Hendrycks and Dietterich 2019, arXiv 1903.12261).
"""

import io
from collections.abc import Callable, Mapping
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Picture = NDArray[np.uint8]  # (H, W, C)
Corruption = Callable[[Picture], Picture]


def corrupted_copies(pictures: Picture) -> Picture:
    """Return one corrupted copy of each picture, `(N, H, W, C)` uint8. The corruptions of `CORRUPTIONS` take turns."""
    return np.stack([corrupt(picture) for corrupt, picture in zip(cycle(CORRUPTIONS.values()), pictures, strict=False)])


def _with_pillow(change: Callable[[Image.Image], Image.Image]) -> Corruption:
    def corrupt(picture: Picture) -> Picture:
        gray = picture.shape[-1] == 1
        image = change(Image.fromarray(picture[..., 0] if gray else picture))
        corrupted: Picture = np.asarray(image, np.uint8).reshape(picture.shape)
        return corrupted

    return corrupt


def _to_uint8(values: NDArray[np.floating]) -> Picture:
    rounded: Picture = np.rint(values).astype(np.uint8)
    return rounded


def _darker(picture: Picture) -> Picture:
    return _to_uint8(255 * (picture / 255) ** 1.6)


def _lighter(picture: Picture) -> Picture:
    return _to_uint8(255 * (picture / 255) ** 0.6)


def _low_contrast(picture: Picture) -> Picture:
    return _to_uint8(picture * 0.55 + 50)


def _equalized(picture: Picture) -> Picture:
    histogram = np.bincount(picture.ravel(), minlength=256)
    equalized: Picture = _to_uint8(255 * np.cumsum(histogram) / picture.size)[picture]
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


CORRUPTIONS: Mapping[str, Corruption] = {
    "darker": _darker,
    "lighter": _lighter,
    "flatter": _low_contrast,  # the name in published reports
    "equalized": _equalized,
    "cropped": _with_pillow(_cropped),
    "padded": _with_pillow(_padded),
    "blurred": _with_pillow(_blurred),
    "recompressed": _with_pillow(_recompressed),
}
