"""The model card: README.md of a bundle, in Spanish and English.

The text is in `templates`: `es` and `en` have the same content, with one file per built-in task in `tasks`; `code` has
the code examples, which both languages show. All numbers come from the bundle's info, so both languages agree.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from models.bundle import BundleInfo, Measurement
from models.tasks import presentation_of
from train.bundling.calibration import NO_REJECTION
from train.bundling.card_text import LANGUAGES, CardFormatter
from train.bundling.front_matter import card_metadata
from train.evaluation.radiographs import THORAX, THORAX_CROPPED, box_area
from train.evaluation.robustness import ROBUSTNESS_NOTE
from train.recipe import with_current_keys
from train.sources.datasets import Credit

TEMPLATES = Path(__file__).parent / "templates"
FROM_SCRATCH = ("mnist_cnn", "cnn")  # the other architectures start from ImageNet weights
# Recipe settings that decide how the network learns. Other sections of the card have the rest; vistazo.json has all.
RECIPE_SETTINGS = (
    "epochs",
    "head_epochs",
    "batch_size",
    "learning_rate",
    "head_learning_rate",
    "schedule",
    "warmup",
    "weight_decay",
    "dropout",
    "label_smoothing",
    "mixup",
    "class_weights",
    "balanced_sampling",
    "ema",
    "swa",
    "patience",
    "outlier_exposure",
    "mixed_precision",
)


def render_card(info: BundleInfo, credit: Credit, figures: Iterable[str]) -> str:
    """Return the card as Markdown with front matter. `figures` are the file names in the bundle's folder of PNGs."""
    info = info.model_copy(update={"recipe": with_current_keys(info.recipe)})
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(),  # of HTML only: Markdown is escaped by `CardFormatter.escape`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    variables = _template_variables(info, credit) | {"figures": frozenset(figures)}
    halves = {
        language: environment.get_template(f"{language}/card.md").render(variables, fmt=CardFormatter(language, info))
        for language in LANGUAGES
    }
    text = environment.get_template("card.md").render(
        variables, **halves, disclaimer=presentation_of(info.task, info).disclaimer
    )
    return f"---\n{card_metadata(info, credit).to_yaml()}\n---\n\n{text}"


def _template_variables(info: BundleInfo, credit: Credit) -> dict[str, Any]:
    """Return the template variables that do not depend on the language."""
    rejection = info.rejection
    return {
        "info": info,
        "task_template": _task_template(info.task),
        "credit": credit,
        "data_license": credit.license.partition(",")[0],
        "pretrained": info.recipe["arch"] not in FROM_SCRATCH,
        "settings": _recipe_settings(info.recipe),
        "detects_ood": rejection is not None and rejection.threshold < NO_REJECTION,
        "prevalence": _prevalence(info),
        "robustness_note": ROBUSTNESS_NOTE,
        "thorax": box_area(THORAX),
        "thorax_cropped": box_area(THORAX_CROPPED),
    }


def _task_template(task: str) -> str:
    """Return the name of the task's own template in `es/tasks` and `en/tasks`, or of the one for a user's folder."""
    own = f"{task}.md"
    return own if all((TEMPLATES / language / "tasks" / own).is_file() for language in LANGUAGES) else "folder.md"


def _recipe_settings(recipe: dict[str, Any]) -> dict[str, str]:
    """Return the settings that are switched on, by their names in the recipe."""
    augmentation = {f"augmentation.{name}": value for name, value in recipe.get("augmentation", {}).items()}
    settings = {name: recipe.get(name) for name in RECIPE_SETTINGS} | augmentation
    return {name: _format_setting(value) for name, value in settings.items() if value}


def _format_setting(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _prevalence(info: BundleInfo) -> float | None:
    """Return the share of the positive label among the test pictures that were not rejected."""
    operating, measured = info.thresholds.operating, info.metrics.get("test")
    if operating is None or measured is None:
        return None
    return _share_of_label(measured, info.label_ids.index(operating.label))


def _share_of_label(measured: Measurement, label: int) -> float:
    return sum(measured.confusion[label]) / max(sum(map(sum, measured.confusion)), 1)
