"""The header of a PNG: its chunks."""

import zlib
from struct import unpack_from

from models.errors import UnreadableImage
from models.images.headers.header import Header
from models.images.headers.orientation import EXIF_BYTES, read_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Pillow parses every chunk in Python. Encoders write 8 kB and more to a chunk: 2,500 in 20 MB.
MAX_CHUNKS = 50_000
_DECODED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_XMP = b"XML:com.adobe.xmp\x00"
_HEX_EXIF = b"Raw profile type exif\x00"  # of ImageMagick: the block in hexadecimal, in a compressed text
# Pillow decodes to 4 bytes a pixel at most; the result has 3.
_BYTES_PER_PIXEL = 8


def read_png(data: bytes) -> Header:
    """Read the header and drop every chunk that is not needed to decode the first frame. Raises UnreadableImage.

    The dropped chunks hold texts and colour profiles, which decompress to a thousand times their size, EXIF, and the
    frames of an animation.
    """
    first, width, height = unpack_from(">4sLL", data, 12)
    if first != b"IHDR":
        raise UnreadableImage
    kept = [SIGNATURE]
    exif = xmp = b""
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(data):
            break
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        body, end = position + 8, position + 12 + length
        if kind in _DECODED:
            if kind == b"IHDR" and len(kept) > 1:
                raise UnreadableImage
            kept.append(data[position:end])
            if kind == b"IEND":
                break
        elif kind == b"eXIf":
            exif = data[body : min(body + length, body + EXIF_BYTES)]
        elif kind == b"iTXt" and data.startswith(_XMP, body):
            xmp = _international_text(data[body + len(_XMP) : body + length])
        elif kind == b"zTXt" and not exif and data.startswith(_HEX_EXIF, body):
            exif = _hex_exif(data[body + len(_HEX_EXIF) + 1 : body + length])
        position = end
    else:
        raise UnreadableImage
    return Header(b"".join(kept), width, height, _BYTES_PER_PIXEL * width * height, read_orientation(exif, xmp))


def _international_text(body: bytes) -> bytes:
    compressed, rest = body[:1] == b"\x01", body[2:].split(b"\x00", 2)
    if len(rest) < 3:
        return b""
    return _inflated(rest[2], EXIF_BYTES) if compressed else rest[2]


def _hex_exif(body: bytes) -> bytes:
    """Decode a profile: a line break, its name, its length, and lines of hexadecimal digits."""
    lines = _inflated(body, 3 * EXIF_BYTES).split(b"\n", 3)
    try:
        return bytes.fromhex(lines[-1].decode("ascii")) if len(lines) == 4 else b""
    except ValueError:
        return b""


def _inflated(compressed: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(compressed, limit)
    except zlib.error:
        return b""
