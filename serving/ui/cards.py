"""What a tab shows: the answer of a classifier as HTML, in the visitor's language."""

from html import escape

from models.bundle import BundleInfo, Metric
from models.cam import as_seen, data_url, heat_overlay
from models.prediction import Prediction, Verdict
from serving.api import schemas
from serving.errors import ApiError
from serving.i18n.language import Language
from serving.i18n.messages import text
from serving.i18n.numbers import count, decimal, percent

METRICS = ("accuracy", "roc_auc", "sensitivity", "specificity")  # those that the page shows, in this order
NAMED = 12  # labels that a sentence names before it counts the others
PIXELS_WORTH_SEEING = 64  # an input below this side is shown as the network saw it; a larger one looks like the upload


def names(info: BundleInfo, language: Language) -> dict[str, str]:
    """The labels' identifiers with their names for people."""
    return {label.id: label.en if language == "en" else label.es for label in info.labels}


def some_names(info: BundleInfo, language: Language) -> str:
    """The names in a row; of many, the first ones and how many more there are."""
    named = list(names(info, language).values())
    if len(named) <= NAMED:
        return ", ".join(named)
    return text("and_more", language, names=", ".join(named[:NAMED]), n=count(len(named) - NAMED, language))


def sentence(key: str, language: Language, **values: object) -> str:
    """A message of the catalogue, safe inside HTML; and for Gradio's translations, to which braces mean something."""
    return escape(text(key, language, **values)).replace("{", "&#123;").replace("}", "&#125;")


def prediction_card(prediction: Prediction, info: BundleInfo, language: Language) -> str:
    """The verdict, the answer, the three most probable labels, and the pictures that explain it."""
    verdict = prediction.verdict
    parts = [f'<p class="verdict">{sentence(verdict.value, language)}</p>']
    if verdict is not Verdict.REJECTED:
        named = names(info, language)
        parts.append(f'<p class="label">{escape(named[prediction.label or ""])}</p>')
        parts.append(_bars(prediction, named, language))
    parts.append(f'<p class="meaning">{escape(schemas.meaning(prediction, language))}</p>')
    if prediction.task == schemas.DISCLAIMED:  # on a phone the tab's own disclaimer is out of sight by now
        parts.append(f'<p class="caution">{sentence("no_diagnosis", language)}</p>')
    parts.append(_pictures(prediction, language))
    return f'<div class="answer {verdict.value}" role="status">{"".join(parts)}</div>'


def error_card(failure: ApiError, language: Language) -> str:
    """What went wrong, in place of an answer."""
    return f'<div class="answer error" role="alert"><p class="meaning">{escape(failure.sentence(language))}</p></div>'


def waiting_card(language: Language) -> str:
    """What stands there before there is anything to answer."""
    return f'<div class="answer waiting"><p class="meaning">{sentence("waiting", language)}</p></div>'


def unavailable_card(language: Language) -> str:
    """In place of a tab whose model could not be loaded."""
    return f'<div class="answer error"><p class="meaning">{sentence("tab_unavailable", language)}</p></div>'


def disclaimer(language: Language) -> str:
    """Beside everything about pneumonia."""
    return f'<div class="disclaimer" role="note">{sentence("disclaimer", language)}</div>'


def about(info: BundleInfo, language: Language) -> str:
    """The model's version and what it achieves on pictures that it never saw."""
    measured = info.metrics.get("test")
    if measured is None:
        return f'<div class="about"><p>{sentence("model_line", language, version=info.version)}</p></div>'
    heading = sentence("test_line", language, version=info.version, n=count(measured.n, language))
    rows = "".join(
        f"<li>{_metric(name, measured.metrics[name], language)}</li>" for name in METRICS if name in measured.metrics
    )
    return f'<div class="about"><p>{heading}</p><ul>{rows}</ul></div>'


def _metric(name: str, metric: Metric, language: Language) -> str:
    if name == "roc_auc":
        value, low, high = (decimal(figure, language) for figure in (metric.value, metric.low, metric.high))
    else:
        digits = 2 if metric.value > 0.99 else 1  # where it is about hundredths, they are shown
        value, low, high = (percent(figure, language, digits) for figure in (metric.value, metric.low, metric.high))
    return sentence("metric_line", language, metric=text(name, language), value=value, low=low, high=high)


def _bars(prediction: Prediction, named: dict[str, str], language: Language) -> str:
    rows = "".join(
        f"<li><span>{escape(named[label])}</span>"
        f'<span class="bar"><span style="width:{share * 100:.1f}%"></span></span>'
        f"<span>{escape(percent(share, language))}</span></li>"
        for label, share in prediction.top()
    )
    return f'<ol class="top">{rows}</ol>'


def _pictures(prediction: Prediction, language: Language) -> str:
    if prediction.seen is None:
        return ""
    if max(prediction.seen.shape[:2]) < PIXELS_WORTH_SEEING:
        title, note, image = "what_it_saw", "", as_seen(prediction.seen)
    elif prediction.heat is not None and prediction.verdict is not Verdict.REJECTED:
        title, note, image = (
            "where_it_looked",
            text("heat_note", language),
            heat_overlay(prediction.seen, prediction.heat),
        )
    else:
        return ""
    caption = f"<figcaption>{escape(note)}</figcaption>" if note else ""
    heading = sentence(title, language)
    return (
        f'<details class="{title}"><summary>{heading}</summary>'
        f'<figure><img src="{data_url(image)}" alt="{heading}">{caption}</figure></details>'
    )
