"""How a model is offered: REST routes, the page, and what they say in two languages."""

from serving import before_gradio

__version__ = "0.1.0"

before_gradio.prepare()
