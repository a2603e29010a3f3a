"""Gradio's input components, changed to return the uploaded file instead of a decoded picture.

Gradio opens pictures with every decoder of Pillow, without limits, and shows a traceback for a damaged one. These
components pass the bytes unchanged to the code path of the REST API.
"""

import base64
import binascii
from pathlib import Path

import gradio as gr
from gradio.blocks import Block
from gradio.data_classes import FileData, ImageData
from gradio_client.utils import is_http_url_like

from serving.i18n.language import DEFAULT
from serving.i18n.messages import text

PNG_URL = "data:image/png;base64,"


async def _without_downloads(self: Block, url_or_file_path: str | Path | None) -> str | None:
    """Refuse to download a picture for a visitor: it would allow request forgery and unbounded downloads."""
    if url_or_file_path is not None and is_http_url_like(str(url_or_file_path)):
        raise gr.Error(text("url_refused", DEFAULT), print_exception=False)
    return await Block.async_move_resource_to_block_cache(self, url_or_file_path)


class Picture(gr.Image):
    """`gr.Image` whose function gets the path of the uploaded file."""

    is_template = True  # rendered by the browser code of its base class
    async_move_resource_to_block_cache = _without_downloads

    def preprocess(self, payload: ImageData | None) -> Path | None:  # type: ignore[override]
        """Return the path of the upload."""
        return None if payload is None or payload.path is None else Path(payload.path)


class Upload(gr.File):
    """`gr.File` whose function gets the path of the uploaded file, without the empty copy that `gr.File` creates."""

    is_template = True
    async_move_resource_to_block_cache = _without_downloads

    def preprocess(self, payload: FileData | None) -> Path | None:  # type: ignore[override]
        """Return the path of the upload."""
        return None if payload is None else Path(payload.path)


class Canvas(gr.HTML):
    """A canvas for finger, pen or mouse, whose function gets the drawing as the bytes of a PNG.

    `gr.Sketchpad` requires the choice of a brush before the first stroke, on every visit, and keeps drawings in the
    server's memory. This canvas is ready at once and sends its drawing with the event.
    """

    is_template = True

    def preprocess(self, payload: str | None) -> bytes | None:  # type: ignore[override]
        """Return the drawing, or None when the value is not a drawing."""
        if not isinstance(payload, str) or not payload.startswith(PNG_URL):
            return None
        try:
            return base64.b64decode(payload.removeprefix(PNG_URL), validate=True)
        except binascii.Error:
            return None
