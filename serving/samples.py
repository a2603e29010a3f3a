"""The pictures that ship with the server: what the page offers to try, and what each model is tried with."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

EXAMPLES = Path(__file__).parent / "examples"
SUFFIXES = (".png", ".jpeg", ".jpg")


def examples(task: str) -> list[Path]:
    """Pictures to try with the model of a task; of a task of a person's own there are none."""
    return sorted(path for path in (EXAMPLES / task).glob("*") if path.suffix in SUFFIXES)


def trial(task: str) -> Path | bytes:
    """A picture that the model of a task must be able to answer about: a real one where there is one, else drawn."""
    found = examples(task)
    return found[0] if found else _drawn()


def _drawn() -> bytes:
    """A thick stroke on white, which also the digits' preprocessing takes for something to classify."""
    image = Image.new("L", (96, 96), 255)
    ImageDraw.Draw(image).line([(52, 16), (44, 80)], fill=0, width=10)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
