"""The tab for chest X-rays: the disclaimer stands above everything and does not go away."""

import gradio as gr

from serving.ui import answer
from serving.ui.tab import Tab


def build(tab: Tab) -> None:
    """Lay out the tab."""
    gr.HTML(tab.say.made("disclaimer_card", answer.disclaimer))
    tab.intro("pneumonia_intro")
    with gr.Row():
        with gr.Column():
            picture = tab.picture()
            tab.examples(picture)
        with gr.Column():
            shown = tab.answer()
    picture.change(tab.show(), picture, shown, api_visibility="private", show_progress="minimal")
