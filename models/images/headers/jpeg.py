"""The header of a JPEG: its segments and its scans."""

import re
from collections.abc import Iterator

from models.errors import UnreadableImage
from models.images.headers.header import Header
from models.images.headers.orientation import EXIF_BYTES, read_orientation

MAX_SEGMENTS = 2_000  # 20 MB of metadata in segments of 64 kB are 306; a scan of a progressive picture has two or three
MAX_SCANS = 100  # encoders write 10 or so; each costs a pass over the picture, however short it is
MAX_SCANNED_PIXELS = 1_500_000_000  # scans times pixels: 30 scans at 50 megapixels, two seconds of one core

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # not escaped bytes, restart markers or padding
_TEM, _SOI, _EOI, _SOS = 0x01, 0xD8, 0xD9, 0xDA
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF0 to SOF15; the exceptions are tables
_SEQUENTIAL = (0xC0, 0xC1)
_APP1 = 0xE1
# JFIF (APP0) and Adobe's segment (APP14) tell the colour space. The others and comments (0xFE) are metadata.
_METADATA = frozenset({*range(0xE1, 0xF0), 0xFE} - {0xEE})
_EXIF, _XMP = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"


def read_jpeg(data: bytes) -> Header:
    """Walk the segments up to the end of the first picture, and drop the metadata. Raises UnreadableImage.

    What comes after the end of the picture is not looked at: phones append videos and further pictures.
    """
    segments = _segments(data)
    kept = [data[:2]]
    exif = xmp = b""
    width = height = components = 0
    several_scans = True
    for marker, start, body, end in segments:
        if marker == _SOS:
            kept.append(data[start:])
            several_scans = several_scans or data[body] != components  # each scan holds some of the components
            break
        if marker not in _METADATA:
            kept.append(data[start:end])
            if marker in _FRAMES:
                height, width = (int.from_bytes(data[at : at + 2], "big") for at in (body + 1, body + 3))
                components, several_scans = data[body + 5], marker not in _SEQUENTIAL
        elif marker == _APP1 and data.startswith(_EXIF, body):  # a block may be split over segments
            exif += data[body + len(_EXIF) : min(end, body + EXIF_BYTES - len(exif))]
        elif marker == _APP1 and data.startswith(_XMP, body):
            xmp = data[body + len(_XMP) : end]
    else:
        raise UnreadableImage
    pixels = width * height
    if several_scans:
        scans = 1 + sum(marker == _SOS for marker, _, _, _ in segments)
        if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
            raise UnreadableImage
    # With several scans the decoder holds 2 bytes a sample until the last one. Pillow has 4 bytes a pixel, we add 3.
    decoded_bytes = pixels * (4 + max(3, 2 * components if several_scans else 0))
    return Header(b"".join(kept), width, height, decoded_bytes, read_orientation(exif, xmp))


def _segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the marker of each segment, and where the segment, its body and the next one begin.

    Ends with the first picture, or where the file is cut short. Raises UnreadableImage.
    """
    position = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None or data[found.end() - 1] == _EOI:
            return
        position = found.end()
        marker = data[position - 1]
        if marker in (_TEM, _SOI):  # without a length
            continue
        body, end = position + 2, position + int.from_bytes(data[position : position + 2], "big")
        if end < body:
            raise UnreadableImage
        yield marker, found.start(), body, end
        position = end
    raise UnreadableImage
