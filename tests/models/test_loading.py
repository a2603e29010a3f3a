"""Every bundle either loads and predicts finite numbers, or is refused with a BundleError."""

import copy
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import bundle
from models.arrays import pack
from models.catalog import BUNDLED, Catalog
from models.classifier import Classifier
from models.engines.engine import Outputs
from models.errors import BundleError, ModelNotLoaded
from models.images.preprocessing import Prepared
from models.loading import load_classifier
from tests.helpers.bundles import reseal
from tests.helpers.project import example

FUZZ = 300
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1e308,
    -1e-308,
    float("nan"),
    "",
    "é" * 300,
    "AAAA",
    [],
    {},
    [[[]]],
    {"a": [0]},
)


def read(directory: Path) -> dict[str, Any]:
    info: dict[str, Any] = json.loads((directory / bundle.INFO_NAME).read_text(encoding="utf-8"))
    return info


def write(directory: Path, info: object) -> None:
    (directory / bundle.INFO_NAME).write_text(json.dumps(info), encoding="utf-8")


def containers(value: Any) -> list[Any]:
    """Every object and every list that is not empty, the outermost first."""
    if not isinstance(value, (dict, list)) or not value:
        return []
    inside = value.values() if isinstance(value, dict) else value
    return [value, *(found for item in inside for found in containers(item))]


def mutate(info: dict[str, Any], chance: random.Random) -> None:
    """Remove, replace, repeat or rename one thing."""
    for _ in range(chance.randint(1, 3)):
        place = chance.choice(containers(info)[:60])  # the first ones: the confusion tables are long
        key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
        match chance.randrange(5):
            case 0:
                del place[key]
            case 1 if isinstance(place, list):
                place.append(copy.deepcopy(place[key]))
            case 2 if isinstance(place, dict):
                place[str(chance.choice(VALUES))] = place.pop(key)
            case 3 if isinstance(place[key], str):
                place[key] = place[key][: chance.randrange(len(place[key]) + 1)]
            case _:
                place[key] = chance.choice(VALUES)
        if not info:
            return


def test_any_change_of_the_description_is_refused_or_harmless(bundle_copy: Path) -> None:
    chance, whole = random.Random(3), read(bundle_copy)
    picture = example("digit", 3).read_bytes()
    loaded = 0
    for _ in range(FUZZ):
        info = copy.deepcopy(whole)
        mutate(info, chance)
        write(bundle_copy, info)
        try:
            classifier = load_classifier(bundle_copy, workers=1)
        except BundleError:
            continue
        loaded += 1
        prediction = classifier.classify(picture)
        assert np.isfinite(prediction.probabilities).all()
        assert prediction.activation_map is None or np.isfinite(prediction.activation_map).all()
    assert 0 < loaded < FUZZ


def _labels(count: int) -> Callable[[dict[str, Any]], None]:
    def change(info: dict[str, Any]) -> None:
        info["labels"], info["head"] = info["labels"][:count], None

    return change


def _other_features(info: dict[str, Any]) -> None:
    info["head"] = None
    info["rejection"]["mean"] = pack(np.ones(64))
    info["rejection"]["components"] = pack(np.ones((64, 64)))


def _other_head(info: dict[str, Any]) -> None:
    info["rejection"], info["head"] = None, pack(np.ones((10, 64)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_labels(2), r"logits of shape \(1, 10\), expected \(1, 2\)"),
        (_other_features, r"features of shape \(1, 128\), expected \(1, 64\)"),
        (_other_head, r"features of shape \(1, 128\), expected \(1, 64\)"),
    ],
)
def test_a_description_that_does_not_fit_the_network_is_refused(
    bundle_copy: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    info = read(bundle_copy)
    change(info)
    write(bundle_copy, info)
    with pytest.raises(BundleError, match=message):
        load_classifier(bundle_copy, workers=1)


def test_a_network_for_another_input_is_refused(bundle_copy: Path) -> None:
    shutil.copy(BUNDLED / "flower" / bundle.MODEL_NAME, bundle_copy)
    reseal(bundle_copy)
    with pytest.raises(BundleError, match=r"takes pictures of 224 x 224 x 3, not of 28 x 28 x 1"):
        load_classifier(bundle_copy, workers=1)


def test_a_refused_bundle_is_an_entry_that_is_not_available(bundle_copy: Path) -> None:
    (bundle_copy / bundle.INFO_NAME).write_text("[" * 100_000, encoding="utf-8")
    entry = Catalog.load({"digit": bundle_copy}).entry("digit")
    assert entry.loaded is None
    assert "not JSON of finite numbers" in str(entry.error)


@pytest.mark.parametrize("damaged", ["logits", "features", "feature_map"])
def test_numbers_that_are_not_finite_are_never_a_prediction(damaged: str, classifiers: dict[str, Classifier]) -> None:
    info = classifiers["digit"].info

    class Broken:
        name = "broken"

        def infer(self, batch: NDArray[np.uint8]) -> Outputs:
            shapes = {"logits": (len(batch), 10), "features": (len(batch), 128), "feature_map": (len(batch), 7, 7, 128)}
            outputs = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
            outputs[damaged][..., 0] = np.nan
            return Outputs(**outputs)

    with pytest.raises(ModelNotLoaded, match="not finite"):
        Classifier(info, Broken(), "1").predict([Prepared(np.zeros((28, 28, 1), np.uint8))])
