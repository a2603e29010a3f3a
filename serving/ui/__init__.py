"""The page: a Gradio app with one module a tab."""
