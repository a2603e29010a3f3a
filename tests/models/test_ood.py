import numpy as np
import pytest

from models.arrays import pack, unpack
from models.bundle import Rejection
from models.ood import FeatureSpace

SPACE = FeatureSpace.of(
    Rejection(
        mean=pack(np.array([0.0, 0.0, 0.5])),
        components=pack(np.array([[1.0, 0, 0], [0, 1.0, 0]])),
        scale=pack(np.array([0.5, 0.25])),
        residual_scale=0.25,
        threshold=1.0,
    )
)


@pytest.mark.parametrize(
    ("features", "score"),
    [
        ((0, 0, 1), (0.5 / 0.25) ** 2 / 2),  # twice the residual's scale
        ((1, 0, 0), ((1 / 0.5) ** 2 / 2 + (0.5 / 0.25) ** 2) / 2),  # two deviations along the first component, too
        ((0, 0.6, 0.8), ((0.6 / 0.25) ** 2 / 2 + (0.3 / 0.25) ** 2) / 2),
    ],
)
@pytest.mark.parametrize("length", [0.1, 1, 40])
def test_the_score_is_the_formula_whatever_the_length(features: tuple[float, ...], score: float, length: float) -> None:
    assert SPACE.score(length * np.array(features, np.float32)) == pytest.approx(score, rel=1e-3)


def test_no_features_at_all_have_a_score() -> None:
    assert np.isfinite(SPACE.score(np.zeros(3, np.float32)))


def test_packing_keeps_three_digits() -> None:
    values = np.random.default_rng(0).normal(size=(5, 7))
    np.testing.assert_allclose(unpack(pack(values)).reshape(5, 7), values, rtol=1e-3)
