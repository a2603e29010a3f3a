"""Preprocessing of a picture to the network's input. Training and serving both call `prepare`.

The `preprocessing` of a bundle is one of:

mnist         the canonical form of MNIST (see `models.digits.mnist`), one channel
center_crop   the shorter side resized, the central crop kept, RGB
stretch_gray  the whole picture stretched to the input size, grey, exposure normalised: for X-rays, because the
              training pictures lost their aspect ratio in the published archive
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.bundle import InputSize, PreprocessingName
from models.digits.mnist import SEARCH_SIDE, canonical_digit
from models.errors import TooMuchMemory
from models.images.decoding import DEFAULT_LIMITS, Limits, decode
from models.prediction import Reason

# A large JPEG of a photograph or a drawing is decoded at a fraction of its size as long as it stays this many times as
# large as preprocessing needs. Chosen on enlarged validation pictures (`python -m benchmarks.decoding`): with more, the
# probabilities do not come nearer to those at full size, and differ less than by a change of one grey level.
INPUT_MARGIN = 3  # of the network's input
SEARCH_MARGIN = 2  # of the picture in which digits are searched for


@dataclass(frozen=True, slots=True)
class Prepared:
    """The network's input, `(H, W, C)` uint8, or None when there is nothing to classify; `reason` says why.

    With both pixels and a reason the network runs, and the verdict is at best `uncertain`; with the reason
    UNFAMILIAR it is `rejected`.
    """

    pixels: NDArray[np.uint8] | None
    reason: Reason | None = None


def prepare(data: bytes, name: PreprocessingName, size: InputSize, limits: Limits = DEFAULT_LIMITS) -> Prepared:
    """Decode and preprocess a picture, given as the bytes of its file, for a network with input `size`.

    Raises PictureError when the bytes are not a picture that can be decoded within `limits`.
    """

    def suffices(width: int, height: int) -> bool:
        if name == "stretch_gray":
            return False  # a reduced X-ray of 7 megapixels changed the label of 1 in 150: no time is worth that
        if name == "mnist":
            return max(width, height) >= SEARCH_MARGIN * SEARCH_SIDE
        return width >= INPUT_MARGIN * size.width and height >= INPUT_MARGIN * size.height

    rgb = decode(data, limits, suffices)
    try:
        return preprocess(rgb, name, size)
    except MemoryError:
        raise TooMuchMemory from None


def preprocess(rgb: NDArray[np.uint8], name: PreprocessingName, size: InputSize) -> Prepared:
    """Prepare a decoded picture, `(H, W, 3)` uint8 RGB, for a network with input `size`."""
    match name:
        case "mnist":
            canonical = canonical_digit(rgb)
            return Prepared(canonical.pixels, canonical.reason)
        case "center_crop":
            return Prepared(_center_crop(rgb, size))
        case "stretch_gray":
            return Prepared(_stretch_gray(rgb, size))


def _center_crop(rgb: NDArray[np.uint8], size: InputSize) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    # The largest centred box with the input's aspect ratio, resized in one step: `box` avoids a copy of the crop.
    scale = min(height / size.height, width / size.width)
    box_height, box_width = min(scale * size.height, height), min(scale * size.width, width)  # rounding may exceed
    top, left = (height - box_height) / 2, (width - box_width) / 2
    image = Image.fromarray(rgb).resize(
        (size.width, size.height), Image.Resampling.BICUBIC, box=(left, top, width - left, height - top)
    )
    return np.asarray(image)


def _stretch_gray(rgb: NDArray[np.uint8], size: InputSize) -> NDArray[np.uint8]:
    image = Image.fromarray(rgb).convert("L").resize((size.width, size.height), Image.Resampling.BICUBIC)
    gray = np.asarray(image, dtype=np.float32)
    # Exposure differs between machines and hospitals and carries no information about the lungs. The range between
    # the 1st and the 99th percentile is stretched to 0..255: letters and borders do not set the scale.
    low, high = np.percentile(gray, (1, 99))
    spread = (gray - low) * (255 / max(high - low, 1))
    prepared: NDArray[np.uint8] = np.clip(np.rint(spread), 0, 255).astype(np.uint8)[..., np.newaxis]
    return prepared
