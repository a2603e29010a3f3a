"""The example pictures of the page."""

from pathlib import Path

from models.images.formats import has_picture_suffix

EXAMPLES = Path(__file__).parent / "examples"


def example_pictures(task: str) -> list[Path]:
    """Return the example pictures of a task; tasks that are not built in have none."""
    return sorted(path for path in (EXAMPLES / task).glob("*") if has_picture_suffix(path))
