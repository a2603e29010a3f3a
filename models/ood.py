"""Out-of-distribution (OOD) detection: a distance from the training pictures, computed from pooled features.

The score is the Mahalanobis distance inside the principal components of the training features plus the energy outside
of them, as in ViM (Wang et al. 2022, arXiv 2203.10807), on features of unit length, as in Mahalanobis++ (Müller and
Hein 2025, arXiv 2505.18032). It costs one small matrix product and no second inference.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import unpack
from models.bundle import Rejection


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """Statistics of the unit-length training features.

    `mean` (D,); `components` (K, D), orthonormal; `scale` (K,), the standard deviation along each component;
    `residual_scale`, the root mean square of the energy outside the components.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    scale: NDArray[np.float32]
    residual_scale: float

    @classmethod
    def of(cls, rejection: Rejection) -> "FeatureSpace":
        """Unpack the statistics that a bundle stores."""
        mean = unpack(rejection.mean)
        return cls(
            mean=mean,
            components=unpack(rejection.components).reshape(-1, mean.size),
            scale=unpack(rejection.scale),
            residual_scale=rejection.residual_scale,
        )

    def score(self, features: NDArray[np.float32]) -> float:
        """Return the distance of one feature vector, `(D,)`: about 1 for training pictures, greater for others."""
        centred = to_unit_length(features) - self.mean
        along = self.components @ centred
        residual = float(centred @ centred - along @ along)
        inside = float(np.sum((along / self.scale) ** 2)) / along.size
        return (inside + max(residual, 0.0) / self.residual_scale**2) / 2


def to_unit_length(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale features `(…, D)` to length 1. The length depends on contrast, the direction on the content."""
    length = np.linalg.norm(features, axis=-1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-6), dtype=np.float32)
