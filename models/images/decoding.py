"""From the bytes of a picture to upright RGB, without trusting the bytes.

The order is the defence: size in bytes, then the format, then the number of pixels that the header announces, and
only then is anything decoded. Pillow's global settings stay as they are.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from models.errors import EmptyFile, TooLarge, TooManyPixels, UnreadableImage, UnsupportedType

# What cameras, browsers, scanners and drawing programs write. Each format is a decoder that strangers can reach, so
# the other thirty that Pillow knows stay shut. Several-picture JPEGs (MPO, from phones) come in by the JPEG door.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
# How the files of those formats begin, to tell a damaged picture from what never was one. BMP's two letters are not
# here: a text may begin with them.
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")

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
    """What a picture may cost: bytes of the file, and pixels (width times height) of the decoded picture.

    Above 178 million pixels Pillow's own limit refuses the picture, whatever `max_pixels` says.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000


DEFAULT_LIMITS = Limits()


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode a picture to `(H, W, 3)` uint8 RGB, turned upright as its EXIF orientation says.

    Of animations the first frame is taken. Transparency is flattened onto white, or onto black where all that is
    visible is light. Values of more than 8 bits are scaled by their bit depth.

    Raises:
        EmptyFile: there are no bytes.
        TooLarge: there are more bytes than `limits.max_bytes`.
        UnsupportedType: the bytes are not one of `FORMATS`.
        TooManyPixels: the header announces more than `limits.max_pixels`; nothing was decoded.
        UnreadableImage: the format is known, but the picture is cut short or damaged.

    """
    if not data:
        raise EmptyFile("The file is empty; choose another one.")
    if len(data) > limits.max_bytes:
        raise TooLarge(
            f"The file has {len(data):,} bytes and the limit is {limits.max_bytes:,}; send a smaller picture."
        )
    try:
        with _open(data) as image:
            if image.width * image.height > limits.max_pixels:
                raise _too_many_pixels(f"{image.width}×{image.height}", limits)  # noqa: RUF001
            image.load()
            return np.asarray(_upright(_to_rgb(image), _orientation(image)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels("too many", limits) from error
    except (UnsupportedType, TooManyPixels, MemoryError):
        raise
    except Exception as error:  # decoders fail in many ways on damaged bytes: struct.error, ValueError, OSError, …
        raise UnreadableImage(
            "The picture is damaged or of a rare variant; save it again as PNG or JPEG and send that."
        ) from error


def _open(data: bytes) -> Image.Image:
    """Read the header only."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except OSError as error:  # Pillow's UnidentifiedImageError among them
        if data.startswith(_SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
            raise
        raise UnsupportedType(
            f"The file is not a picture that Vistazo reads; send one of {', '.join(FORMATS)}."
        ) from error


def _too_many_pixels(found: str, limits: Limits) -> TooManyPixels:
    return TooManyPixels(
        f"The picture has {found} pixels and the limit is {limits.max_pixels:,}; send a smaller picture."
    )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata must not cost the person a picture that is whole
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    # Not ImageOps.exif_transpose: it writes the EXIF block anew, which fails on blocks with foreign content.
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_bytes(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        return _flatten(image.convert("RGBA"))
    return image.convert("RGB")


def _to_bytes(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale `(H, W)` grey values of 16 or 32 bits, or floats, to uint8.

    White is the brightest value of the smallest bit depth that holds all values, so that a 16-bit picture and its
    8-bit copy come out the same, and 12 bits in a 16-bit file come out neither black nor clipped. Beyond 16 bits
    white is the brightest value found; black is 0, or the darkest value where there are negative ones.
    """
    grey = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    grey -= min(0.0, float(grey.min()))
    brightest = float(grey.max())
    white = next((scale for scale in _FULL_SCALES if brightest <= scale), brightest)
    return np.rint(grey * (255 / white)).astype(np.uint8)


def _flatten(image: Image.Image) -> Image.Image:
    """Put RGBA on white; on black where nothing dark is visible, since light strokes on white would vanish.

    Drawing tools give white chalk on a transparent board. Visible is weighted by alpha: the colour under fully
    transparent pixels is arbitrary. One dark hundredth is enough for white: a thin digit on a sheet of paper.
    """
    alpha = image.getchannel("A")
    weight = np.asarray(alpha)
    dark = np.asarray(image.convert("L")) < 128
    nothing_dark = weight[dark].sum(dtype=np.int64) < 0.01 * weight.sum(dtype=np.int64)
    flat = Image.new("RGB", image.size, "black" if nothing_dark else "white")
    flat.paste(image, mask=alpha)
    return flat
