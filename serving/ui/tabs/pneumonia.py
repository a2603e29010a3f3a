"""The tab for chest X-rays: the disclaimer stands above everything and does not go away."""

import gradio as gr

from serving.ui import cards
from serving.ui.tabs.tab import Tab


def build(tab: Tab) -> None:
    """Lay out the tab."""
    gr.HTML(tab.say.made("disclaimer_card", cards.disclaimer))
    tab.upload("pneumonia_intro")
