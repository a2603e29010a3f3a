import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from train.evaluation.ranking import average_precision, mean_one_vs_rest, roc_auc


def test_by_hand() -> None:
    scores, positive = np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False])
    assert roc_auc(scores, positive) == 3 / 4, "three of the four pairs are in order"
    assert average_precision(scores, positive) == pytest.approx((1 / 1 + 2 / 3) / 2)


@pytest.mark.parametrize("levels", [5, 1_000_000], ids=["many ties", "no ties"])
def test_they_are_those_of_scikit_learn(levels: int) -> None:
    random = np.random.default_rng(0)
    positive = random.uniform(size=400) < 0.3
    scores = np.round((random.normal(size=400) + positive) * levels) / levels
    assert roc_auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert average_precision(scores, positive) == pytest.approx(average_precision_score(positive, scores), abs=1e-12)


def test_the_mean_over_labels_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 300)
    probabilities = random.dirichlet(np.ones(4), 300)
    macro = roc_auc_score(truth, probabilities, multi_class="ovr")
    assert mean_one_vs_rest(roc_auc, probabilities, truth) == pytest.approx(macro)
    found = mean_one_vs_rest(average_precision, probabilities[:, :3], truth % 3)
    assert found == pytest.approx(average_precision_score(np.eye(3)[truth % 3], probabilities[:, :3]))


def test_without_positives_or_negatives_there_is_no_ranking() -> None:
    for ranking in (roc_auc, average_precision):
        assert math.isnan(ranking(np.array([0.1, 0.2]), np.array([True, True])))
        assert math.isnan(ranking(np.array([0.1, 0.2]), np.array([False, False])))
