"""HTML page of an evaluation, in one file: metrics, charts, and galleries of predictions."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image

from models.cam import enlarged, overlay
from models.images.decoding import decode
from models.prediction import Prediction
from models.tasks import presentation_of
from train import html
from train.evaluation.evaluate import Evaluation
from train.evaluation.galleries import select_galleries
from train.evaluation.robustness import ROBUSTNESS_NOTE
from train.evaluation.tables import class_rows, metric_rows, robustness_rows, verdict_rows
from train.manifest import read_picture

GALLERY_TEXTS = {
    "Correct": "Correct predictions, drawn at random.",
    "Wrong": "Errors, drawn at random. A rejected picture counts as an error.",
    "Most confident wrong": "Errors with the highest confidence: wrong labels in the data, or gaps in the training.",
    "Least confident": "Predictions with the lowest confidence, correct or not.",
}
SPLIT_TEXTS = {
    "train": "The model was trained on these pictures, so the metrics do not hold for new ones.",
    "val": "Epoch, temperature and thresholds were chosen on these pictures, so the metrics are slightly too good.",
    "test": "Nothing was chosen on these pictures.",
}


def render_page(evaluation: Evaluation, charts: Mapping[str, tuple[bytes, str]], pictures: bool) -> str:
    """Return the HTML page. `charts` are PNG and description by file name.

    With `pictures` False it shows no picture of the data and names none of their files.
    """
    images = {name: html.chart(*chart) for name, chart in charts.items()}
    title = f"{evaluation.info.task}: evaluation on {evaluation.split}"
    body = [f"<h1>{escape(title)}</h1>", _facts(evaluation)]
    if (disclaimer := presentation_of(evaluation.info.task, evaluation.info).disclaimer) is not None:
        body.append(html.section("Not a diagnosis", disclaimer.en, kind="notice"))
    metrics = html.table(("metric", "value", "95 % interval", "meaning"), metric_rows(evaluation), "explained")
    body += [
        html.section("Metrics", _method(evaluation), metrics),
        html.section(
            "By label",
            "Precision: share of the predictions of this label that are correct. Recall: share of its pictures that "
            "are predicted as such. F1: their harmonic mean.",
            html.table(("label", "precision", "recall", "F1", "pictures"), class_rows(evaluation)),
        ),
        html.section("Confusion", "Number of pictures by true and predicted label.", images["confusion.png"]),
        html.section(
            "Thresholds", _thresholds(evaluation), _side_by_side(images["roc.png"], images["precision_recall.png"])
        ),
        html.section(
            "Calibration",
            "Bars below the diagonal: the model is overconfident. Bars above it: the model is underconfident. The "
            "temperature was fitted on the validation pictures.",
            images["reliability.png"],
        ),
        html.section(
            "Verdicts",
            "Confident: the prediction can be relied on. Uncertain: it cannot. Rejected: the picture is not of the "
            "kind that the model was trained for. The curve shows the error rate when only the most confident "
            "predictions are used.",
            html.table(("verdict", "pictures", "share", "accuracy"), verdict_rows(evaluation))
            + images["risk_coverage.png"],
        ),
    ]
    if evaluation.robustness is not None:
        table = html.table(*robustness_rows(evaluation.robustness))
        body.append(html.section("Robustness", ROBUSTNESS_NOTE, table))
    if "curves.png" in images:
        body.append(html.section("Training", "Loss and accuracy by epoch.", images["curves.png"]))
    if pictures:
        galleries = select_galleries(evaluation.predictions)
        body += [_gallery(evaluation, name, indices) for name, indices in galleries.items()]
    return html.document(title, body)


def _facts(evaluation: Evaluation) -> str:
    info = evaluation.info
    facts = (
        ("model", f"{evaluation.model.name}, version {info.version}, {info.recipe.get('arch', '')}"),
        ("revision", evaluation.model.classifier.revision),
        (
            "pictures",
            f"{len(evaluation.predictions.rows):,} of {evaluation.split}, in "
            f"{evaluation.predictions.group_count:,} groups",
        ),
        ("data", f"{info.data.name}, split {info.data.fingerprint[:12]}"),
        ("measured", f"{evaluation.date} on {evaluation.machine}"),
    )
    return f"<section>{html.table((), facts, 'files')}</section>"


def _method(evaluation: Evaluation) -> str:
    return (
        "Measured by the serving path; a rejected picture counts as an error. Intervals: 95 %, from 1,000 bootstrap "
        f"resamples of whole groups (patients or near-duplicates). {SPLIT_TEXTS[evaluation.split]}"
    )


def _thresholds(evaluation: Evaluation) -> str:
    operating = evaluation.info.thresholds.operating
    if operating is None:
        return "Each label against the rest, at every threshold. The model predicts the most probable label."
    return (
        f"At every threshold of the probability of {operating.label}. The model predicts {operating.label} from "
        f"{operating.probability:.4f} on: the operating point, chosen on the validation pictures and then frozen."
    )


def _side_by_side(*images: str) -> str:
    return f'<div class="charts">{"".join(images)}</div>'


def _gallery(evaluation: Evaluation, name: str, indices: Sequence[int]) -> str:
    cards = "".join(_card(evaluation, index) for index in indices)
    return html.section(name, GALLERY_TEXTS[name] if indices else "None.", f'<div class="cards">{cards}</div>')


def _card(evaluation: Evaluation, index: int) -> str:
    row, prediction = evaluation.predictions.rows[index], evaluation.predictions.items[index]
    style = "right" if prediction.label == row.label else "wrong"
    result = "rejected" if prediction.label is None else f"{prediction.label}, {prediction.confidence:.1%}"
    return (
        f'<div class="card">{_images(evaluation, row.path, prediction)}'
        f'<p><span class="{style}">{escape(result)}</span> '
        f'<span class="quiet">({escape(_verdict(prediction))})</span></p>'
        f'<p>truth: {escape(row.label)}</p><p class="quiet">{escape(row.path)}</p></div>'
    )


def _verdict(prediction: Prediction) -> str:
    reason = "" if prediction.reason is None else f": {prediction.reason.value.replace('_', ' ')}"
    return prediction.verdict.value + reason


def _images(evaluation: Evaluation, path: str, prediction: Prediction) -> str:
    """Show the network's input and its class activation map, or the picture itself where the network was not run."""
    if prediction.pixels is None:
        return html.image_row([html.thumbnail(decode(read_picture(evaluation.model.task_dir, path)), title=path)])
    images = [enlarged(prediction.pixels)]
    if prediction.activation_map is not None:
        images.append(overlay(prediction.pixels, prediction.activation_map))
    return html.image_row(html.thumbnail(_pixels(image), title=path) for image in images)


def _pixels(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(image, np.uint8)
