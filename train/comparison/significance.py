"""Statistical tests for the difference between two models that were measured on the same pictures.

Paired tests are more sensitive than two separate confidence intervals, because pictures that are hard for both models
do not add noise to the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from models.bundle import Metric
from train.evaluation.metrics import MetricFunction, bootstrap_metrics, metric_functions
from train.evaluation.predictions import Predictions


@dataclass(frozen=True, slots=True)
class McNemar:
    """Number of pictures that only one of two models classifies correctly, and the exact two-sided McNemar test.

    `p` is the p-value of this pair. `p_holm` is corrected for the number of models that were compared to the first.
    """

    only_first: int
    only_this: int
    p: float
    p_holm: float


def paired_differences(first: Predictions, second: Predictions) -> dict[str, Metric]:
    """Return each metric of `second` minus that of `first`, with 95 % intervals of the paired bootstrap over groups.

    Both must be predictions for the same pictures, in the same order.
    """

    def difference(of_second: MetricFunction, of_first: MetricFunction) -> MetricFunction:
        return lambda indices: of_second(indices) - of_first(indices)

    of_first, of_second = metric_functions(first), metric_functions(second)
    common = {name: difference(metric, of_first[name]) for name, metric in of_second.items() if name in of_first}
    return bootstrap_metrics(common, first.groups)


def mcnemar_tests(predictions: Sequence[Predictions]) -> list[McNemar]:
    """Test each model after the first against the first."""
    correct = [predicted.predicted == predicted.truth for predicted in predictions]
    pairs = [(int(np.sum(correct[0] & ~other)), int(np.sum(~correct[0] & other))) for other in correct[1:]]
    p_values = [mcnemar_p_value(*pair) for pair in pairs]
    return [McNemar(*pair, p, p_holm) for pair, p, p_holm in zip(pairs, p_values, holm(p_values), strict=True)]


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (McNemar 1947, Psychometrika 12).

    The arguments are the numbers of pictures that only one of the models classifies correctly. The null hypothesis is
    that both models are equally accurate. The test treats pictures as independent, even within a group.
    """
    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for multiple comparisons (Holm 1979, Scandinavian Journal of Statistics 6)."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
