"""Headers are read by hand: the orientation is found, metadata are dropped, and ordinary pictures are not refused."""

import gc
import io
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from benchmarks.attacks.pictures import jpeg_of_many_scans, tiff_with_a_large_tile
from models.errors import PictureError, TooMuchMemory, UnreadableImage, UnsupportedType
from models.images import decoding
from models.images.decoding import Limits, decode
from models.images.headers.header import Header
from models.images.inspection import inspect

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
NOISE = Image.fromarray(PIXELS)
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = "a description"
    return block.tobytes()


def sideways(kind: str) -> bytes:
    """A picture whose XMP alone says that it is turned."""
    if kind == "PNG":
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
        return encode(NOISE, kind, pnginfo=texts)
    return encode(NOISE, kind, **({"tiffinfo": {700: XMP}} if kind == "TIFF" else {"xmp": XMP}))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_orientation_in_xmp_alone_is_found(kind: str) -> None:
    assert decode(sideways(kind)).shape == (60, 40, 3)


def test_a_hexadecimal_profile_of_imagemagick_has_the_orientation() -> None:
    block, texts = exif(8), PngInfo()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    assert decode(encode(NOISE, "PNG", pnginfo=texts)).shape == (60, 40, 3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_is_found_in_both_byte_orders(kind: str, order: str) -> None:
    mark = {"<": b"II", ">": b"MM"}[order]
    block = mark + struct.pack(order + "HLHHHLHH", 42, 8, 1, 274, 3, 1, 6, 0) + bytes(4)
    assert decode(encode(NOISE, kind, exif=b"Exif\x00\x00" + block)).shape == (60, 40, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("cut", range(6, 40, 3))
def test_a_cut_off_exif_block_leaves_the_picture_as_it_is(kind: str, cut: int) -> None:
    assert decode(encode(NOISE, kind, exif=exif(6)[:cut])).shape in {(40, 60, 3), (60, 40, 3)}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_pillow_sees_no_metadata(kind: str) -> None:
    description = b"a description"
    data = encode(NOISE, kind, exif=exif(6))
    assert description in data
    header = inspect(data)
    assert header is not None
    with Image.open(io.BytesIO(header.data)) as image:
        assert {0x010E, 0x0112}.isdisjoint(image.getexif())
        assert np.array_equal(decode(data), np.rot90(np.asarray(image), -1))


@pytest.mark.parametrize("band_pixels", [1, 100, 10_000])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "I", "F", "CMYK"])
def test_bands_give_what_the_whole_picture_gives(mode: str, band_pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).integers(0, 3000, (40, 60)).astype(np.int32)
    image = Image.fromarray(values).convert(mode) if mode in ("I", "F", "I;16") else NOISE.convert(mode)
    data = encode(image, "TIFF", exif=exif(6))
    whole = decode(data)
    monkeypatch.setattr(decoding, "_BAND_PIXELS", band_pixels)
    assert np.array_equal(decode(data), whole)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits", "zstd"])
def test_the_usual_tiffs_are_read(compression: str, big: bool) -> None:
    pixels = decode(encode(NOISE, "TIFF", compression=compression, big_tiff=big))
    assert pixels.shape == (40, 60, 3)
    assert compression == "jpeg" or np.array_equal(pixels, PIXELS)


@pytest.mark.parametrize("side", [128, 256, 512])
def test_a_small_tiff_in_one_usual_tile_is_read(side: int) -> None:
    tile = np.zeros((side, side, 3), np.uint8)
    tile[:40, :60] = PIXELS
    assert np.array_equal(decode(tiled(tile.tobytes(), side)), PIXELS)


def test_a_tile_that_exceeds_the_picture_is_refused() -> None:
    with pytest.raises(UnreadableImage):
        decode(tiff_with_a_large_tile())
    with pytest.raises(UnreadableImage):
        decode(tiled(bytes(3 * 1040**2), 1040))


def tiled(tile: bytes, side: int) -> bytes:
    """NOISE's size as a TIFF with one tile."""
    tags = [(256, 60), (257, 40), (259, 1), (262, 2), (277, 3), (322, side), (323, side), (325, len(tile))]
    start = 8 + 2 + 12 * (len(tags) + 2) + 4
    entries = [(tag, 4, 1, value) for tag, value in [*tags, (324, start + 6)]] + [(258, 3, 3, start)]
    directory = b"".join(struct.pack("<HHLL", *entry) for entry in sorted(entries))
    return b"II*\x00" + struct.pack("<LH", 8, len(entries)) + directory + bytes(4) + struct.pack("<HHH", 8, 8, 8) + tile


def test_a_tiff_whose_values_lie_outside_or_overlap_is_refused() -> None:
    plain = encode(NOISE, "TIFF", tiffinfo={315: "x" * 3000, 316: "y" * 3000})
    entry = plain.index(struct.pack("<HHL", 315, 2, 3001))
    assert decode(plain).shape == (40, 60, 3)
    for count in (len(plain), len(plain) - 8):  # past the end; within the file, but over the other values
        changed = plain[: entry + 4] + struct.pack("<LL", count, 8) + plain[entry + 12 :]
        with pytest.raises(UnreadableImage):
            decode(changed)


def test_a_strip_that_is_said_to_be_endless_is_read() -> None:
    whole = encode(NOISE, "TIFF", compression="tiff_lzw", tiffinfo={278: 2**32 - 1})
    assert np.array_equal(decode(whole), PIXELS)


def test_bytes_behind_a_jpeg_are_not_looked_at() -> None:
    """Phones append a video, whose bytes look like thousands of scans."""
    progressive = encode(NOISE, "JPEG", progressive=True)
    assert np.array_equal(decode(progressive + 5000 * b"\xff\xda\x00\x02"), decode(progressive))


@pytest.mark.parametrize(("scans", "readable"), [(80, True), (101, False)])
def test_the_scans_of_a_jpeg_are_counted(scans: int, readable: bool) -> None:
    data = jpeg_of_many_scans(scans, side=64)
    if readable:
        assert decode(data).shape == (64, 64, 3)
    else:
        with pytest.raises(UnreadableImage):
            decode(data)


def test_a_large_jpeg_may_have_fewer_scans() -> None:
    assert decode(jpeg_of_many_scans(80, side=1000)).shape == (1000, 1000, 3)
    with pytest.raises(UnreadableImage):
        decode(jpeg_of_many_scans(80, side=5000))


@pytest.mark.parametrize("filler", [b"\xff\xc4\x00\x02", b"\xff\x01", b"\xff\xfe\x00\x03x"])
def test_a_jpeg_of_nothing_but_small_segments_is_refused(filler: bytes) -> None:
    plain = encode(NOISE, "JPEG")
    with pytest.raises(UnreadableImage):
        decode(plain[:2] + 19_000_000 // len(filler) * filler + plain[2:])


def test_what_decoding_would_take_is_counted_before_it_is_taken() -> None:
    """A picture of 24 megapixels in a tile of four times the size: 2,880 MB of samples with 16 bits."""
    tags = [(256, 5000), (257, 4800), (259, 1), (262, 2), (277, 4), (322, 9984), (323, 9600), (324, 8), (325, 8)]
    start = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = sorted([(tag, 4, 1, value) for tag, value in tags] + [(258, 3, 4, start)])
    data = b"II*\x00" + struct.pack("<LH", 8, len(entries)) + b"".join(struct.pack("<HHLL", *tag) for tag in entries)
    with pytest.raises(TooMuchMemory):
        decode(data + bytes(4) + struct.pack("<HHHH", 16, 16, 16, 16), Limits(max_pixels=30_000_000))


def test_a_png_that_hides_its_size_behind_another_chunk_is_refused() -> None:
    plain = encode(NOISE, "PNG")
    hidden = b"\x00\x00\x00\x08teXt" + struct.pack(">LL", 1, 1) + bytes(4)
    with pytest.raises(UnreadableImage):
        decode(plain[:8] + hidden + plain[8:])


def test_a_picture_of_another_size_than_was_counted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def smaller(data: bytes) -> Header:
        return Header(data, 30, 40, decoded_bytes=0)

    monkeypatch.setattr(decoding, "inspect", smaller)
    with pytest.raises(UnreadableImage):
        decode(encode(NOISE, "PNG"))


@pytest.mark.parametrize("data", [b"RIFF\x04\x00\x00\x00WAVEfmt ", b"BM", b"BM is a text"])
def test_a_file_that_begins_like_a_picture_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedType):
        decode(data)


REFUSED: dict[str, Callable[[bytes], object]] = {
    "cut short": lambda data: decode(data[: len(data) // 2]),
    "too many pixels": lambda data: decode(data, Limits(max_pixels=9)),
    "no picture": lambda data: decode(b"x" + data),
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize("refuse", REFUSED.values(), ids=REFUSED)
def test_a_refused_picture_is_freed_at_once_even_while_its_error_is_kept(
    kind: str, refuse: Callable[[bytes], object]
) -> None:
    data = encode(NOISE, kind)
    references = sys.getrefcount(data)
    gc.collect()
    gc.disable()  # a reference cycle would stay
    try:
        before = images()
        error = refusal(refuse, data)
        assert images() == before
        assert sys.getrefcount(data) == references
        assert error.__traceback__ is None
    finally:
        gc.enable()


def images() -> int:
    """The number of pictures in memory."""
    return sum(isinstance(found, Image.Image) for found in gc.get_objects())


def refusal(refuse: Callable[[bytes], object], data: bytes) -> PictureError:
    """The error, without the frames that it went through."""
    try:
        refuse(data)
    except PictureError as error:
        return error.with_traceback(None)
    raise AssertionError("the picture was not refused")
