"""Loading a bundle into a `Classifier` with the engine that serves it."""

from pathlib import Path

import numpy as np

from models import bundle
from models.bundle import BundleInfo
from models.classifier import Classifier
from models.cores import available_cores
from models.engines.engine import Engine
from models.engines.litert import LiteRTEngine
from models.errors import BundleError


def load_classifier(directory: Path, revision: str | None = None, workers: int | None = None) -> Classifier:
    """Verify the bundle in `directory` and load it with `workers` interpreters (default: one a core).

    `revision` is the revision that responses report (default: the SHA-256 of the bundle's `vistazo.json`). Raises
    BundleError when the bundle is damaged, incomplete or inconsistent.
    """
    info = bundle.load(directory)
    revision = revision or bundle.describe_file(directory / bundle.INFO_NAME).sha256
    return build_classifier(info, directory / bundle.MODEL_NAME, workers or available_cores(), revision)


def build_classifier(info: BundleInfo, network: Path | bytes, interpreters: int, revision: str) -> Classifier:
    """Return a classifier with a network, given as the path or the content of its file.

    The network runs once, so that its outputs can be compared with the description. Raises BundleError.
    """
    name = str(network) if isinstance(network, Path) else f"the network of {info.task!r}"
    try:
        engine = LiteRTEngine(network, interpreters)
        _check_outputs(engine, info, name)
        return Classifier(info, engine, revision)
    except BundleError:
        raise
    except Exception as error:  # an interpreter fails in many ways on a network that it cannot run
        raise BundleError(f"{name} cannot be run ({type(error).__name__}): export the bundle again") from error


def _check_outputs(engine: Engine, info: BundleInfo, name: str) -> None:
    """Run the network on a black picture. Raises BundleError when its outputs do not fit the bundle."""
    size = info.input
    outputs = engine.infer(np.zeros((1, size.height, size.width, size.channels), np.uint8))
    logits, features, feature_map = outputs.logits.shape, outputs.features.shape, outputs.feature_map.shape
    expected = info.features or features[-1]
    for output, shape, sides in (
        ("logits", logits, (1, len(info.labels))),
        ("features", features, (1, expected)),
        ("feature_map", feature_map, (1, *feature_map[1:3], expected)),
    ):
        if shape != sides:
            raise BundleError(f"{name} has {output} of shape {shape}, expected {sides}: export the bundle again")
    if not all(np.isfinite(values).all() for values in (outputs.logits, outputs.features, outputs.feature_map)):
        raise BundleError(f"{name} gives numbers that are not finite: train and export again")
