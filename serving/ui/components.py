"""Gradio's inputs, changed to hand over what was sent instead of decoding it.

Gradio would open pictures with every decoder of Pillow, without limits, and answer a broken one with a traceback.
Here the bytes go on as they came, to the one path from bytes to answer that the REST routes use too.
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
    """Refuses to fetch a picture for a visitor: no requests in others' names, and no unbounded downloads."""
    if url_or_file_path is not None and is_http_url_like(str(url_or_file_path)):
        raise gr.Error(text("url_refused", DEFAULT), print_exception=False)
    return await Block.async_move_resource_to_block_cache(self, url_or_file_path)


class Picture(gr.Image):
    """`gr.Image` whose function gets the path of the uploaded file, untouched."""

    is_template = True  # drawn by the browser code of its base
    async_move_resource_to_block_cache = _without_downloads

    def preprocess(self, payload: ImageData | None) -> Path | None:  # type: ignore[override]
        """Where the upload lies."""
        return None if payload is None or payload.path is None else Path(payload.path)


class Upload(gr.File):
    """`gr.File` whose function gets the path of the uploaded file; without the empty copy that `gr.File` leaves."""

    is_template = True
    async_move_resource_to_block_cache = _without_downloads

    def preprocess(self, payload: FileData | None) -> Path | None:  # type: ignore[override]
        """Where the upload lies."""
        return None if payload is None else Path(payload.path)


class Canvas(gr.HTML):
    """A sheet to draw on with finger, pen or mouse, whose function gets the drawing as the bytes of a PNG.

    `gr.Sketchpad` wants its brush to be chosen before the first stroke, on every visit, and keeps drawings in the
    server's memory; this sheet is ready at once and sends its drawing with the event.
    """

    is_template = True

    def preprocess(self, payload: str | None) -> bytes | None:  # type: ignore[override]
        """The drawing; None where the value is not one."""
        if not isinstance(payload, str) or not payload.startswith(PNG_URL):
            return None
        try:
            return base64.b64decode(payload.removeprefix(PNG_URL), validate=True)
        except binascii.Error:
            return None
