"""Whether two models differ, or one was only luckier: statistics over the same pictures, answered by both.

The two models of a difference are measured on the same resamples of the same pictures, so what makes a picture hard
for both does not blur it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from models.bundle import Metric
from train.evaluation.metrics import Figure, figures, with_intervals
from train.evaluation.predictions import Predictions


@dataclass(frozen=True, slots=True)
class McNemar:
    """The pictures that one of two models gets right and the other does not, and the exact two-sided test of them.

    `p` is of this pair alone; `p_holm` is corrected for how many models were compared to the first.
    """

    only_first: int
    only_this: int
    p: float
    p_holm: float


def differences(first: Predictions, second: Predictions) -> dict[str, Metric]:
    """Every figure of the second minus that of the first, with the 95 % interval of the paired bootstrap over groups.

    Both must be answers for the same pictures, in the same order.
    """

    def minus(ours: Figure, theirs: Figure) -> Figure:
        return lambda chosen: ours(chosen) - theirs(chosen)

    firsts, seconds = figures(first), figures(second)
    both = {name: minus(figure, firsts[name]) for name, figure in seconds.items() if name in firsts}
    return with_intervals(both, first.groups)


def mcnemar_tests(answers: Sequence[Predictions]) -> list[McNemar]:
    """Each model but the first against the first."""
    right = [answered.chosen == answered.truth for answered in answers]
    pairs = [(int(np.sum(right[0] & ~other)), int(np.sum(~right[0] & other))) for other in right[1:]]
    alone = [mcnemar(*pair) for pair in pairs]
    return [McNemar(*pair, p, p_holm) for pair, p, p_holm in zip(pairs, alone, holm(alone), strict=True)]


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value that the two models are as often right (McNemar 1947, Psychometrika 12).

    Takes the pictures that only one of them gets right. It takes pictures for independent, groups or not.
    """
    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979, Scandinavian Journal of Statistics 6), in the order given."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
