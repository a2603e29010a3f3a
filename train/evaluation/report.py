"""Report files of an evaluation: metrics.json, predictions.csv, the charts as PNG, and report.html with all of them."""

import csv
import io
import json
from pathlib import Path

from train.evaluation.charts import draw_charts
from train.evaluation.evaluate import Evaluation
from train.evaluation.page import render_page
from train.html import png
from train.run import CURVES_NAME, RUN_NAME, atomic_write
from train.text import to_bytes

PAGE_NAME, METRICS_NAME, PREDICTIONS_NAME = "report.html", "metrics.json", "predictions.csv"
COLUMNS = ("path", "truth", "answer", "confidence", "verdict")


def default_directory(directory: Path, evaluation: Evaluation) -> Path:
    """Return the default directory of a report: inside a run, or `runs/report-NAME-SPLIT` for a bundle on its own."""
    if (directory / RUN_NAME).is_file():
        return directory / f"report-{evaluation.split}"
    return Path("runs") / f"report-{evaluation.model.name}-{evaluation.split}"


def write(evaluation: Evaluation, directory: Path, pictures: bool) -> Path:
    """Write the report into `directory`, each file atomically, and return the path of the page.

    With `pictures` False, no file shows or names pictures of the data: `predictions.csv` is not written, and the one
    of an earlier report is deleted. The training curves are included when the run has them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    charts = {
        name: (png(figure), description)
        for name, (figure, description) in draw_charts(evaluation.predictions, evaluation.metrics).items()
    }
    contents = {name: content for name, (content, _) in charts.items()}
    curves = evaluation.model.bundle.resolve().parent / CURVES_NAME
    if curves.is_file():
        charts[CURVES_NAME] = (curves.read_bytes(), "Curves of loss and accuracy by epoch")
    contents[METRICS_NAME] = (json.dumps(evaluation.as_dict(), indent=1, ensure_ascii=False) + "\n").encode()
    if pictures:
        contents[PREDICTIONS_NAME] = to_bytes(_predictions_csv(evaluation))
    else:
        (directory / PREDICTIONS_NAME).unlink(missing_ok=True)
    contents[PAGE_NAME] = to_bytes(render_page(evaluation, charts, pictures))
    for name, content in contents.items():
        with atomic_write(directory / name) as stream:
            stream.write(content)
    return directory / PAGE_NAME


def _predictions_csv(evaluation: Evaluation) -> str:
    """Return one line for each picture. `answer` is empty for a rejected picture; its probabilities are filled in."""
    predictions = evaluation.predictions
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*COLUMNS, *predictions.labels))
    for row, item in zip(predictions.rows, predictions.items, strict=True):
        result = (item.label or "", item.confidence, item.verdict.value)
        writer.writerow((row.path, row.label, *result, *item.probabilities))
    return stream.getvalue()
