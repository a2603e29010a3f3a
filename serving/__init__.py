"""How a model is offered: REST routes, the page, and what they say in two languages."""

from serving import gradio_setup

__version__ = "0.1.0"

gradio_setup.prepare()
