"""How unlike the training pictures a picture is, read off the network's pooled features.

Mahalanobis distance inside the principal components of the training features plus the energy that the components
leave out, as in ViM (Wang et al. 2022, arXiv 2203.10807), on features of unit length, as in Mahalanobis++ (Müller and
Hein 2025, arXiv 2505.18032). It costs one small matrix product and no second pass.
"""

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle import Rejection


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """The training features, of unit length: `mean` (D,), `components` (K, D), `scale` (K,), `residual_scale`."""

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    scale: NDArray[np.float32]
    residual_scale: float

    @classmethod
    def of(cls, rejection: Rejection) -> "FeatureSpace":
        """Unpack what a bundle holds."""
        mean = unpack(rejection.mean)
        return cls(
            mean=mean,
            components=unpack(rejection.components).reshape(-1, mean.size),
            scale=unpack(rejection.scale),
            residual_scale=rejection.residual_scale,
        )

    def score(self, features: NDArray[np.float32]) -> float:
        """Distance of one feature vector, `(D,)`: about 1 for training pictures, greater for stranger ones."""
        centred = unit(features) - self.mean
        along = self.components @ centred
        residual = float(centred @ centred - along @ along)
        inside = float(np.sum((along / self.scale) ** 2)) / along.size
        return (inside + max(residual, 0.0) / self.residual_scale**2) / 2


def unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features `(…, D)` scaled to length 1: a pale picture of a flower is a flower."""
    length = np.linalg.norm(features, axis=-1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-6), dtype=np.float32)


def pack(array: NDArray[np.floating]) -> str:
    """An array as float16, little endian, base64: how a bundle stores it."""
    return base64.b64encode(array.astype("<f2").tobytes()).decode("ascii")


def unpack(text: str) -> NDArray[np.float32]:
    """The flat float32 array that `pack` stored."""
    return np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float32)
