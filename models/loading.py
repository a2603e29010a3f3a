"""Loading a bundle into a `Classifier` with the engine that serves it."""

from pathlib import Path

from models import bundle
from models.classifier import Classifier
from models.cores import available_cores
from models.engines.litert import LiteRTEngine


def load_classifier(directory: Path, workers: int | None = None, revision: str | None = None) -> Classifier:
    """Verify the bundle in `directory` and load it with `workers` interpreters (default: one a core).

    `revision` is the revision that responses report (default: the SHA-256 of the bundle's `vistazo.json`).
    Raises BundleError when the bundle is damaged or incomplete.
    """
    info = bundle.load(directory)
    engine = LiteRTEngine(directory / bundle.MODEL_NAME, workers or available_cores())
    return Classifier(info, engine, revision or bundle.describe_file(directory / bundle.INFO_NAME).sha256)
