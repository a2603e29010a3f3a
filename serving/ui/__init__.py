"""The page: a Gradio app with one module a tab. The only package that imports Gradio, which it configures first."""

from serving.ui.gradio_setup import configure_gradio

configure_gradio()
