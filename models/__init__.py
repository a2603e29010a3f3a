"""Trained models at run time: bytes in, `Prediction` out. Nothing here imports TensorFlow.

from models import Catalog

prediction = Catalog.load().get("digit").classify(picture_bytes)
print(prediction.label, prediction.confidence)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.catalog import Catalog
    from models.classifier import Classifier
    from models.loading import load_classifier
    from models.prediction import Prediction, Reason, Verdict

__all__ = ["Catalog", "Classifier", "Prediction", "Reason", "Verdict", "load_classifier"]

_MODULES = {
    "Catalog": "models.catalog",
    "Classifier": "models.classifier",
    "Prediction": "models.prediction",
    "Reason": "models.prediction",
    "Verdict": "models.prediction",
    "load_classifier": "models.loading",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562): a command line that needs none of them starts at once."""
    if name not in _MODULES:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
