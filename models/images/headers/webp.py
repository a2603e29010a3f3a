"""The header of a WebP."""

from struct import unpack_from

from models.errors import UnreadableImage
from models.images.headers.header import Header
from models.images.headers.orientation import EXIF_BYTES, read_orientation

MAX_CHUNKS = 10_000  # to look for metadata in: an animation has one a frame
# libwebp holds two canvases of 4 bytes a pixel, Pillow a copy of one and the picture.
_BYTES_PER_PIXEL = 16


def read_webp(data: bytes) -> Header:
    """Read the canvas, for which libwebp takes memory as soon as Pillow opens the file. Raises UnreadableImage."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = unpack_from("<L", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in unpack_from("<HH", data, 26))
    else:
        raise UnreadableImage
    exif, xmp = _metadata(data) if kind == b"VP8X" else (b"", b"")
    return Header(data, width, height, _BYTES_PER_PIXEL * width * height, read_orientation(exif, xmp))


def _metadata(data: bytes) -> tuple[bytes, bytes]:
    """Return the EXIF and the XMP block, empty where there is none."""
    exif = xmp = b""
    position = 12
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(data) or (exif and xmp):
            break
        body, length = position + 8, int.from_bytes(data[position + 4 : position + 8], "little")
        if data.startswith(b"EXIF", position):
            exif = data[body : min(body + length, body + EXIF_BYTES)]
        elif data.startswith(b"XMP ", position):
            xmp = data[body : body + length]
        position = body + length + length % 2
    return exif, xmp
