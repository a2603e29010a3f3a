"""The orientation of a picture, the only metadata that Vistazo uses.

Pillow's `getexif` reads every tag to give this one, and copies what each tag points at: thousands of tags that share a
range of a megabyte cost gigabytes.
"""

import re
import struct

ORIENTATION = 274  # the EXIF and TIFF tag
EXIF_BYTES = 65_536  # of a block that are read: a JPEG segment holds no more
_TYPES = {1: "B", 3: "H", 4: "L"}  # the types of EXIF that can hold it: BYTE, SHORT and LONG
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


def read_orientation(exif: bytes, xmp: bytes) -> int:
    """Return the orientation, 1 to 8: from the EXIF block, else from the XMP block, else 1 (upright).

    Damaged metadata are no reason to refuse an intact picture: the result is 1 then.
    """
    try:
        orientation = _from_exif(exif)
    except struct.error:
        orientation = None
    if orientation is None:
        match = _XMP.search(xmp)
        orientation = int(match[1]) if match else 1
    return orientation if 1 <= orientation <= 8 else 1


def _from_exif(exif: bytes) -> int | None:
    """Return the value of the tag in the first directory, or None. Raises struct.error for a damaged block."""
    block = exif.removeprefix(b"Exif\x00\x00")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return None
    (start,) = struct.unpack_from(order + "L", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", block, entry)
        if tag == ORIENTATION and kind in _TYPES:
            return int(struct.unpack_from(order + _TYPES[kind], block, entry + 8)[0])
    return None
