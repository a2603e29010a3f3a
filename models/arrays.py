"""Arrays in a bundle: float16, little endian, base64."""

import base64

import numpy as np
from numpy.typing import NDArray


def pack(array: NDArray[np.floating]) -> str:
    """Encode an array in the form in which a bundle stores it."""
    return base64.b64encode(array.astype("<f2").tobytes()).decode("ascii")


def unpack(text: str) -> NDArray[np.float32]:
    """Decode the flat float32 array that `pack` encoded.

    Raises ValueError when the text is not base64, or not of finite numbers.
    """
    content = base64.b64decode(text, validate=True)
    array = np.frombuffer(content, dtype="<f2").astype(np.float32)
    if not array.size or not np.isfinite(array).all():
        raise ValueError(f"expected finite numbers, found {array.size} of which some are not")
    return array
