"""The table of picture formats agrees with Pillow and with the files that it writes."""

import io
from pathlib import PurePath

import pytest
from PIL import Image

from models.images.formats import FORMATS, PictureFormat, has_picture_signature, has_picture_suffix


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.title)
def test_a_row_agrees_with_pillow(known: PictureFormat) -> None:
    Image.init()
    suffixes = {suffix for suffix, name in Image.registered_extensions().items() if name == known.pillow_name}
    assert set(known.suffixes) == suffixes & {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
    assert known.mime_types == (Image.MIME[known.pillow_name],)
    written = io.BytesIO()
    Image.new("RGB", (4, 4)).save(written, known.pillow_name)
    assert has_picture_signature(written.getvalue()) == bool(known.signatures)


def test_suffixes_in_any_case() -> None:
    assert has_picture_suffix(PurePath("a/Foto.TIF"))
    assert not has_picture_suffix(PurePath("a/notes.txt"))
