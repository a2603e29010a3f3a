"""Inspection of untrusted bytes before a decoder sees them.

Pillow parses metadata while it opens a file, and some of its decoders take memory or time that the size of the picture
does not show. Everything here takes time and memory in proportion to the file, whatever is in it.
"""

import struct
from collections.abc import Callable
from contextlib import suppress

from models.errors import UnreadableImage
from models.images.formats import has_picture_signature
from models.images.headers.bmp import read_bmp
from models.images.headers.gif import read_gif
from models.images.headers.header import Header
from models.images.headers.jpeg import read_jpeg
from models.images.headers.png import read_png
from models.images.headers.tiff import read_tiff
from models.images.headers.webp import read_webp

_READERS = {
    b"\x89PNG\r\n\x1a\n": read_png,
    b"\xff\xd8\xff": read_jpeg,
    b"GIF87a": read_gif,
    b"GIF89a": read_gif,
    b"BM": read_bmp,
    b"II*\x00": read_tiff,
    b"MM\x00*": read_tiff,
    b"II+\x00": read_tiff,  # BigTIFF
    b"II\x00*": read_tiff,  # this and the next: written by mistake, and read by Pillow
    b"MM*\x00": read_tiff,
}


def inspect(data: bytes) -> Header | None:
    """Read the header of a picture, and drop what decoding does not need. None: not one of the formats.

    Raises UnreadableImage when the header is damaged or asks for more than the picture needs.
    """
    read = _reader(data)
    if read is None:
        return None
    with suppress(struct.error, IndexError, OverflowError):
        return read(data)
    if has_picture_signature(data):
        raise UnreadableImage
    return None  # a text that begins like a BMP


def _reader(data: bytes) -> Callable[[bytes], Header] | None:
    if data.startswith(b"RIFF") and data.startswith(b"WEBP", 8):
        return read_webp
    return next((read for signature, read in _READERS.items() if data.startswith(signature)), None)
