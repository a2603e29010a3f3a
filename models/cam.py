"""Class activation maps, and the images that explain a prediction.

A class activation map (CAM, Zhou et al. 2016, arXiv 1512.04150) shows how much each part of the picture contributed to
a label.
"""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 448  # pixels of the longer side of a shown image: sharp on a phone, tens of kB as PNG

# The colours of "inferno", cold to warm: readable on grey X-rays and on photographs, also for colour-blind people.
_STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_COLOURS = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], dtype=np.float64)
_OPACITY = 0.6  # of the warmest spot: the picture stays visible


def class_activation_map(feature_map: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the CAM `(h, w)`, scaled to 0..1, of a feature map `(h, w, D)` and a label's weights `(D,)`."""
    activation = np.maximum(feature_map @ weights, 0)
    return np.asarray(activation / max(float(activation.max()), 1e-6), dtype=np.float32)


def overlay(pixels: NDArray[np.uint8], activation_map: NDArray[np.float32]) -> Image.Image:
    """Draw a CAM, `(h, w)` in 0..1, over the network's input, `(H, W, 1 or 3)` uint8."""
    size = _shown_size(pixels)
    below = np.asarray(_image(pixels).convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.float64)
    smooth = Image.fromarray(activation_map.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    activation = np.clip(np.asarray(smooth, dtype=np.float64), 0, 1)
    colour = np.stack([np.interp(activation, _STOPS, channel) for channel in _COLOURS.T], axis=-1)
    opacity = _OPACITY * activation[..., np.newaxis]
    return Image.fromarray(np.rint(below * (1 - opacity) + colour * opacity).astype(np.uint8))


def enlarged(pixels: NDArray[np.uint8]) -> Image.Image:
    """Enlarge the network's input, `(H, W, 1 or 3)` uint8, without smoothing: its pixels can be counted."""
    return _image(pixels).resize(_shown_size(pixels), Image.Resampling.NEAREST)


def data_url(image: Image.Image) -> str:
    """Encode an image as PNG in a `data:` URL."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _shown_size(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    return round(width * scale), round(height * scale)
