"""The generic tab: upload a picture, see the prediction."""

import gradio as gr

from serving.ui.tabs.tab import Tab


def build(tab: Tab) -> None:
    """Lay out the tab: the picture on one side, its prediction on the other."""
    tab.heading()
    with gr.Row():
        with gr.Column():
            picture = tab.picture_input()
            tab.examples(picture)
        with gr.Column():
            output = tab.output()
    picture.change(tab.classify(), picture, output, api_visibility="private", show_progress="minimal")
