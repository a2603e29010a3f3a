"""The model card: README.md of a bundle, in Spanish and English, written from its info so that they agree.

The texts are in `templates`: `es` and `en` say the same; `code` holds the snippets, which both show.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models import bundle
from models.bundle import BundleInfo, Measurement
from train import recipe
from train.bundling.calibrate import NOTHING_REJECTED
from train.bundling.card_text import LANGUAGES, Words
from train.bundling.front_matter import LICENSE, front_matter
from train.evaluation.radiographs import THORAX, THORAX_CROPPED, area
from train.evaluation.robustness import NOTE
from train.sources.datasets import DATASETS, Credit

TEMPLATES = Path(__file__).parent / "templates"
FROM_SCRATCH = ("mnist_cnn", "cnn")  # the other architectures start from weights that saw ImageNet
# Of the recipe: what decides how the network learns. The sections of the card say the rest, vistazo.json says all.
CHOICES = (
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

NOT_A_DIAGNOSIS = (
    "This model was trained on X-rays of children of one hospital. It is for teaching and must not be used to decide "
    "anything about a patient."
)


def card(info: BundleInfo, credit: Credit, figures: Iterable[str]) -> str:
    """The card's text, Markdown with front matter. `figures` are the names of the bundle's pictures."""
    environment = Environment(  # noqa: S701 (Markdown; what a person has named is escaped by `Words.name`)
        loader=FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    info = info.model_copy(update={"recipe": recipe.with_current_keys(info.recipe)})
    known = _known(info, credit) | {"figures": frozenset(figures)}
    halves = {
        language: environment.get_template(f"{language}/card.md").render(known, w=Words(language, info))
        for language in LANGUAGES
    }
    whole = environment.get_template("card.md").render(known, **halves, not_a_diagnosis=NOT_A_DIAGNOSIS)
    return f"---\n{front_matter(info, credit).to_yaml()}\n---\n\n{whole}"


def _known(info: BundleInfo, credit: Credit) -> dict[str, Any]:
    """What both languages are written from."""
    arch = info.recipe["arch"]
    rejection = info.rejection
    return {
        "m": info,
        "about": info.task if info.task in DATASETS else "own",
        "credit": credit,
        "data_license": credit.license.partition(",")[0],
        "license": LICENSE,
        "pretrained": arch not in FROM_SCRATCH,
        "choices": _choices(info.recipe),
        "refuses": rejection is not None and rejection.threshold < NOTHING_REJECTED,
        "prevalence": _prevalence(info),
        "robustness_note": NOTE,
        "thorax": area(THORAX),
        "thorax_cropped": area(THORAX_CROPPED),
        "keras_files": bundle.KERAS_FILES,
    }


def _choices(stored: dict[str, Any]) -> dict[str, str]:
    """The choices that are made, by their names in the recipe."""
    augmentation = {f"augmentation.{name}": value for name, value in stored.get("augmentation", {}).items()}
    chosen = {name: stored.get(name) for name in CHOICES} | augmentation
    return {name: _plain(value) for name, value in chosen.items() if value}


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _prevalence(info: BundleInfo) -> float | None:
    """The share of the test pictures that show the label looked for, as far as they were answered."""
    operating, measured = info.thresholds.operating, info.metrics.get("test")
    if operating is None or measured is None:
        return None
    return _share(measured, info.label_ids.index(operating.label))


def _share(measured: Measurement, label: int) -> float:
    return sum(measured.confusion[label]) / max(sum(map(sum, measured.confusion)), 1)
