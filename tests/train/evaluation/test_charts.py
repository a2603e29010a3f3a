import numpy as np

from models.prediction import Prediction, Verdict
from train.evaluation.charts import draw_charts
from train.evaluation.metrics import bootstrap_metrics, metric_functions
from train.evaluation.predictions import Predictions
from train.html import png
from train.manifest import Row


def test_all_charts_are_drawn_when_no_picture_is_predicted_positive() -> None:
    labels = ("normal", "pneumonia")
    rows = tuple(Row(f"{number}.png", labels[number % 2], "test", str(number)) for number in range(8))
    items = tuple(Prediction("t", labels, (0.8, 0.2), Verdict.CONFIDENT, 0) for _ in rows)
    predictions = Predictions(labels, 1, 1.0, rows, np.arange(8) % 2, items)
    metrics = bootstrap_metrics(metric_functions(predictions), predictions.groups)
    for figure, _ in draw_charts(predictions, metrics).values():
        assert png(figure).startswith(b"\x89PNG")
