"""The words and numbers of the card in one language: the same figures, written as that language writes them."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from models.bundle import BundleInfo, Label, Metric
from train.evaluation.robustness import CONDITION_TITLES
from train.evaluation.tables import METRIC_TEXTS

Language = Literal["es", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

DECIMALS = ("log_loss", "brier")  # the other figures are shares, written as percentages
_COMMAS = str.maketrans(",.", ".,")

_FIGURES_ES = {
    "accuracy": "aciertos",
    "balanced_accuracy": "aciertos, cada etiqueta por igual",
    "sensitivity": "sensibilidad",
    "specificity": "especificidad",
    "roc_auc": "área ROC",
    "average_precision": "precisión media",
    "log_loss": "pérdida logarítmica",
    "brier": "Brier",
    "ece": "ECE",
    "ece_before": "ECE antes de la temperatura",
    "rejected": "rechazadas",
    "heat_inside": "calor en el tórax",
}
_CONDITIONS_ES = {
    "as_they_are": "tal cual",
    "borders_cropped": "recortado el 8 % de cada borde",
    "histogram_matched": "niveles de gris de otra imagen",
    "letters_blanked": "letras tapadas",
}


@dataclass(frozen=True)
class Words:
    """What a template of one language writes names and numbers with."""

    language: Language
    info: BundleInfo

    def figure(self, name: str) -> str:
        """What a figure is called."""
        return METRIC_TEXTS[name][0] if self.language == "en" else _FIGURES_ES[name]

    def condition(self, name: str) -> str:
        """What an alteration of the pictures is called."""
        return CONDITION_TITLES[name] if self.language == "en" else _CONDITIONS_ES[name]

    def split(self, name: str) -> str:
        """What a part of the data is called."""
        english = {"val": "validation", "test": "test"}
        return english[name] if self.language == "en" else {"val": "validación", "test": "prueba"}[name]

    def labels(self) -> str:
        """The labels: what the API answers, and the name where it is another."""
        return ", ".join(self._label(label) for label in self.info.labels)

    def value(self, name: str, metric: Metric) -> str:
        """The figure itself."""
        return self._measured(name, metric.value)

    def interval(self, name: str, metric: Metric) -> str:
        """Between which values 95 % of its resamples lie."""
        between = "to" if self.language == "en" else "a"
        low, high = self._measured(name, metric.low), self._measured(name, metric.high)
        return f"{low.removesuffix(' %')} {between} {high}"

    def share(self, value: float) -> str:
        """0.9443 is 94.43 %."""
        return self._written(f"{100 * value:.2f} %")

    def number(self, value: float, decimals: int = 2) -> str:
        """A number with so many decimals."""
        return self._written(f"{value:,.{decimals}f}")

    def count(self, value: int) -> str:
        """A whole number."""
        return self._written(f"{value:,}")

    def name(self, text: str) -> str:
        """A name that a person gave, such as a folder's, as text that Markdown leaves alone."""
        return re.sub(r"([\\`*_{}\[\]<>()#+!|~&$])", r"\\\1", " ".join(text.split()))

    def _label(self, label: Label) -> str:
        name = label.en if self.language == "en" else label.es
        return self.name(label.id) + ("" if name == label.id else f" ({self.name(name)})")

    def _measured(self, name: str, value: float) -> str:
        return self.number(value, 4) if name in DECIMALS else self.share(value)

    def _written(self, english: str) -> str:
        return english if self.language == "en" else english.translate(_COMMAS)
