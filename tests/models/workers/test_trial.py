"""The trial of a model: whatever it raises is a refused bundle, in a worker and in a thread alike."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.classifier import Classifier
from models.engines.engine import Outputs
from models.errors import BundleError
from models.workers.trial import try_out
from tests.helpers.workers import stored_digit


class FailingEngine:
    """An engine that fails on every picture."""

    name = "failing"

    def infer(self, batch: NDArray[np.uint8]) -> Outputs:
        """Raise an error."""
        raise RuntimeError(f"no room for {len(batch)}")


def test_an_error_of_the_network_is_a_refused_bundle() -> None:
    classifier = Classifier(stored_digit().info, FailingEngine(), "a revision")
    with pytest.raises(BundleError, match=r"start-up check \(RuntimeError: no room for 1\)"):
        try_out(classifier)
