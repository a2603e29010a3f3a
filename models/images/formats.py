"""The picture formats that Vistazo reads: the only list of them.

Each format is a decoder that strangers can reach, so the other thirty that Pillow knows stay closed.
"""

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """One picture format.

    `signatures` are the first bytes of its files, as `(offset, bytes)` pairs that must all match. They tell a damaged
    picture from a file that never was one. A format whose signature is too short to be reliable has none.
    """

    pillow_name: str
    title: str  # for people
    suffixes: tuple[str, ...]
    mime_types: tuple[str, ...]
    signatures: tuple[tuple[tuple[int, bytes], ...], ...]


FORMATS = (
    PictureFormat("PNG", "PNG", (".png",), ("image/png",), (((0, b"\x89PNG\r\n\x1a\n"),),)),
    # Multi-picture JPEGs of phones (MPO) have the same signature; their first picture is read.
    PictureFormat("JPEG", "JPEG", (".jpg", ".jpeg"), ("image/jpeg",), (((0, b"\xff\xd8\xff"),),)),
    PictureFormat("WEBP", "WebP", (".webp",), ("image/webp",), (((0, b"RIFF"), (8, b"WEBP")),)),
    PictureFormat("GIF", "GIF", (".gif",), ("image/gif",), (((0, b"GIF87a"),), ((0, b"GIF89a"),))),
    PictureFormat("BMP", "BMP", (".bmp",), ("image/bmp",), ()),  # two letters only: a text may begin with them
    PictureFormat("TIFF", "TIFF", (".tif", ".tiff"), ("image/tiff",), (((0, b"II*\x00"),), ((0, b"MM\x00*"),))),
)
PILLOW_NAMES = tuple(known.pillow_name for known in FORMATS)
SUFFIXES = frozenset(suffix for known in FORMATS for suffix in known.suffixes)


def has_picture_suffix(path: PurePath) -> bool:
    """Return True when the file name ends like a picture's, in any case."""
    return path.suffix.lower() in SUFFIXES


def has_picture_signature(data: bytes) -> bool:
    """Return True when the bytes begin like a picture's."""
    return any(
        all(data.startswith(start, offset) for offset, start in parts)
        for known in FORMATS
        for parts in known.signatures
    )


def format_titles(last_word: str) -> str:
    """Return the formats' titles as a list in a sentence: `PNG, JPEG, … or TIFF` for `last_word` `or`."""
    titles = [known.title for known in FORMATS]
    return f"{', '.join(titles[:-1])} {last_word} {titles[-1]}"
