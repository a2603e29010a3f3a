"""The trial of a model before it is served: it must classify a drawn picture."""

import io
from functools import cache

from PIL import Image, ImageDraw

from models.classifier import Classifier
from models.errors import BundleError


def try_out(classifier: Classifier) -> None:
    """Run the network once: it must not fail, and the first visitor does not wait for the first inference.

    Raises BundleError.
    """
    try:
        prediction = classifier.classify(_drawn_stroke())
    except Exception as error:  # any error here would happen to visitors
        raise BundleError(f"it failed the start-up check ({type(error).__name__}: {error})") from error
    if prediction.pixels is None:
        raise BundleError("the model did not run on its trial picture: its preprocessing found nothing in it")


@cache
def _drawn_stroke() -> bytes:
    """Return a PNG of a thick stroke on white, which every preprocessing accepts."""
    image = Image.new("L", (96, 96), 255)
    ImageDraw.Draw(image).line([(52, 16), (44, 80)], fill=0, width=10)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
