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


def load_classifier(directory: Path, workers: int | None = None, revision: str | None = None) -> Classifier:
    """Verify the bundle in `directory` and load it with `workers` interpreters (default: one a core).

    The network runs once, so that its outputs can be compared with the bundle. `revision` is the revision that
    responses report (default: the SHA-256 of the bundle's `vistazo.json`). Raises BundleError when the bundle is
    damaged, incomplete or inconsistent.
    """
    info = bundle.load(directory)
    path = directory / bundle.MODEL_NAME
    try:
        engine = LiteRTEngine(path, workers or available_cores())
        _check_outputs(engine, info, path)
        return Classifier(info, engine, revision or bundle.describe_file(directory / bundle.INFO_NAME).sha256)
    except BundleError:
        raise
    except Exception as error:  # an interpreter fails in many ways on a network that it cannot run
        raise BundleError(f"{path} cannot be run ({type(error).__name__}): export the bundle again") from error


def _check_outputs(engine: Engine, info: BundleInfo, path: Path) -> None:
    """Run the network on a black picture. Raises BundleError when its outputs do not fit the bundle."""
    size = info.input
    outputs = engine.infer(np.zeros((1, size.height, size.width, size.channels), np.uint8))
    logits, features, feature_map = outputs.logits.shape, outputs.features.shape, outputs.feature_map.shape
    expected = info.features or features[-1]
    for name, shape, sides in (
        ("logits", logits, (1, len(info.labels))),
        ("features", features, (1, expected)),
        ("feature_map", feature_map, (1, *feature_map[1:3], expected)),
    ):
        if shape != sides:
            raise BundleError(f"{path} has {name} of shape {shape}, expected {sides}: export the bundle again")
    if not all(np.isfinite(output).all() for output in (outputs.logits, outputs.features, outputs.feature_map)):
        raise BundleError(f"{path} gives numbers that are not finite: train and export again")
