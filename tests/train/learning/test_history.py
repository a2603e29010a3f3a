from pathlib import Path

import pytest

from train import run
from train.learning import history
from train.learning.history import EpochMetrics

NAN = float("nan")


def epochs(losses: list[float], rates: list[float] | None = None) -> list[EpochMetrics]:
    rates = rates or [0.1] * len(losses)
    return [{"val_loss": loss, "learning_rate": rate} for loss, rate in zip(losses, rates, strict=True)]


@pytest.mark.parametrize(
    ("losses", "best", "waited"),
    [([], None, 0), ([NAN], None, 1), ([NAN, 3, 2, 2, NAN], 2, 2), ([3, 2, 1], 2, 0), ([1, 2, 3], 0, 2)],
)
def test_the_first_epoch_with_the_lowest_loss_that_is_a_number_is_the_best(
    losses: list[float], best: int | None, waited: int
) -> None:
    assert history.best_epoch(epochs(losses)) == best
    assert history.epochs_without_improvement(epochs(losses)) == waited


def test_a_lower_rate_is_given_time() -> None:
    assert history.epochs_on_plateau(epochs([1, 2, 3])) == 2
    assert history.epochs_on_plateau(epochs([1, 2, 3, 4], [0.1, 0.1, 0.1, 0.05])) == 1
    assert history.epochs_on_plateau(epochs([4, 3, 2, 1], [0.1, 0.1, 0.1, 0.05])) == 0


def test_the_file_has_a_line_an_epoch_and_replaces_an_older_one(tmp_path: Path) -> None:
    row = {"accuracy": 0.5, "loss": 1.0, "val_accuracy": 0.25, "val_loss": 2.0, "learning_rate": 0.1}
    for count in (3, 2):
        history.write_csv([row] * count, tmp_path)
    assert (tmp_path / run.HISTORY_NAME).read_text().splitlines() == [
        "epoch,accuracy,loss,val_accuracy,val_loss,learning_rate",
        "0,0.5,1.0,0.25,2.0,0.1",
        "1,0.5,1.0,0.25,2.0,0.1",
    ]
    assert [path.name for path in tmp_path.iterdir()] == [run.HISTORY_NAME]
