"""The tab for flowers, and for any other task that has none of its own: upload a picture, see the answer."""

import gradio as gr

from serving.ui.tab import Tab


def build(tab: Tab) -> None:
    """Lay out the tab."""
    tab.intro("flower_intro" if tab.task == "flower" else "other_intro")
    with gr.Row():
        with gr.Column():
            picture = tab.picture()
            tab.examples(picture)
        with gr.Column():
            shown = tab.answer()
    picture.change(tab.show(), picture, shown, api_visibility="private", show_progress="minimal")
