"""The pictures that ship with the server: examples on the page, and a test picture for each model."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from models.images.formats import has_picture_suffix

EXAMPLES = Path(__file__).parent / "examples"


def example_pictures(task: str) -> list[Path]:
    """Return the example pictures of a task; tasks that are not built in have none."""
    return sorted(path for path in (EXAMPLES / task).glob("*") if has_picture_suffix(path))


def trial_picture(task: str) -> Path | bytes:
    """Return a picture that the task's model must be able to classify: an example, else a drawn one."""
    examples = example_pictures(task)
    return examples[0] if examples else _drawn_stroke()


def _drawn_stroke() -> bytes:
    """Return a PNG of a thick stroke on white. The preprocessing of digits accepts it too."""
    image = Image.new("L", (96, 96), 255)
    ImageDraw.Draw(image).line([(52, 16), (44, 80)], fill=0, width=10)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
