"""HTML of a tab: predictions, errors, test results, in the visitor's language."""

from html import escape

from models.bundle import BundleInfo, Metric, Translated
from models.cam import data_url, enlarged, overlay
from models.errors import VistazoError
from models.prediction import Prediction, Verdict
from models.tasks import presentation_of
from serving.api.responses import reason_text
from serving.errors import sentence
from serving.i18n.language import Language
from serving.i18n.messages import text
from serving.i18n.numbers import count, decimal, percent

METRICS = ("accuracy", "roc_auc", "sensitivity", "specificity")  # shown on the page, in this order
MAX_NAMES = 12  # labels in a sentence
PIXEL_ART_SIDE = 64  # a smaller input is shown as the network sees it; a larger one looks like the upload


def label_names(info: BundleInfo, language: Language) -> dict[str, str]:
    """Return the name of each label, by its identifier."""
    return {label.id: label.in_language(language) for label in info.labels}


def listed_names(info: BundleInfo, language: Language) -> str:
    """Return the names of the labels as a list in a sentence; of many labels, the first ones and how many more."""
    names = list(label_names(info, language).values())
    if len(names) <= MAX_NAMES:
        return ", ".join(names)
    return text("and_more", language, names=", ".join(names[:MAX_NAMES]), n=count(len(names) - MAX_NAMES, language))


def message(key: str, language: Language, **values: object) -> str:
    """Return a message of the catalogue as HTML."""
    return safe_html(text(key, language, **values))


def safe_html(plain: str) -> str:
    """Escape a text for HTML and for Gradio's translations, which give braces a meaning."""
    return escape(plain).replace("{", "&#123;").replace("}", "&#125;")


def prediction_card(prediction: Prediction, info: BundleInfo, language: Language) -> str:
    """Return the verdict, the label, the three most probable labels, and the explaining picture."""
    verdict = prediction.verdict
    parts = [f'<p class="verdict">{message(verdict.value, language)}</p>']
    if verdict is not Verdict.REJECTED:
        names = label_names(info, language)
        parts.append(f'<p class="label">{escape(names[prediction.label or ""])}</p>')
        parts.append(_bars(prediction, names, language))
    parts.append(f'<p class="meaning">{escape(reason_text(prediction.reason, language))}</p>')
    caution = presentation_of(info.task, info).caution
    if caution:  # on a phone the tab's own disclaimer is out of sight
        parts.append(f'<p class="caution">{safe_html(caution.in_language(language))}</p>')
    parts.append(_explanation(prediction, language))
    return f'<div class="answer {verdict.value}" role="status">{"".join(parts)}</div>'


def error_card(error: VistazoError, language: Language) -> str:
    """Return an error in place of a prediction."""
    return f'<div class="answer error" role="alert"><p class="meaning">{escape(sentence(error, language))}</p></div>'


def waiting_card(language: Language) -> str:
    """Return the placeholder before the first prediction."""
    return f'<div class="answer waiting"><p class="meaning">{message("waiting", language)}</p></div>'


def unavailable_card(language: Language) -> str:
    """Return the content of a tab whose model could not be loaded."""
    return f'<div class="answer error"><p class="meaning">{message("tab_unavailable", language)}</p></div>'


def intro(task_intro: Translated, info: BundleInfo, language: Language) -> str:
    """Return the introduction of a tab, with the names of the labels in its placeholder."""
    filled = task_intro.in_language(language).replace("{labels}", listed_names(info, language))
    return f'<p class="intro">{safe_html(filled)}</p>'


def disclaimer(task_disclaimer: Translated, language: Language) -> str:
    """Return the disclaimer of a task."""
    return f'<div class="disclaimer" role="note">{safe_html(task_disclaimer.in_language(language))}</div>'


def about(info: BundleInfo, language: Language) -> str:
    """Return the version of the model and its test results."""
    measured = info.metrics.get("test")
    if measured is None:
        return f'<div class="about"><p>{message("model_line", language, version=info.version)}</p></div>'
    heading = message("test_line", language, version=info.version, n=count(measured.n, language))
    rows = "".join(
        f"<li>{_metric(name, measured.metrics[name], language)}</li>" for name in METRICS if name in measured.metrics
    )
    return f'<div class="about"><p>{heading}</p><ul>{rows}</ul></div>'


def _metric(name: str, metric: Metric, language: Language) -> str:
    if name == "roc_auc":
        value, low, high = (decimal(number, language) for number in (metric.value, metric.low, metric.high))
    else:
        digits = 2 if metric.value > 0.99 else 1  # above 99 %, hundredths matter
        value, low, high = (percent(number, language, digits) for number in (metric.value, metric.low, metric.high))
    return message("metric_line", language, metric=text(name, language), value=value, low=low, high=high)


def _bars(prediction: Prediction, names: dict[str, str], language: Language) -> str:
    rows = "".join(
        f"<li><span>{escape(names[label])}</span>"
        f'<span class="bar"><span style="width:{probability * 100:.1f}%"></span></span>'
        f"<span>{escape(percent(probability, language))}</span></li>"
        for label, probability in prediction.top()
    )
    return f'<ol class="top">{rows}</ol>'


def _explanation(prediction: Prediction, language: Language) -> str:
    pixels, activation_map = prediction.pixels, prediction.activation_map
    if pixels is None:
        return ""
    if max(pixels.shape[:2]) < PIXEL_ART_SIDE:
        title, note, image = "what_it_saw", "", enlarged(pixels)
    elif activation_map is not None and prediction.verdict is not Verdict.REJECTED:
        title, note, image = "where_it_looked", text("heat_note", language), overlay(pixels, activation_map)
    else:
        return ""
    caption = f"<figcaption>{escape(note)}</figcaption>" if note else ""
    heading = message(title, language)
    return (
        f'<details class="{title}"><summary>{heading}</summary>'
        f'<figure><img src="{data_url(image)}" alt="{heading}">{caption}</figure></details>'
    )
