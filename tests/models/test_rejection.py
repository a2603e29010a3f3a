import numpy as np
import pytest

from models.bundle import Rejection
from models.rejection import FeatureSpace, pack, unpack

SPACE = FeatureSpace.of(
    Rejection(
        mean=pack(np.array([1.0, 2.0, 3.0])),
        components=pack(np.array([[1.0, 0, 0], [0, 1.0, 0]])),
        scale=pack(np.array([2.0, 0.5])),
        residual_scale=4.0,
        threshold=1.0,
    )
)


@pytest.mark.parametrize(
    ("features", "score"),
    [
        ((1, 2, 3), 0),
        ((3, 2, 3), (1**2 / 2) / 2),  # one standard deviation along the first component
        ((1, 3, 3), (2**2 / 2) / 2),  # two along the second
        ((1, 2, 11), 2**2 / 2),  # twice the residual's scale
    ],
)
def test_the_score_is_the_formula(features: tuple[float, ...], score: float) -> None:
    assert SPACE.score(np.array(features, np.float32)) == pytest.approx(score)


def test_packing_keeps_three_digits() -> None:
    values = np.random.default_rng(0).normal(size=(5, 7))
    np.testing.assert_allclose(unpack(pack(values)).reshape(5, 7), values, rtol=1e-3)
