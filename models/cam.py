"""Pictures that accompany an answer: what the network saw, and where it looked."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 448  # pixels of the longer side of what is shown: sharp on a phone, tens of kB as PNG

# From cold to warm; readable on grey X-rays and on photographs alike, also for the colour-blind (after "inferno").
_STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_COLOURS = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], dtype=np.float64)
_STRENGTH = 0.6  # opacity of the warmest spot: the picture stays visible beneath


def data_url(image: Image.Image) -> str:
    """The picture as PNG inside a `data:` URL."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def as_seen(seen: NDArray[np.uint8]) -> Image.Image:
    """The network's input, `(H, W, 1 or 3)` uint8, enlarged without smoothing so that its pixels can be counted."""
    return _image(seen).resize(_shown_size(seen), Image.Resampling.NEAREST)


def heat_overlay(seen: NDArray[np.uint8], heat: NDArray[np.float32]) -> Image.Image:
    """The class activation map, `(h, w)` in 0..1, laid over the network's input, `(H, W, 1 or 3)` uint8."""
    size = _shown_size(seen)
    below = np.asarray(_image(seen).convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.float64)
    smooth = Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    warmth = np.clip(np.asarray(smooth, dtype=np.float64), 0, 1)
    colour = np.stack([np.interp(warmth, _STOPS, channel) for channel in _COLOURS.T], axis=-1)
    opacity = _STRENGTH * warmth[..., np.newaxis]
    return Image.fromarray(np.rint(below * (1 - opacity) + colour * opacity).astype(np.uint8))


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _shown_size(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    return round(width * scale), round(height * scale)
