"""Names and numbers of the model card in Spanish and English."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from models.bundle import BundleInfo, Label, Metric
from train.evaluation.robustness import CONDITION_TITLES
from train.evaluation.tables import METRIC_TEXTS

Language = Literal["es", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

NOT_PERCENTAGES = ("log_loss", "brier")  # the other metrics are shares, written as percentages
_SWAP_SEPARATORS = str.maketrans(",.", ".,")  # 1,234.5 in English is 1.234,5 in Spanish

_METRIC_NAMES_ES = {
    "accuracy": "exactitud",
    "balanced_accuracy": "exactitud equilibrada",
    "sensitivity": "sensibilidad",
    "specificity": "especificidad",
    "roc_auc": "área bajo la curva ROC",
    "average_precision": "precisión media",
    "log_loss": "pérdida logarítmica",
    "brier": "puntuación de Brier",
    "ece": "ECE",
    "ece_before": "ECE antes de ajustar la temperatura",
    "rejected": "rechazadas",
    "heat_inside": "mapa de activación en el tórax",
}
_CONDITIONS_ES = {
    "as_they_are": "sin cambios",
    "borders_cropped": "recortado el 8 % de cada borde",
    "histogram_matched": "niveles de gris de otra imagen",
    "letters_blanked": "letras tapadas",
}
_SPLITS = {"es": {"val": "validación", "test": "prueba"}, "en": {"val": "validation", "test": "test"}}


@dataclass(frozen=True)
class CardFormatter:
    """Write names and numbers in one language. The templates of the card use it as `fmt`."""

    language: Language
    info: BundleInfo

    def metric_name(self, name: str) -> str:
        """Return the name of a metric."""
        return METRIC_TEXTS[name][0] if self.language == "en" else _METRIC_NAMES_ES[name]

    def condition(self, name: str) -> str:
        """Return the name of a condition of the robustness table."""
        return CONDITION_TITLES[name] if self.language == "en" else _CONDITIONS_ES[name]

    def split(self, name: str) -> str:
        """Return the name of a split of the data."""
        return _SPLITS[self.language][name]

    def labels(self) -> str:
        """Return all labels, as the API returns them, with their names in brackets if these are different."""
        return ", ".join(self._label(label) for label in self.info.labels)

    def label(self, label_id: str) -> str:
        """Return one label, as `labels` does."""
        return next(self._label(label) for label in self.info.labels if label.id == label_id)

    def value(self, name: str, metric: Metric) -> str:
        """Return the value of a metric."""
        return self._metric_number(name, metric.value)

    def interval(self, name: str, metric: Metric) -> str:
        """Return the 95 % interval of a metric."""
        between = "to" if self.language == "en" else "a"
        low, high = self._metric_number(name, metric.low), self._metric_number(name, metric.high)
        return f"{low.removesuffix(' %')} {between} {high}"

    def percent(self, share: float) -> str:
        """Return a share as a percentage: 0.9443 as 94.43 %."""
        return self._localize(f"{100 * share:.2f} %")

    def number(self, value: float, decimals: int = 2) -> str:
        """Return a number with this many decimals."""
        return self._localize(f"{value:,.{decimals}f}")

    def count(self, value: int) -> str:
        """Return an integer with thousands separators."""
        return self._localize(f"{value:,}")

    def escape(self, text: str) -> str:
        """Escape a name that a user chose, such as that of a folder, so that Markdown shows it literally."""
        return re.sub(r"([\\`*_{}\[\]<>()#+!|~&$])", r"\\\1", " ".join(text.split()))

    def _label(self, label: Label) -> str:
        name = label.en if self.language == "en" else label.es
        return self.escape(label.id) + ("" if name == label.id else f" ({self.escape(name)})")

    def _metric_number(self, name: str, value: float) -> str:
        return self.number(value, 4) if name in NOT_PERCENTAGES else self.percent(value)

    def _localize(self, english: str) -> str:
        return english if self.language == "en" else english.translate(_SWAP_SEPARATORS)
