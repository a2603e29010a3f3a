"""An evaluation as files: metrics.json, predictions.csv, the charts as PNG, and report.html, which holds them all."""

import csv
import io
import json
from pathlib import Path

from train.evaluation.charts import charts
from train.evaluation.evaluate import Evaluation
from train.evaluation.page import page
from train.html import png
from train.run import CURVES_NAME, RUN_NAME, atomic_write
from train.text import to_bytes

PAGE, METRICS, PREDICTIONS = "report.html", "metrics.json", "predictions.csv"
COLUMNS = ("path", "truth", "answer", "confidence", "verdict")


def directory_for(directory: Path, evaluation: Evaluation) -> Path:
    """Where the report goes unless the person says so: into the run; a bundle alone is left as it is."""
    if (directory / RUN_NAME).is_file():
        return directory / f"report-{evaluation.split}"
    return Path("runs") / f"report-{evaluation.subject.name}-{evaluation.split}"


def write(evaluation: Evaluation, directory: Path, pictures: bool) -> Path:
    """Write the report into `directory`, each file whole or not at all, and return the path of the page.

    Without `pictures` nothing in it shows the data or names their files: `predictions.csv` is not written, and one
    of an earlier report is deleted. The training curves are shown where the run has them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    figures = charts(evaluation.answers, evaluation.figures)
    drawn = {name: (png(figure), description) for name, (figure, description) in figures.items()}
    contents = {name: content for name, (content, _) in drawn.items()}
    curves = evaluation.subject.bundle.resolve().parent / CURVES_NAME
    if curves.is_file():
        drawn[CURVES_NAME] = (curves.read_bytes(), "Curves of loss and accuracy by epoch")
    contents[METRICS] = (json.dumps(evaluation.as_dict(), indent=1, ensure_ascii=False) + "\n").encode()
    if pictures:
        contents[PREDICTIONS] = to_bytes(_predictions(evaluation))
    else:
        (directory / PREDICTIONS).unlink(missing_ok=True)
    contents[PAGE] = to_bytes(page(evaluation, drawn, pictures))
    for name, content in contents.items():
        with atomic_write(directory / name) as stream:
            stream.write(content)
    return directory / PAGE


def _predictions(evaluation: Evaluation) -> str:
    """One line a picture; `answer` is empty for rejected ones, whose probabilities are there all the same."""
    answers = evaluation.answers
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*COLUMNS, *answers.labels))
    for row, prediction in zip(answers.rows, answers.predictions, strict=True):
        said = (prediction.label or "", prediction.confidence, prediction.verdict.value)
        writer.writerow((row.path, row.label, *said, *prediction.probabilities))
    return stream.getvalue()
