"""Bytes of strangers become upright RGB, or one of our errors."""

import io
import random
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from models.errors import EmptyFile, PictureError, TooLarge, TooManyPixels, UnreadableImage, UnsupportedType
from models.images.decoding import Limits, decode
from models.images.formats import PILLOW_NAMES

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colours(width: int = 60, height: int = 40) -> Image.Image:
    """Four quarters: red and green above, blue and white below."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces its size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def assert_colour(pixel: NDArray[np.uint8], colour: tuple[int, int, int], tolerance: int = 0) -> None:
    assert np.abs(pixel.astype(int) - colour).max() <= tolerance, (pixel, colour)


@pytest.mark.parametrize("kind", PILLOW_NAMES)
def test_every_accepted_format_decodes_to_rgb(kind: str) -> None:
    pixels = decode(encode(colours(), kind))
    assert pixels.shape == (40, 60, 3)
    assert pixels.dtype == np.uint8
    for position, colour in (((9, 9), RED), ((9, 50), GREEN), ((30, 9), BLUE), ((30, 50), WHITE)):
        assert_colour(pixels[position], colour, tolerance=8)  # WebP and JPEG lose a little


def test_empty_file() -> None:
    with pytest.raises(EmptyFile):
        decode(b"")


def test_one_byte_over_the_limit_is_too_large_before_anything_is_read() -> None:
    data = encode(colours())
    assert decode(data, Limits(max_bytes=len(data))).shape == (40, 60, 3)
    with pytest.raises(TooLarge, match=f"{len(data)}.*{len(data) - 1}"):
        decode(data, Limits(max_bytes=len(data) - 1))
    with pytest.raises(TooLarge):
        decode(bytes(50_000_000))


@pytest.mark.parametrize(
    "data",
    [
        b"just a text\n" * 20,
        b"<!doctype html><html><body>picture.jpg</body></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
        b"%PDF-1.7\n",
        b"BMP is what this text is about",
        bytes(200),
        encode(Image.new("RGB", (9, 9)), "ICNS"),
        encode(Image.new("RGB", (9, 9)), "PPM"),
    ],
    ids=["text", "html", "svg", "pdf", "BM text", "zeros", "icns", "ppm"],
)
def test_what_is_no_accepted_picture_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedType, match="PNG, JPEG"):
        decode(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_picture_cut_short_is_unreadable(kind: str, share: float) -> None:
    noise = Image.effect_noise((120, 90), 80).convert("RGB")
    data = encode(noise, kind)
    with pytest.raises(UnreadableImage):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("begin", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBP", b"GIF89a"])
def test_a_bare_signature_is_unreadable_not_unsupported(begin: bytes) -> None:
    with pytest.raises(UnreadableImage):
        decode(begin)


@pytest.mark.parametrize(
    ("width", "height"),
    [(7072, 7072), (10_000, 9_500), (20_000, 10_000), (60_000, 60_000)],
    ids=["just over", "Pillow warns", "Pillow refuses", "3.6 gigapixels"],
)
def test_too_many_pixels_are_refused_from_the_header(width: int, height: int) -> None:
    with pytest.raises(TooManyPixels, match="50,000,000"):  # decoding would say that pixels are missing
        decode(png_header(width, height))


def test_the_pixel_limit_is_the_callers_and_pillow_keeps_its_own() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    data = encode(colours(60, 40))
    assert decode(data, Limits(max_pixels=2400)).shape == (40, 60, 3)
    with pytest.raises(TooManyPixels, match="60 x 40"):
        decode(data, Limits(max_pixels=2399))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(kind: str, orientation: int) -> None:
    stored_by = {  # how a camera stores the upright picture for each orientation
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    upright = colours()
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(upright if stored_by is None else upright.transpose(stored_by), kind, exif=exif)
    pixels = decode(data)
    assert pixels.shape == (40, 60, 3)
    for position, colour in (((9, 9), RED), ((9, 50), GREEN), ((30, 9), BLUE), ((30, 50), WHITE)):
        assert_colour(pixels[position], colour, tolerance=8)


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_colour(decode(encode(colours(), "PNG", exif=exif))[9, 9], RED)


def test_damaged_metadata_do_not_cost_the_picture() -> None:
    data = encode(colours(), "PNG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff damaged")
    assert_colour(decode(data)[9, 9], RED)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in (RED, GREEN, BLUE)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    pixels = decode(data)
    assert pixels.shape == (10, 20, 3)
    assert_colour(pixels[5, 5], RED, tolerance=8)


def test_a_several_picture_jpeg_of_a_phone_gives_its_first_picture() -> None:
    data = encode(colours(), "MPO", save_all=True, append_images=[Image.new("RGB", (30, 20))])
    assert data.startswith(b"\xff\xd8\xff")
    assert decode(data).shape == (40, 60, 3)


def test_cmyk() -> None:
    pixels = decode(encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert_colour(pixels[4, 4], RED, tolerance=8)


def test_one_bit_and_grey_and_palette() -> None:
    for mode in ("1", "L", "P"):
        pixels = decode(encode(Image.new("L", (8, 4), 255).convert(mode)))
        assert pixels.shape == (4, 8, 3)
        assert (pixels == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_matches_its_eight_bit_copy(kind: str) -> None:
    ramp = np.arange(256, dtype=np.uint16)[None].repeat(4, 0)
    pixels = decode(encode(Image.fromarray(ramp * 257), kind))
    assert np.array_equal(pixels[..., 0], ramp)


def test_twelve_bits_in_a_sixteen_bit_file_come_out_neither_black_nor_clipped() -> None:
    ramp = np.linspace(0, 4095, 256).astype(np.uint16)[None].repeat(4, 0)
    grey = decode(encode(Image.fromarray(ramp)))[0, :, 0]
    assert (grey[0], grey[-1]) == (0, 255)
    assert len(np.unique(grey)) > 250


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 128.0, 255.0], [0, 128, 255]),
        ([-1000.0, 0.0, 3095.0], [0, 62, 255]),
        ([0.0, np.nan, 1.0], [0, 0, 255]),
        ([0.0, 50_000.0, 100_000.0], [0, 128, 255]),
    ],
    ids=["fractions", "bytes", "negative", "not a number", "beyond 16 bits"],
)
def test_float_tiff(values: list[float], expected: list[int]) -> None:
    data = encode(Image.fromarray(np.array([values], np.float32)), "TIFF")
    assert decode(data)[0, :, 0].tolist() == expected


def strokes(mode: str, colour: tuple[int, ...], under: tuple[int, ...] = (0, 0, 0, 0)) -> Image.Image:
    """A bar of `colour` on a transparent ground whose hidden colour is `under`."""
    image = Image.new("RGBA", (40, 40), under)
    image.paste(colour, (18, 5, 22, 35))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("under", [(0, 0, 0, 0), (255, 255, 255, 0)])
def test_dark_strokes_on_transparency_stand_on_white(mode: str, under: tuple[int, ...]) -> None:
    pixels = decode(encode(strokes("RGBA" if mode == "PA" else mode, (0, 0, 0, 255), under), "PNG"))
    assert_colour(pixels[2, 2], WHITE)
    assert_colour(pixels[20, 20], BLACK)


@pytest.mark.parametrize("under", [(0, 0, 0, 0), (255, 255, 255, 0)])
def test_light_strokes_on_transparency_stand_on_black_and_do_not_vanish(under: tuple[int, ...]) -> None:
    pixels = decode(encode(strokes("RGBA", (255, 255, 200, 255), under)))
    assert_colour(pixels[2, 2], BLACK)
    assert_colour(pixels[20, 20], (255, 255, 200))


def test_a_dark_digit_on_an_opaque_sheet_with_transparent_corners_stands_on_white() -> None:
    image = Image.new("RGBA", (40, 40), WHITE)
    image.paste((0, 0, 0, 255), (18, 5, 20, 35))
    image.paste((0, 0, 0, 0), (0, 0, 4, 4))
    assert_colour(decode(encode(image))[1, 1], WHITE)


def test_nothing_drawn_on_transparency_is_white() -> None:
    assert (decode(encode(Image.new("RGBA", (9, 9), (0, 0, 0, 0)))) == 255).all()


def test_palette_and_colour_key_transparency() -> None:
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 255, 0, 0, 0])
    palette.putpixel((4, 4), 1)
    for transparency in (0, b"\x00\xff"):
        pixels = decode(encode(palette, transparency=transparency))
        assert_colour(pixels[0, 0], WHITE)
        assert_colour(pixels[4, 4], BLACK)
    key = Image.new("RGB", (8, 8), (255, 0, 255))
    key.putpixel((4, 4), BLACK)
    assert_colour(decode(encode(key, transparency=(255, 0, 255)))[0, 0], WHITE)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 20_000), (20_000, 1)])
def test_extreme_shapes(width: int, height: int) -> None:
    assert decode(encode(Image.new("RGB", (width, height), RED))).shape == (height, width, 3)


def test_a_picture_with_something_behind_it_is_that_picture() -> None:
    assert_colour(decode(encode(colours()) + b"PK\x03\x04<script>alert(1)</script>")[9, 9], RED)


@pytest.mark.parametrize("kind", PILLOW_NAMES)
def test_flipped_bytes_give_a_picture_or_our_error_and_never_the_decoders_words(kind: str) -> None:
    chance = random.Random(7)
    whole = encode(colours(), kind)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            assert decode(bytes(data)).ndim == 3
        except PictureError as error:
            text = str(error)
            assert text.startswith(("The picture is damaged or", "The file is not a picture", "The picture has"))
            assert not any(word in text for word in ("PIL", "/", "Error", "BytesIO", "0x"))
