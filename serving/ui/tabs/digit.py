"""The tab of handwritten digits: draw one, or upload a picture of one."""

from pathlib import Path

import gradio as gr

from serving.i18n.language import preferred
from serving.ui import cards
from serving.ui.components import Canvas
from serving.ui.tabs.tab import Tab

SIDE = 400  # pixels of the canvas
# Share of the canvas' side. MNIST's strokes are about 1/10 of the digit's height, and drawings fill half the canvas.
STROKE = 0.05
SCRIPT = Path(__file__).parents[1] / "canvas.js"
CLEAR = "() => document.querySelector('#digit-canvas canvas').dispatchEvent(new Event('wipe', {bubbles: true}))"


def build(tab: Tab) -> None:
    """Lay out the tab: the canvas or the upload on one side, the prediction on the other."""
    tab.heading()
    with gr.Row():
        with gr.Column(), gr.Tabs():
            with gr.Tab(tab.texts.message("draw"), elem_id="digit-draw"):
                canvas = Canvas(
                    html_template=f'<canvas width="{SIDE}" height="{SIDE}" data-stroke="{STROKE}"></canvas>',
                    js_on_load=SCRIPT.read_text(encoding="utf-8"),
                    elem_id="digit-canvas",
                )
                with gr.Row():
                    clear = gr.Button(tab.texts.message("wipe"), elem_id="digit-wipe", min_width=100)
                    read = gr.Button(tab.texts.message("read"), variant="primary", elem_id="digit-read", min_width=100)
            with gr.Tab(tab.texts.message("upload"), elem_id="digit-upload"):
                picture = tab.picture_input()
                tab.examples(picture)
        with gr.Column():
            output = tab.output()
    classify = tab.classify()
    for event, source in ((canvas.input, canvas), (read.click, canvas), (picture.change, picture)):
        event(classify, source, output, api_visibility="private", show_progress="hidden")
    clear.click(None, js=CLEAR).then(_waiting, None, output, api_visibility="private", show_progress="hidden")


def _waiting(request: gr.Request) -> str:
    return cards.waiting_card(preferred(request.headers.get("accept-language")))
