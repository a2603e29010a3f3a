"""An evaluation as one HTML page that needs no other file: figures, charts, and the answers worth looking at."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image

from models.cam import as_seen, heat_overlay
from models.images.decoding import decode
from models.prediction import Prediction
from train import html
from train.evaluation.evaluate import Evaluation
from train.evaluation.galleries import galleries
from train.evaluation.robustness import NOTE
from train.evaluation.tables import class_rows, figure_rows, robustness_rows, verdict_rows
from train.evaluation.task_properties import disclaimer
from train.manifest import read_picture

GALLERIES = {
    "Correct": "A few right answers, chosen by chance.",
    "Wrong": "A few wrong answers, chosen by chance; a rejected picture counts as one.",
    "Most confident wrong": "Wrong answers by their confidence: mislabelled pictures, or what the model never learnt.",
    "Least confident": "Predictions by their lack of confidence, right or wrong.",
}


def page(evaluation: Evaluation, charts: Mapping[str, tuple[bytes, str]], pictures: bool) -> str:
    """The HTML page, with the charts given as PNG and description by file name.

    Without `pictures` it shows none of the data and names no file of theirs.
    """
    images = {name: html.chart(*chart) for name, chart in charts.items()}
    title = f"{evaluation.info.task}: what the model does on {evaluation.split}"
    body = [f"<h1>{escape(title)}</h1>", _about(evaluation)]
    if (text := disclaimer(evaluation.info)) is not None:
        body.append(html.section("Not a diagnosis", text, kind="notice"))
    figures = html.table(("figure", "value", "95 % interval", "what it says"), figure_rows(evaluation), "explained")
    body += [
        html.section("Figures", _how(evaluation), figures),
        html.section(
            "By label",
            "Precision: share of the answers with this label that are right. Recall: share of its pictures that are "
            "found. F1: their harmonic mean.",
            html.table(("label", "precision", "recall", "F1", "pictures"), class_rows(evaluation)),
        ),
        html.section("Confusion", "How often each label got each answer.", images["confusion.png"]),
        html.section(
            "Thresholds", _thresholds(evaluation), _side_by_side(images["roc.png"], images["precision_recall.png"])
        ),
        html.section(
            "Calibration",
            "Bars below the diagonal mean that the model is surer than it is right, bars above that it is too modest. "
            "The temperature was fitted on validation.",
            images["reliability.png"],
        ),
        html.section(
            "Verdicts",
            "The person is told to rely on confident answers, not on uncertain ones; rejected pictures are not what "
            "the model is for. The curve: how many answers are wrong if only the most confident ones are taken.",
            html.table(("verdict", "pictures", "share", "accuracy"), verdict_rows(evaluation))
            + images["risk_coverage.png"],
        ),
    ]
    if evaluation.robustness is not None:
        table = html.table(*robustness_rows(evaluation.robustness))
        body.append(html.section("Robustness", NOTE, table))
    if "curves.png" in images:
        body.append(html.section("Training", "Loss and accuracy by epoch.", images["curves.png"]))
    if pictures:
        body += [_gallery(evaluation, name, chosen) for name, chosen in galleries(evaluation.answers).items()]
    return html.document(title, body)


def _about(evaluation: Evaluation) -> str:
    info = evaluation.info
    facts = (
        ("model", f"{evaluation.subject.name}, version {info.version}, {info.recipe.get('arch', '')}"),
        ("revision", evaluation.subject.classifier.revision),
        (
            "pictures",
            f"{len(evaluation.answers.rows):,} of {evaluation.split}, in {evaluation.answers.group_count:,} groups",
        ),
        ("data", f"{info.data.name}, split {info.data.fingerprint[:12]}"),
        ("measured", f"{evaluation.date} on {evaluation.machine}"),
    )
    return f"<section>{html.table((), facts, 'files')}</section>"


def _how(evaluation: Evaluation) -> str:
    used = {
        "train": "The model learnt from these very pictures: the figures say nothing of others.",
        "val": "Epoch, temperature and thresholds were chosen on these pictures: the figures are a little too good.",
        "test": "Nothing was chosen on these pictures.",
    }
    return (
        "Measured by the path that serves; a rejected picture counts as a wrong answer. Intervals hold 95 % of 1,000 "
        f"bootstrap resamples of whole groups (patients, or near-duplicates). {used[evaluation.split]}"
    )


def _thresholds(evaluation: Evaluation) -> str:
    operating = evaluation.info.thresholds.operating
    if operating is None:
        return (
            "Each label against all others, at every threshold of its probability. The likeliest label is the answer."
        )
    return (
        f"At every threshold of the probability of {operating.label}. The answer is {operating.label} from "
        f"{operating.probability:.4f} on: the operating point, frozen on validation."
    )


def _side_by_side(*images: str) -> str:
    return f'<div class="charts">{"".join(images)}</div>'


def _gallery(evaluation: Evaluation, name: str, chosen: Sequence[int]) -> str:
    cards = "".join(_card(evaluation, index) for index in chosen)
    return html.section(name, GALLERIES[name] if chosen else "None.", f'<div class="cards">{cards}</div>')


def _card(evaluation: Evaluation, index: int) -> str:
    row, prediction = evaluation.answers.rows[index], evaluation.answers.predictions[index]
    right = prediction.label == row.label
    said = "rejected" if prediction.label is None else f"{prediction.label}, {prediction.confidence:.1%}"
    return (
        f'<div class="card">{_pictures(evaluation, row.path, prediction)}'
        f'<p><span class="{"right" if right else "wrong"}">{escape(said)}</span> '
        f'<span class="quiet">({escape(_verdict(prediction))})</span></p>'
        f'<p>truth: {escape(row.label)}</p><p class="quiet">{escape(row.path)}</p></div>'
    )


def _verdict(prediction: Prediction) -> str:
    why = "" if prediction.reason is None else f": {prediction.reason.value.replace('_', ' ')}"
    return prediction.verdict.value + why


def _pictures(evaluation: Evaluation, path: str, prediction: Prediction) -> str:
    """What the network saw and where it looked; the picture itself where there was nothing for it to see."""
    if prediction.seen is None:
        return html.row([html.thumbnail(decode(read_picture(evaluation.subject.task_dir, path)), title=path)])
    images = [as_seen(prediction.seen)]
    if prediction.heat is not None:
        images.append(heat_overlay(prediction.seen, prediction.heat))
    return html.row(html.thumbnail(_pixels(image), title=path) for image in images)


def _pixels(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(image, np.uint8)
