"""Work that Gradio must not do at the start of the server."""

import subprocess
import sys

from tests.helpers.project import ROOT, environment


def run(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_gradio_s_type_stubs_are_not_made_anew() -> None:
    """They come with its package; making them is about half of the processor time of a start."""
    script = """
import sys
touched = []
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".pyi"):
        touched.append(arguments)
sys.addaudithook(watch)
from serving import server
import gradio
assert callable(gradio.Image.change), "the components have their events"
assert not touched, touched[:3]
"""
    run(script)


def test_our_classes_get_none_where_gradio_came_first() -> None:
    script = """
import gradio
import serving.ui.components
from pathlib import Path
assert not list(Path("serving").rglob("*.pyi"))
"""
    run(script)
