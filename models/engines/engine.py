"""The interface of an engine: a batch of prepared pictures in, the outputs of the network out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of one inference, float32: `logits` (B, K), pooled `features` (B, D), last `feature_map` (B, h, w, D)."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    feature_map: NDArray[np.float32]


class Engine(Protocol):
    """Runs a network. `infer` may be called from any thread."""

    @property
    def name(self) -> str:
        """The engine's name in API responses, such as `litert`."""

    def infer(self, batch: NDArray[np.uint8]) -> Outputs:
        """Run the network on a batch, `(B, H, W, C)` uint8.

        The outputs of a picture do not depend on the other pictures of its batch.
        """
