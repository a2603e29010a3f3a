"""The header of a GIF: its blocks up to the first frame."""

import re
from struct import unpack_from

from models.errors import UnreadableImage
from models.images.headers.header import Header

MAX_BLOCKS = 100_000  # 20 MB of comments are 78,000 blocks
_BLOCK = re.compile(rb"[!,;]")
_CONTROL = 0xF9  # the extension with the frame's transparent colour
_DISPOSAL = 0b00011100
# Palette indices, which become RGBA when one colour is transparent, and the result.
_BYTES_PER_PIXEL = 8


def read_gif(data: bytes) -> Header:
    """Read the size, and drop the extensions before the first frame: comments cost time in the square of their size.

    The picture is as large as the screen and the first frame together. Raises UnreadableImage.
    """
    width, height, flags = unpack_from("<HHB", data, 6)
    start = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    control, position = b"", start
    for _ in range(MAX_BLOCKS):
        found = _BLOCK.search(data, position)
        if found is None or found[0] == b";":
            raise UnreadableImage  # no frame
        position = found.end()
        if found[0] == b",":
            left, top, across, down = unpack_from("<HHHH", data, position)
            width, height = max(width, left + across), max(height, top + down)
            kept = data[:start] + control + data[position - 1 :]
            return Header(kept, width, height, _BYTES_PER_PIXEL * width * height)
        label, first = data[position], position + 1
        position = _after_blocks(data, first)
        if label == _CONTROL and data[first] >= 4:
            # Pillow fills a picture for the frame's disposal before its size is known.
            control = b"!\xf9" + data[first : first + 1] + bytes([data[first + 1] & ~_DISPOSAL])
            control += data[first + 2 : first + 1 + data[first]] + b"\x00"
    raise UnreadableImage


def _after_blocks(data: bytes, position: int) -> int:
    """Return the position after the blocks of an extension. Raises UnreadableImage."""
    for _ in range(MAX_BLOCKS):
        length = data[position]
        position += 1 + length
        if length == 0:
            return position
    raise UnreadableImage
