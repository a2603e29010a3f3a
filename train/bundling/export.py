"""From a run to a bundle: convert to LiteRT, check against Keras, calibrate, measure, draw, describe.

The same run gives the same bytes, but for the time of the export in `vistazo.json`.

Runs on Keras' TensorFlow backend, whichever backend trained.
"""

import datetime
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from models import bundle
from models.bundle import BundleInfo, Data, Label, Measurement
from models.classifier import Classifier, softmax
from models.engines.litert import LiteRTEngine, Outputs
from models.ood import pack
from train import run as runs
from train.bundling.calibrate import fit_rejection, fit_temperature, fit_thresholds
from train.bundling.card import card
from train.bundling.litert import convert
from train.errors import ExportError, RunError
from train.evaluation.charts import charts
from train.evaluation.metrics import measure
from train.evaluation.predictions import Predictions, predict_all
from train.evaluation.robustness import FOR, measure_robustness
from train.exported_model import BUNDLE
from train.html import png
from train.learning.batches import class_indices, load_all, picture_loader
from train.learning.corruptions import corrupted_copies
from train.manifest import MANIFEST_NAME, Row, read_manifest
from train.run import CURVES_NAME, Run
from train.sources.datasets import credit_for

CHECKED = 200  # validation pictures on which LiteRT must answer as Keras does
TRAINING_FEATURES = 4000  # pictures that the rejection statistics are made from

Pixels = NDArray[np.uint8]


def export(directory: Path) -> Path:
    """Write the bundle of the run in `directory` to `directory/bundle`, replacing an older one, and return its path.

    Everything that decides an answer is fitted on validation; the test split is only measured, at the end.
    Raises ExportError when LiteRT and Keras disagree, RunError when the run or its data are not what they were.
    """
    if keras.backend.backend() != "tensorflow":
        raise ExportError(f"export needs KERAS_BACKEND=tensorflow, it is {keras.backend.backend()}: set it so")
    run = runs.read(directory)
    task_dir = Path(run.data_dir)
    rows = _rows(run, task_dir)
    network = keras.saving.load_model(directory, compile=False)
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        target = Path(temporary) / BUNDLE
        target.mkdir()
        for name in bundle.KERAS_FILES:
            shutil.copyfile(directory / name, target / name)
        (target / bundle.FIGURES).mkdir()
        if (directory / CURVES_NAME).is_file():  # runs of older versions have none
            shutil.copyfile(directory / CURVES_NAME, target / bundle.FIGURES / CURVES_NAME)
        _write(run, task_dir, rows, network, target)
        bundle.load(target)
        final = directory / BUNDLE
        shutil.rmtree(final, ignore_errors=True)
        target.rename(final)
    return final


def _rows(run: Run, task_dir: Path) -> dict[str, list[Row]]:
    rows = read_manifest(task_dir)
    if bundle.describe_file(task_dir / MANIFEST_NAME).sha256 != run.manifest_sha256:
        raise RunError(f"{task_dir} was split anew since this run: export would mix its splits; fit again")
    return {split: [row for row in rows if row.split == split] for split in ("train", "val", "test")}


def _write(run: Run, task_dir: Path, rows: dict[str, list[Row]], network: keras.Model, target: Path) -> None:
    recipe = run.recipe
    labels = tuple(recipe.labels)
    pixels = load_all(picture_loader(task_dir, rows["val"], recipe), len(rows["val"]), "validation pictures")
    truth = class_indices(rows["val"], labels)
    engine = convert(network, pixels[:: max(1, len(pixels) // CHECKED)], target / bundle.MODEL_NAME)

    few = rows["train"][:: max(1, len(rows["train"]) // TRAINING_FEATURES)]
    train_pixels = load_all(picture_loader(task_dir, few, recipe), len(few), "training pictures")
    train_features = np.stack([outputs.features for outputs in _infer(engine, train_pixels)])
    if recipe.corrupted_validation:
        pixels, truth = np.concatenate([pixels, corrupted_copies(pixels)]), np.tile(truth, 2)
    validation = _infer(engine, pixels)
    logits = np.stack([outputs.logits for outputs in validation])
    temperature = fit_temperature(logits, truth)
    probabilities = softmax(logits / temperature).reshape(-1, len(rows["val"]), len(labels))
    credit = credit_for(recipe.task)
    info = BundleInfo(
        schema_version=1,
        task=recipe.task,
        version=recipe.version,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        labels=tuple(Label(id=name, **names) for name, names in recipe.labels.items()),
        input=recipe.input,
        preprocessing=recipe.preprocessing,
        temperature=temperature,
        thresholds=fit_thresholds(probabilities, truth[: len(rows["val"])], recipe),
        rejection=fit_rejection(train_features, np.stack([outputs.features for outputs in validation]), recipe),
        head=_head(network),
        metrics={},
        recipe=recipe.as_dict(),
        seeds=(recipe.seed,),
        data=Data(
            name=credit.name,
            license=credit.license,
            fingerprint=run.manifest_sha256,
            **{split: len(part) for split, part in rows.items()},
        ),
        source_commit=run.source_commit,
        machine=run.machine,
        training_minutes=run.minutes,
        files={bundle.MODEL_NAME: bundle.describe_file(target / bundle.MODEL_NAME)},
    )
    classifier = Classifier(info, engine, revision="unreleased")
    answers = {split: predict_all(classifier, task_dir, rows[split]) for split in ("val", "test")}
    metrics = {split: measure(answered) for split, answered in answers.items()}
    robustness = None
    if recipe.preprocessing == FOR:
        robustness = measure_robustness(classifier, task_dir, rows["train"], answers["test"])
    info = info.model_copy(update={"metrics": metrics, "robustness": robustness})
    _draw(answers["test"], metrics["test"], target / bundle.FIGURES)
    figures = [path.name for path in (target / bundle.FIGURES).iterdir()]
    (target / bundle.CARD_NAME).write_text(card(info, credit, figures), encoding="utf-8", newline="\n")
    files = {path.relative_to(target).as_posix(): path for path in target.rglob("*") if path.is_file()}
    info = info.model_copy(update={"files": {name: bundle.describe_file(files[name]) for name in sorted(files)}})
    (target / bundle.INFO_NAME).write_text(info.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _draw(answers: Predictions, measured: Measurement, folder: Path) -> None:
    for name, (figure, _) in charts(answers, measured.metrics).items():
        (folder / name).write_bytes(png(figure))


def _infer(engine: LiteRTEngine, pixels: Pixels) -> list[Outputs]:
    return [engine.infer(picture) for picture in pixels]


def _head(network: keras.Model) -> str | None:
    """The last layer's weights (K, D), where it reads the pooled features and so has a class activation map."""
    kernel = keras.ops.convert_to_numpy(network.get_layer("logits").kernel)
    channels = network.get_layer("features").output.shape[-1]
    hidden = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    return pack(kernel.T) if kernel.shape[0] == channels and len(hidden) == 1 else None
