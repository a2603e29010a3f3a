"""Decoding of untrusted bytes to upright RGB.

The order is the defence: size in bytes, then the header (`models.images.inspection`), the pixels and the memory that it
announces. Only then is anything decoded. Pillow's global settings are not changed.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import (
    EmptyFile,
    PictureError,
    TooLarge,
    TooManyPixels,
    TooMuchMemory,
    UnreadableImage,
    UnsupportedType,
)
from models.images.formats import PILLOW_NAMES, format_titles, has_picture_signature
from models.images.headers.header import Header
from models.images.inspection import inspect

# The brightest value of the depths that sensors and programs use: fractions, then 8, 10, 12, 14 and 16 bits.
_FULL_SCALES = (1, 255, 1023, 4095, 16383, 65535)
_BAND_PIXELS = 1 << 21  # pixels that are converted at once: copies of a band are small beside the picture
_TURNED = 5  # from this EXIF orientation on, rows are stored as columns
_STEPS = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (-1, 1), 7: (-1, -1), 8: (1, -1)}  # through rows and columns
_PREPARED_BYTES = 7  # for a pixel, while preprocessing shrinks the picture: 3 of the result, 4 of Pillow's copy
_RESIZE_BYTES = 32  # for a pixel of the longer side: Pillow's coefficients, 1.6 GB for a picture of one column
_REDUCTIONS = (8, 4, 2)  # libjpeg's, without cost


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one picture: bytes of the file, and pixels (width times height) of the decoded picture.

    Decoding takes at most 16 bytes of memory for each of `max_pixels`. Pillow refuses pictures of more than 178 million
    pixels, whatever `max_pixels` is.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000

    @property
    def max_decoded_bytes(self) -> int:
        """The memory that decoding may take: as much as WebP needs, the format that needs most."""
        return 16 * self.max_pixels


DEFAULT_LIMITS = Limits()
Suffices = Callable[[int, int], bool]  # True when a picture of this width and height has enough pixels


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS, suffices: Suffices | None = None) -> NDArray[np.uint8]:
    """Decode a picture to `(H, W, 3)` uint8 RGB, turned upright by its EXIF orientation.

    Of animations the first frame is decoded. Transparency is flattened onto white, or onto black when everything
    visible is light. Values of more than 8 bits are scaled by their bit depth.

    With `suffices`, a JPEG is decoded at 1/8, 1/4 or 1/2 of its sides when that many pixels are enough: it takes a
    fraction of the time. Other formats are always decoded at full size.

    Raises:
        EmptyFile: there are no bytes.
        TooLarge: there are more bytes than `limits.max_bytes`.
        UnsupportedType: the bytes are not in one of the formats of `models.images.formats`.
        TooManyPixels: the header has more than `limits.max_pixels` pixels; nothing was decoded.
        TooMuchMemory: decoding or shrinking would take more than `limits.max_decoded_bytes`, or than the process may.
        UnreadableImage: the format is known, but the picture is incomplete or damaged, or of a variant that costs much.

    """
    if not data:
        raise EmptyFile
    if len(data) > limits.max_bytes:
        raise TooLarge(limits.max_bytes, len(data))
    try:
        header = inspect(data)
        if header is None:
            raise UnsupportedType(format_titles("or"))
        if header.pixels > limits.max_pixels:
            raise TooManyPixels(limits.max_pixels, (header.width, header.height))
        prepared_bytes = _PREPARED_BYTES * header.pixels + _RESIZE_BYTES * max(header.width, header.height)
        if max(header.decoded_bytes, prepared_bytes) > limits.max_decoded_bytes:
            raise TooMuchMemory
        return _decode(header, suffices)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(limits.max_pixels) from _bare(error)
    except MemoryError as error:
        raise TooMuchMemory from _bare(error)
    except Exception as error:  # decoders fail in many ways on damaged bytes: struct.error, ValueError, OSError, …
        raise UnreadableImage from _bare(error)


def _bare(error: BaseException) -> BaseException:
    """Return the error without the frames that hold the picture: whoever keeps it must not keep the picture."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _decode(header: Header, suffices: Suffices | None) -> NDArray[np.uint8]:
    with _open(header.data) as image:
        if image.size != (header.width, header.height):  # the limits were compared with another picture
            raise UnreadableImage
        if suffices and image.format == "JPEG":
            _reduce(image, header.orientation, suffices)
        image.load()
        return _to_rgb(image, header.orientation)


def _open(data: bytes) -> Image.Image:
    """Read the header only."""
    try:
        return Image.open(io.BytesIO(data), formats=PILLOW_NAMES)
    except OSError as error:  # includes Pillow's UnidentifiedImageError
        if has_picture_signature(data):
            raise
        raise UnsupportedType(format_titles("or")) from _bare(error)


def _reduce(image: Image.Image, orientation: int, suffices: Suffices) -> None:
    """Let the decoder reduce the sides as far as the pixels suffice."""
    for reduction in _REDUCTIONS:
        width, height = image.width // reduction, image.height // reduction
        if suffices(*((height, width) if orientation >= _TURNED else (width, height))):
            image.draft(None, (width, height))
            return


def _to_rgb(image: Image.Image, orientation: int) -> NDArray[np.uint8]:
    """Convert a loaded picture in bands, so that only the result is as large as the picture."""
    turned = orientation >= _TURNED
    rgb = np.empty((image.width, image.height, 3) if turned else (image.height, image.width, 3), np.uint8)
    stored = _as_stored(rgb, orientation)
    convert = _converter(image)
    for top, band in _bands(image):
        stored[top : top + band.height] = convert(band)
    return rgb


def _as_stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return a view of an upright picture, `(H, W, 3)`, in the order in which the file stores its pixels."""
    down, across = _STEPS.get(orientation, (1, 1))
    return (upright.swapaxes(0, 1) if orientation >= _TURNED else upright)[::down, ::across]


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Return the picture cut into bands, each with its first row."""
    rows = max(1, _BAND_PIXELS // image.width)
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _converter(image: Image.Image) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """Return the conversion of a band, `(h, w, 3)` or broadcast to it. What it needs of the whole is measured first."""
    if image.mode.startswith(("I", "F")):
        scale = _Scale.of(image)
        return lambda band: scale.to_uint8(np.asarray(band))[..., None]
    if image.has_transparency_data:
        ground = "black" if _nothing_dark(image) else "white"
        return lambda band: _flatten(band.convert("RGBA"), ground)
    return lambda band: np.asarray(band if band.mode == "RGB" else band.convert("RGB"))


@dataclass(frozen=True, slots=True)
class _Scale:
    """The range of grey values of 16 or 32 bits, or floats, that becomes 0 to 255."""

    black: float
    white: float

    @classmethod
    def of(cls, image: Image.Image) -> "_Scale":
        """Find the range of a picture.

        White is the brightest value of the smallest bit depth that holds all values. A 16-bit picture and its 8-bit
        copy give the same result, and 12 bits in a 16-bit file are neither black nor clipped. Above 16 bits, white is
        the brightest value found. Black is 0, or the darkest value when there are negative ones.
        """
        ranges = [(float(grey.min()), float(grey.max())) for grey in (_finite(band) for _, band in _bands(image))]
        black = min(0.0, *(darkest for darkest, _ in ranges))
        brightest = max(brightest for _, brightest in ranges) - black
        return cls(black, next((scale for scale in _FULL_SCALES if brightest <= scale), brightest))

    def to_uint8(self, values: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Scale values `(h, w)` of the picture."""
        return np.rint((_finite(values) - self.black) * (255 / self.white)).astype(np.uint8)


def _finite(values: NDArray[np.generic] | Image.Image) -> NDArray[np.float64]:
    """Return the values as float64, 0 for those that are not a number."""
    return np.nan_to_num(np.asarray(values).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _nothing_dark(image: Image.Image) -> bool:
    """Return True when nothing dark is visible: light strokes would vanish on white.

    Drawing programs write white chalk on a transparent board. Visibility is weighted by alpha, because the colour of
    fully transparent pixels is arbitrary. One percent of dark pixels is enough for white: a thin digit on paper.
    """
    dark = visible = 0
    for _, band in _bands(image):
        rgba = band.convert("RGBA")
        weight = np.asarray(rgba.getchannel("A"))
        dark += int(weight[np.asarray(rgba.convert("L")) < 128].sum(dtype=np.int64))
        visible += int(weight.sum(dtype=np.int64))
    return dark < 0.01 * visible


def _flatten(rgba: Image.Image, ground: str) -> NDArray[np.uint8]:
    """Put an RGBA picture on a ground of one colour."""
    flat = Image.new("RGB", rgba.size, ground)
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return np.asarray(flat)
