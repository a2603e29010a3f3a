"""The header of a TIFF: its first directory."""

import struct
from dataclasses import dataclass
from math import ceil
from struct import unpack_from

from models.errors import UnreadableImage
from models.images.headers.header import Header
from models.images.headers.orientation import ORIENTATION, read_orientation

MAX_ENTRIES = 1_000
MAX_BLOCKS = 100_000  # strips or tiles
MIN_TILE_SIDE = 1024  # a small picture may have a tile of this side; others, of twice their own
# None, LZW, JPEG, deflate (two numbers), PackBits and Zstandard. Others are refused. Fax (2, 3, 4): libtiff writes a
# line to stderr for each damaged row. LZMA: the file names the memory that its decoder takes. WebP and the old kind of
# JPEG: the size is given a second time inside.
_COMPRESSIONS = (1, 5, 7, 8, 32946, 32773, 50000)

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _PLANES = 256, 257, 258, 259, 277, 284
_STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_COUNTS = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_XMP = 700
_SCALARS = (_WIDTH, _HEIGHT, _COMPRESSION, _SAMPLES, _PLANES, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_HEIGHT, ORIENTATION)
# Everything that decoding uses. Further: photometric interpretation, fill order, predictor, palette, extra samples,
# sample format, JPEG tables, YCbCr. Orientation is applied by us: Pillow would copy the picture.
_DECODED = frozenset({*_SCALARS, _BITS, _STRIP_OFFSETS, _STRIP_COUNTS, _TILE_OFFSETS, _TILE_COUNTS}) - {ORIENTATION} | {
    *(262, 266, 317, 320, 338, 339, 347, 529, 530, 531, 532)
}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "L", 16: "Q"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the directory: its own bytes, and where its values begin in the file."""

    raw: bytes
    kind: int
    count: int
    start: int


def read_tiff(data: bytes) -> Header:
    """Check the first directory and reduce it to the tags that decoding uses. Raises UnreadableImage.

    Refused are values outside the file, values that together exceed it (so they overlap: Pillow copies each), tiles
    that exceed the picture, and compressions that cannot be bounded.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = data[2] == 43
    directory, entries = _read_directory(data, order, big)
    scalars = {tag: _values(data, order, entries[tag])[0] for tag in _SCALARS if tag in entries}
    if _WIDTH not in scalars or _HEIGHT not in scalars or scalars.get(_COMPRESSION, 1) not in _COMPRESSIONS:
        raise UnreadableImage
    width, height = scalars[_WIDTH], scalars[_HEIGHT]
    block_bytes = _largest_block(data, order, entries, scalars)
    kept = _reduced(entries, order, big, scalars.get(_ROWS_PER_STRIP, 0), height)
    orientation = scalars.get(ORIENTATION)
    if orientation is None or not 1 <= orientation <= 8:
        xmp = entries.get(_XMP)
        orientation = read_orientation(b"", data[xmp.start : xmp.start + xmp.count] if xmp else b"")
    return Header(
        data=_with_directory(data, order, big, directory, kept),
        width=width,
        height=height,
        # Pillow has 4 bytes a pixel, and besides them the block that is being decoded, or the result.
        decoded_bytes=4 * width * height + max(3 * width * height, block_bytes),
        orientation=orientation,
    )


def _read_directory(data: bytes, order: str, big: bool) -> tuple[int, dict[int, _Entry]]:
    """Return where the first directory begins, and its entries by tag. Raises UnreadableImage and struct.error."""
    (directory,) = unpack_from(order + ("Q" if big else "L"), data, 8 if big else 4)
    (count,) = unpack_from(order + ("Q" if big else "H"), data, directory)
    form, size, inline = (order + "HHQ8s", 20, 8) if big else (order + "HHL4s", 12, 4)
    first = directory + (8 if big else 2)
    if directory < 8 or count > MAX_ENTRIES or first + size * count > len(data):
        raise UnreadableImage
    entries: dict[int, _Entry] = {}
    outside = 0
    for position in range(first, first + size * count, size):
        tag, kind, values, field = unpack_from(form, data, position)
        if kind not in _SIZES:  # Pillow ignores such entries
            continue
        length, start = _SIZES[kind] * values, position + size - inline
        if length > inline:
            (start,) = unpack_from(order + ("Q" if big else "L"), field)
            outside += length
            if start + length > len(data):
                raise UnreadableImage
        if tag in _DECODED and (values > MAX_BLOCKS or tag in entries):
            raise UnreadableImage
        entries[tag] = _Entry(data[position : position + size], kind, values, start)
    if outside > len(data):
        raise UnreadableImage
    return directory, entries


def _values(data: bytes, order: str, entry: _Entry) -> tuple[int, ...]:
    """Return the integers of an entry, of which there is one or one a sample. Raises UnreadableImage."""
    if entry.kind not in _INTEGERS or not 1 <= entry.count <= MAX_ENTRIES:
        raise UnreadableImage
    return unpack_from(f"{order}{entry.count}{_INTEGERS[entry.kind]}", data, entry.start)


def _largest_block(data: bytes, order: str, entries: dict[int, _Entry], scalars: dict[int, int]) -> int:
    """Return the bytes of a decoded strip or tile. Raises UnreadableImage when it exceeds the picture."""
    width, height = scalars[_WIDTH], scalars[_HEIGHT]
    samples = scalars.get(_SAMPLES, 1)
    bits = _values(data, order, entries[_BITS]) if _BITS in entries else (1,)
    bytes_per_pixel = max(4, ceil((bits[0] * samples if len(bits) == 1 else sum(bits)) / 8))
    if _TILE_WIDTH in scalars and _TILE_HEIGHT in scalars:
        across, down = scalars[_TILE_WIDTH], scalars[_TILE_HEIGHT]
        if across > max(MIN_TILE_SIDE, 2 * width) or down > max(MIN_TILE_SIDE, 2 * height):
            raise UnreadableImage
    else:
        across, down = width, min(scalars.get(_ROWS_PER_STRIP, height), height)
    if 0 in (across, down) or ceil(width / across) * ceil(height / down) > MAX_BLOCKS:
        raise UnreadableImage
    return across * down * bytes_per_pixel


def _reduced(entries: dict[int, _Entry], order: str, big: bool, rows: int, height: int) -> list[bytes]:
    """Return the entries that decoding uses. A strip that is said to be higher than the picture becomes as high."""
    kept = {tag: entry.raw for tag, entry in entries.items() if tag in _DECODED}
    if _ROWS_PER_STRIP in kept and rows > height:
        # Of the type LONG; in a BigTIFF its four bytes are followed by four unused ones.
        kept[_ROWS_PER_STRIP] = struct.pack(order + ("HHQL4x" if big else "HHLL"), _ROWS_PER_STRIP, 4, 1, height)
    return list(kept.values())


def _with_directory(data: bytes, order: str, big: bool, directory: int, entries: list[bytes]) -> bytes:
    """Return the file with another, shorter first directory in its place, and no further one."""
    changed = bytearray(data)
    count = struct.pack(order + ("Q" if big else "H"), len(entries))
    written = count + b"".join(entries) + bytes(8 if big else 4)
    changed[directory : directory + len(written)] = written
    return bytes(changed)
