"""The tab for digits: draw one, or upload a picture of one."""

from pathlib import Path

import gradio as gr

from serving.i18n.language import preferred
from serving.ui import cards
from serving.ui.components import Canvas
from serving.ui.tabs.tab import Tab

SIDE = 400  # pixels of the sheet
# Of the sheet's side. MNIST's strokes are about 1/10 of the digit's height, and people draw over half of the sheet.
STROKE = 0.05
SCRIPT = Path(__file__).parents[1] / "canvas.js"
WIPE = "() => document.querySelector('#digit-canvas canvas').dispatchEvent(new Event('wipe', {bubbles: true}))"


def build(tab: Tab) -> None:
    """Lay out the tab."""
    tab.intro("digit_intro")
    with gr.Row():
        with gr.Column(), gr.Tabs():
            with gr.Tab(tab.say("draw"), elem_id="digit-draw"):
                canvas = Canvas(
                    html_template=f'<canvas width="{SIDE}" height="{SIDE}" data-stroke="{STROKE}"></canvas>',
                    js_on_load=SCRIPT.read_text(encoding="utf-8"),
                    elem_id="digit-canvas",
                )
                with gr.Row():
                    wipe = gr.Button(tab.say("wipe"), elem_id="digit-wipe", min_width=100)
                    read = gr.Button(tab.say("read"), variant="primary", elem_id="digit-read", min_width=100)
            with gr.Tab(tab.say("upload"), elem_id="digit-upload"):
                picture = tab.picture()
                tab.examples(picture)
        with gr.Column():
            shown = tab.answer()
    show = tab.show()
    for event, source in ((canvas.input, canvas), (read.click, canvas), (picture.change, picture)):
        event(show, source, shown, api_visibility="private", show_progress="hidden")
    wipe.click(None, js=WIPE).then(_waiting, None, shown, api_visibility="private", show_progress="hidden")


def _waiting(request: gr.Request) -> str:
    return cards.waiting_card(preferred(request.headers.get("accept-language")))
