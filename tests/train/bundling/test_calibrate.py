import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from models.classifier import softmax
from models.ood import FeatureSpace
from train import recipe
from train.bundling.calibration import fit_rejection, fit_temperature, fit_thresholds

PNEUMONIA = recipe.load("pneumonia")


def test_the_temperature_of_overconfident_logits_is_found() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 4)).astype(np.float32)
    drawn = random.uniform(size=(len(logits), 1))
    truth = (softmax(logits).cumsum(1) < drawn).sum(1)  # labels drawn from the logits' own probabilities
    assert fit_temperature(logits, truth) == pytest.approx(1, abs=0.05)
    assert fit_temperature(3 * logits, truth) == pytest.approx(3, abs=0.15)


def test_the_operating_point_keeps_the_sensitivity() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 5000)
    sick = np.clip(random.normal(0.3 + 0.4 * truth, 0.15), 0, 1)
    altered = sick**2
    for both, worst in ((sick[None], sick), (np.stack([sick, altered]), altered), (np.stack([altered, sick]), altered)):
        thresholds = fit_thresholds(np.stack([1 - both, both], -1), truth, PNEUMONIA)
        assert thresholds.operating is not None
        sensitivity = (worst[truth == 1] >= thresholds.operating.probability).mean()
        assert PNEUMONIA.target_sensitivity <= sensitivity < PNEUMONIA.target_sensitivity + 0.005


def test_without_a_positive_label_the_most_probable_one_answers() -> None:
    thresholds = fit_thresholds(np.eye(10)[None], np.arange(10), recipe.load("digit"))
    assert thresholds.operating is None


def test_a_network_that_saw_clutter_may_be_too_unsure() -> None:
    random = np.random.default_rng(0)
    probabilities = softmax(random.normal(0, 3, (5000, 10)))[None]
    digit = dataclasses.replace(recipe.load("digit"), outlier_exposure=0.1, target_retention=0.98)
    thresholds = fit_thresholds(probabilities, np.zeros(5000, np.int64), digit)
    assert np.mean(probabilities.max(-1) < thresholds.rejected) == pytest.approx(0.02, abs=0.001)
    assert (
        fit_thresholds(probabilities, np.zeros(5000, np.int64), dataclasses.replace(digit, outlier_exposure=0)).rejected
        == 0
    )


def test_rejection_keeps_validation_and_refuses_what_is_far() -> None:
    random = np.random.default_rng(0)
    centre = np.zeros(40)
    centre[:8] = 5

    def features(count: int) -> NDArray[np.float32]:
        inside = np.pad(random.normal(size=(count, 8)), ((0, 0), (0, 32)))
        return np.asarray(centre + inside + 0.05 * random.normal(size=(count, 40)), dtype=np.float32)

    keep = dataclasses.replace(PNEUMONIA, target_retention=0.95)
    rejection = fit_rejection(features(3000), features(2000), keep)
    space = FeatureSpace.of(rejection)

    def refused(pictures: NDArray[np.float32]) -> float:
        return float(np.mean([space.score(picture) > rejection.threshold for picture in pictures]))

    assert refused(features(2000)) == pytest.approx(0.05, abs=0.02)
    assert refused(7 * features(500)) == pytest.approx(0.05, abs=0.03), "a brighter picture of the same"
    assert refused(features(500)[:, ::-1]) == 1, "other features altogether"
    far = features(500) + np.pad(8 * random.normal(size=(500, 8)), ((0, 0), (0, 32))).astype(np.float32)
    assert refused(far) > 0.9, "far along the components"


@pytest.mark.parametrize("count", [2, 15])
def test_a_few_right_answers_are_no_certainty(count: int) -> None:
    truth = np.arange(count) % 2
    logits = 4 * np.eye(2, dtype=np.float32)[truth]  # all right
    confidence = softmax(logits / fit_temperature(logits, truth)).max(1)
    assert confidence == pytest.approx((count + 1) / (count + 2), abs=0.01)


@pytest.mark.parametrize("few", [2, 4, 15])
def test_few_validation_pictures_do_not_make_it_refuse_its_own(few: int) -> None:
    random = np.random.default_rng(0)
    keep = dataclasses.replace(PNEUMONIA, target_retention=0.97)

    def features(count: int) -> NDArray[np.float32]:
        return np.asarray(3 + random.normal(size=(count, 40)), dtype=np.float32)

    refused = []
    for _ in range(20):
        rejection = fit_rejection(features(30), features(few), keep)
        space = FeatureSpace.of(rejection)
        refused.append(np.mean([space.score(picture) > rejection.threshold for picture in features(50)]))
    assert np.mean(refused) < 0.05


def test_of_one_validation_picture_nothing_follows() -> None:
    features = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)
    rejection = fit_rejection(features, features[:1], PNEUMONIA)
    assert FeatureSpace.of(rejection).score(-100 * features[3]) < rejection.threshold
