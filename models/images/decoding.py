"""Decoding of untrusted bytes to upright RGB.

The order is the defence: size in bytes, then the format, then the number of pixels in the header. Only then is
anything decoded. Pillow's global settings are not changed.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from models.errors import EmptyFile, TooLarge, TooManyPixels, UnreadableImage, UnsupportedType
from models.images.formats import PILLOW_NAMES, format_titles, has_picture_signature

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The brightest value of the depths that sensors and programs use: fractions, then 8, 10, 12, 14 and 16 bits.
_FULL_SCALES = (1, 255, 1023, 4095, 16383, 65535)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one picture: bytes of the file, and pixels (width times height) of the decoded picture.

    Pillow refuses pictures of more than 178 million pixels, whatever `max_pixels` is.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000


DEFAULT_LIMITS = Limits()


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode a picture to `(H, W, 3)` uint8 RGB, turned upright by its EXIF orientation.

    Of animations the first frame is decoded. Transparency is flattened onto white, or onto black when everything
    visible is light. Values of more than 8 bits are scaled by their bit depth.

    Raises:
        EmptyFile: there are no bytes.
        TooLarge: there are more bytes than `limits.max_bytes`.
        UnsupportedType: the bytes are not in one of the formats of `models.images.formats`.
        TooManyPixels: the header has more than `limits.max_pixels` pixels; nothing was decoded.
        UnreadableImage: the format is known, but the picture is incomplete or damaged.

    """
    if not data:
        raise EmptyFile
    if len(data) > limits.max_bytes:
        raise TooLarge(limits.max_bytes, len(data))
    try:
        with _open(data) as image:
            if image.width * image.height > limits.max_pixels:
                raise TooManyPixels(limits.max_pixels, (image.width, image.height))
            image.load()
            return np.asarray(_upright(_to_rgb(image), _orientation(image)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(limits.max_pixels) from error
    except (UnsupportedType, TooManyPixels, MemoryError):
        raise
    except Exception as error:  # decoders fail in many ways on damaged bytes: struct.error, ValueError, OSError, …
        raise UnreadableImage from error


def _open(data: bytes) -> Image.Image:
    """Read the header only."""
    try:
        return Image.open(io.BytesIO(data), formats=PILLOW_NAMES)
    except OSError as error:  # includes Pillow's UnidentifiedImageError
        if has_picture_signature(data):
            raise
        raise UnsupportedType(format_titles("or")) from error


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata is no reason to refuse an intact picture
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    # ImageOps.exif_transpose rewrites the EXIF block, which fails on blocks with foreign content.
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_uint8(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        return _flatten(image.convert("RGBA"))
    return image.convert("RGB")


def _to_uint8(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale `(H, W)` grey values of 16 or 32 bits, or floats, to uint8.

    White is the brightest value of the smallest bit depth that holds all values. A 16-bit picture and its 8-bit copy
    give the same result, and 12 bits in a 16-bit file are neither black nor clipped. Above 16 bits, white is the
    brightest value found. Black is 0, or the darkest value when there are negative ones.
    """
    grey = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    grey -= min(0.0, float(grey.min()))
    brightest = float(grey.max())
    white = next((scale for scale in _FULL_SCALES if brightest <= scale), brightest)
    return np.rint(grey * (255 / white)).astype(np.uint8)


def _flatten(image: Image.Image) -> Image.Image:
    """Put an RGBA image on white, or on black when nothing dark is visible: light strokes would vanish on white.

    Drawing programs write white chalk on a transparent board. Visibility is weighted by alpha, because the colour of
    fully transparent pixels is arbitrary. One percent of dark pixels is enough for white: a thin digit on paper.
    """
    alpha = image.getchannel("A")
    weight = np.asarray(alpha)
    dark = np.asarray(image.convert("L")) < 128
    nothing_dark = weight[dark].sum(dtype=np.int64) < 0.01 * weight.sum(dtype=np.int64)
    flat = Image.new("RGB", image.size, "black" if nothing_dark else "white")
    flat.paste(image, mask=alpha)
    return flat
