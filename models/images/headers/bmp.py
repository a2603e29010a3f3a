"""The header of a BMP."""

from struct import unpack_from

from models.errors import UnreadableImage
from models.images.headers.header import Header

_RUN_LENGTH = (1, 2)  # RLE8 and RLE4
_OLD_HEADER = 12  # bytes of OS/2's header, which has no compression
_BYTES_PER_PIXEL = 8  # 4 in Pillow, 3 in the result


def read_bmp(data: bytes) -> Header:
    """Read the size, and refuse run-length encoding: Pillow decodes it in Python, a second a megabyte.

    Raises UnreadableImage, and struct.error for a text that begins with the same two letters.
    """
    (header,) = unpack_from("<L", data, 14)
    if header == _OLD_HEADER:
        width, height = unpack_from("<HH", data, 18)
    else:
        width, height, _, _, compression = unpack_from("<llHHL", data, 18)
        if compression in _RUN_LENGTH:
            raise UnreadableImage
    width, height = abs(width), abs(height)  # a negative height: stored from top to bottom
    return Header(data, width, height, _BYTES_PER_PIXEL * width * height)
