"""The bundled networks answer: real bytes in, `Prediction` out."""

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.cam import class_activation_map
from models.classifier import Classifier, softmax
from models.engines.engine import Outputs
from models.images.preprocessing import Prepared
from models.prediction import Prediction, Reason, Verdict
from tests.helpers.project import EXAMPLES, ROOT

LABELLED = [
    *((EXAMPLES / "digit" / f"{digit}.png", "digit", digit) for digit in "23578"),
    *((path, "flower", path.name.split("-")[0]) for path in sorted((EXAMPLES / "flower").glob("*.jpg"))),
    *(
        (path, "pneumonia", "pneumonia" if path.name.startswith("person") else "normal")
        for path in sorted((EXAMPLES / "pneumonia").glob("*.jpeg"))
    ),
]


@dataclass(frozen=True)
class FixedEngine:
    """An engine with the same outputs for every picture: any object with `infer` can run a classifier."""

    logits: np.ndarray  # (K,)
    name: str = "fixed"

    def infer(self, batch: np.ndarray) -> Outputs:
        size = len(batch)
        features, feature_map = np.ones((size, 4), np.float32), np.ones((size, 7, 7, 4), np.float32)
        return Outputs(np.tile(self.logits, (size, 1)), features, feature_map)


def with_probabilities(classifier: Classifier, probabilities: list[float]) -> Prediction:
    """The prediction of a network that gives these calibrated probabilities, without OOD detection."""
    info = classifier.info.model_copy(update={"rejection": None, "head": None})
    logits = (np.log(probabilities) * info.temperature).astype(np.float64)
    pixels = np.zeros((info.input.height, info.input.width, info.input.channels), np.uint8)
    return Classifier(info, FixedEngine(logits), "test").predict([Prepared(pixels)])[0]


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


@pytest.mark.parametrize(("path", "task", "label"), LABELLED, ids=[path.name for path, _, _ in LABELLED])
def test_the_examples_get_their_labels(classifiers: dict[str, Classifier], path: Path, task: str, label: str) -> None:
    prediction = classifiers[task].classify(path.read_bytes())
    assert prediction.label == label
    assert prediction.confidence == prediction.probabilities[prediction.labels.index(label)]
    assert prediction.confidence > 0.5
    assert prediction.verdict is not Verdict.REJECTED
    assert sum(prediction.probabilities) == pytest.approx(1)
    assert prediction.activation_map is not None
    assert prediction.activation_map.max() == pytest.approx(1)
    assert prediction.activation_map.min() >= 0


@pytest.mark.parametrize("gray", [0, 128, 255])
def test_an_empty_canvas_is_rejected_and_no_digit(classifiers: dict[str, Classifier], gray: int) -> None:
    prediction = classifiers["digit"].classify(png(np.full((280, 280, 3), gray, np.uint8)))
    assert prediction.verdict is Verdict.REJECTED
    assert prediction.reason is Reason.BLANK
    assert prediction.label is None
    assert prediction.confidence == 0
    assert len(prediction.probabilities) == 10


def test_dark_on_light_is_the_same_digit(classifiers: dict[str, Classifier]) -> None:
    light = np.asarray(Image.open(EXAMPLES / "digit" / "7.png").convert("L"))
    digit = classifiers["digit"]
    assert digit.classify(png(255 - light)).probabilities == digit.classify(png(light)).probabilities


def test_many_threads_get_the_answers_of_one(classifiers: dict[str, Classifier]) -> None:
    digit = classifiers["digit"]
    pictures = [(EXAMPLES / "digit" / f"{n}.png").read_bytes() for n in "23578"]
    alone = [digit.classify(picture) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(digit.classify, pictures * 20))
    assert together == alone * 20


@pytest.mark.parametrize("task", ["digit", "flower", "pneumonia"])
def test_a_batch_gives_the_predictions_of_single_pictures(classifiers: dict[str, Classifier], task: str) -> None:
    classifier = classifiers[task]
    pictures = [path.read_bytes() for path in sorted((EXAMPLES / task).glob("*.*g"))]
    blank = png(np.full((280, 280, 3), 255, np.uint8))  # for digits it has no pixels, so there is no row of outputs
    prepared = [classifier.prepare(picture) for picture in (pictures[0], blank, *pictures[1:])]
    together = classifier.predict(prepared)
    assert together == [classifier.predict([one])[0] for one in prepared]
    for one, prediction in zip(prepared, together, strict=True):
        assert prediction.pixels is one.pixels
    assert classifier.predict([]) == []


def test_a_doubt_of_preprocessing_makes_the_answer_uncertain(classifiers: dict[str, Classifier]) -> None:
    digit = classifiers["digit"]
    sure = digit.prepare((EXAMPLES / "digit" / "7.png").read_bytes())
    prediction = digit.predict([Prepared(sure.pixels, Reason.SEVERAL_DIGITS)])[0]
    assert (prediction.label, prediction.verdict) == ("7", Verdict.UNCERTAIN)
    assert prediction.reason is Reason.SEVERAL_DIGITS


def test_the_operating_point_decides_pneumonia(classifiers: dict[str, Classifier]) -> None:
    pneumonia = classifiers["pneumonia"]
    operating = pneumonia.info.thresholds.operating
    assert operating is not None
    assert operating.label == "pneumonia"
    assert operating.probability != 0.5
    for share, label in ((operating.probability + 1e-6, "pneumonia"), (operating.probability - 1e-6, "normal")):
        assert with_probabilities(pneumonia, [1 - share, share]).label == label


def test_a_weak_signal_is_reported_as_one(classifiers: dict[str, Classifier]) -> None:
    """Between a normal and a sick chest lie pictures whose probability is past the operating point, below one half."""
    pneumonia = classifiers["pneumonia"]
    paths = sorted((EXAMPLES / "pneumonia").glob("*.jpeg"))
    healthy, sick = (pneumonia.prepare(paths[index].read_bytes()).pixels for index in (1, 2))
    assert healthy is not None
    assert sick is not None
    mixtures = [((1 - share) * healthy + share * sick).astype(np.uint8) for share in np.linspace(0, 1, 60)]
    predictions = pneumonia.predict([Prepared(mixture) for mixture in mixtures])
    weak = [prediction for prediction in predictions if prediction.reason is Reason.WEAK_SIGNAL]
    assert weak
    assert {(prediction.label, prediction.verdict) for prediction in weak} == {("pneumonia", Verdict.UNCERTAIN)}
    assert all(prediction.top()[0][0] == "normal" for prediction in weak)


def test_what_preprocessing_calls_unfamiliar_is_rejected(classifiers: dict[str, Classifier]) -> None:
    digit = classifiers["digit"]
    sure = digit.prepare((EXAMPLES / "digit" / "7.png").read_bytes())
    prediction = digit.predict([Prepared(sure.pixels, Reason.UNFAMILIAR)])[0]
    assert prediction.label is None
    assert prediction.verdict is Verdict.REJECTED
    assert prediction.probabilities[7] > 0.9, "filled in all the same"


@pytest.mark.parametrize(("task", "other"), [("pneumonia", "digit"), ("pneumonia", "flower"), ("flower", "digit")])
def test_a_picture_of_another_kind_is_rejected(classifiers: dict[str, Classifier], task: str, other: str) -> None:
    for path in sorted((EXAMPLES / other).glob("*.*g")):
        prediction = classifiers[task].classify(path.read_bytes())
        assert prediction.verdict is Verdict.REJECTED, path.name
        assert prediction.reason is Reason.UNFAMILIAR
        assert prediction.label is None
        assert sum(prediction.probabilities) == pytest.approx(1)


def test_an_answer_that_is_too_close_to_call_is_uncertain(classifiers: dict[str, Classifier]) -> None:
    flower = classifiers["flower"]
    confident = flower.info.thresholds.confident
    for first, expected in (
        (confident + 0.001, (Verdict.CONFIDENT, None)),
        (confident - 0.01, (Verdict.UNCERTAIN, Reason.LOW_CONFIDENCE)),
    ):
        prediction = with_probabilities(flower, [first, *[(1 - first) / 4] * 4])
        assert (prediction.verdict, prediction.reason) == expected


def test_where_no_label_reaches_its_least_the_picture_is_rejected(classifiers: dict[str, Classifier]) -> None:
    flower = classifiers["flower"]
    picture = sorted((EXAMPLES / "flower").glob("*.jpg"))[0].read_bytes()
    surest = max(flower.classify(picture).probabilities)

    def verdict(least: float) -> Verdict:
        thresholds = flower.info.thresholds.model_copy(update={"rejected": least})
        info = flower.info.model_copy(update={"thresholds": thresholds})
        return Classifier(info, flower._engine, "test").classify(picture).verdict

    assert verdict(surest - 1e-6) is not Verdict.REJECTED
    assert verdict(surest + 1e-6) is Verdict.REJECTED


def test_softmax_survives_large_logits() -> None:
    probabilities = softmax(np.array([1000.0, 0.0, -1000.0]))
    assert probabilities == pytest.approx([1, 0, 0])


def test_the_heat_map_points_at_the_active_place() -> None:
    feature_map = np.zeros((7, 7, 3), np.float32)
    feature_map[2, 5, 1] = 4
    heat = class_activation_map(feature_map, np.array([0, 1, 0], np.float32))
    assert heat[2, 5] == 1
    assert heat.max() == 1


def test_an_activation_that_speaks_against_the_label_is_no_heat() -> None:
    heat = class_activation_map(np.ones((7, 7, 1), np.float32), np.array([-1], np.float32))
    assert heat.max() == 0


WITHOUT_TENSORFLOW = """
import importlib.abc, json, sys
TRAINING = ("tensorflow", "keras", "sklearn", "scipy", "matplotlib", "torch", "jax")

class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in TRAINING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
from pathlib import Path
from models.catalog import Catalog
labels = {}
for entry in Catalog.load().entries:
    picture = next(p for p in sorted(Path("serving/examples", entry.task).iterdir()) if p.suffix != ".md")
    labels[entry.task] = entry.loaded.classify(picture.read_bytes()).label
print(json.dumps([labels, [name for name in TRAINING if name in sys.modules]]))
"""


def test_serving_needs_no_tensorflow() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW], cwd=ROOT, capture_output=True, text=True, check=True
    )
    labels, imported = json.loads(done.stdout)
    assert labels == {"pneumonia": "normal", "digit": "2", "flower": "daisy"}
    assert imported == []
