"""Export a run as a bundle: convert to LiteRT, check against Keras, calibrate, measure, and write the card.

The same run gives the same bytes, except for the time of the export in `vistazo.json`. Export needs Keras with the
TensorFlow backend; the run may have been trained with any backend.
"""

import datetime
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from models import bundle
from models.arrays import pack
from models.bundle import BundleInfo, Data, Label, Measurement, Presentation
from models.classifier import Classifier, softmax
from models.engines.engine import Engine
from models.tasks import is_radiograph
from train import run as runs
from train.bundling.calibration import fit_rejection, fit_temperature, fit_thresholds
from train.bundling.card import render_card
from train.bundling.litert import convert
from train.errors import ExportError, RunError
from train.evaluation.charts import draw_charts
from train.evaluation.metrics import measure
from train.evaluation.predictions import Predictions, predict_all
from train.evaluation.robustness import measure_robustness
from train.exported_model import BUNDLE_FOLDER
from train.html import png
from train.learning.batches import load_all, picture_loader
from train.learning.corruptions import corrupted_copies
from train.manifest import MANIFEST_NAME, Row, class_indices, read_manifest
from train.run import CURVES_NAME, Run
from train.sources.datasets import credit_for

CHECKED_PICTURES = 200  # validation pictures on which LiteRT is compared to Keras
OOD_PICTURES = 4000  # training pictures for the statistics of OOD detection

Pixels = NDArray[np.uint8]


def export(directory: Path) -> Path:
    """Write the bundle of the run in `directory` to `directory/bundle` and return its path. Replaces an older bundle.

    All thresholds are fitted on the validation split. The test split is only measured, at the end.
    Raises ExportError when LiteRT and Keras disagree, RunError when the run or its data have changed.
    """
    if (backend := keras.backend.backend()) != "tensorflow":
        raise ExportError(f"export needs TensorFlow, but the Keras backend is {backend}: set KERAS_BACKEND=tensorflow")
    run = runs.read(directory)
    task_dir = Path(run.data_dir)
    rows = _rows_by_split(run, task_dir)
    network = keras.saving.load_model(directory, compile=False)
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        target = Path(temporary) / BUNDLE_FOLDER
        target.mkdir()
        for name in bundle.KERAS_FILES:
            shutil.copyfile(directory / name, target / name)
        (target / bundle.FIGURES).mkdir()
        if (directory / CURVES_NAME).is_file():  # runs of older versions do not have it
            shutil.copyfile(directory / CURVES_NAME, target / bundle.FIGURES / CURVES_NAME)
        _write_bundle(run, task_dir, rows, network, target)
        bundle.load(target)
        final = directory / BUNDLE_FOLDER
        shutil.rmtree(final, ignore_errors=True)
        target.rename(final)
    return final


def _rows_by_split(run: Run, task_dir: Path) -> dict[str, list[Row]]:
    rows = read_manifest(task_dir)
    if bundle.describe_file(task_dir / MANIFEST_NAME).sha256 != run.manifest_sha256:
        raise RunError(
            f"the split of {task_dir} has changed since this run, so export would mix training and test pictures: "
            "train again"
        )
    return {split: [row for row in rows if row.split == split] for split in ("train", "val", "test")}


def _write_bundle(run: Run, task_dir: Path, rows: dict[str, list[Row]], network: keras.Model, target: Path) -> None:
    recipe = run.recipe
    labels = tuple(recipe.labels)
    pixels = load_all(
        picture_loader(task_dir, rows["val"], recipe), len(rows["val"]), "validation pictures"
    )  # (N, H, W, C)
    truth = class_indices(rows["val"], labels)  # (N,)
    engine = convert(network, pixels[:: max(1, len(pixels) // CHECKED_PICTURES)], target / bundle.MODEL_NAME)

    sample = rows["train"][:: max(1, len(rows["train"]) // OOD_PICTURES)]
    train_pixels = load_all(picture_loader(task_dir, sample, recipe), len(sample), "training pictures")
    train_features, _ = _infer_all(engine, train_pixels)  # (M, D)
    if recipe.corrupted_validation:
        pixels, truth = np.concatenate([pixels, corrupted_copies(pixels)]), np.tile(truth, 2)
    features, logits = _infer_all(engine, pixels)  # (S * N, D), (S * N, K)
    temperature = fit_temperature(logits, truth)
    probabilities = softmax(logits / temperature).reshape(-1, len(rows["val"]), len(labels))  # (S, N, K)
    credit = credit_for(recipe.task)
    info = BundleInfo(
        schema_version=1,
        task=recipe.task,
        version=recipe.version,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        labels=tuple(Label(id=name, **names) for name, names in recipe.labels.items()),
        presentation=Presentation.model_validate(recipe.presentation) if recipe.presentation else None,
        modality=recipe.modality,
        input=recipe.input,
        preprocessing=recipe.preprocessing,
        temperature=temperature,
        thresholds=fit_thresholds(probabilities, truth[: len(rows["val"])], recipe),
        rejection=fit_rejection(train_features, features, recipe),
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
    predictions = {split: predict_all(classifier, task_dir, rows[split]) for split in ("val", "test")}
    metrics = {split: measure(predicted) for split, predicted in predictions.items()}
    robustness = None
    if is_radiograph(info):
        robustness = measure_robustness(classifier, task_dir, rows["train"], predictions["test"])
    info = info.model_copy(update={"metrics": metrics, "robustness": robustness})
    _draw_charts(predictions["test"], metrics["test"], target / bundle.FIGURES)
    figures = [path.name for path in (target / bundle.FIGURES).iterdir()]
    (target / bundle.CARD_NAME).write_text(render_card(info, credit, figures), encoding="utf-8", newline="\n")
    files = {path.relative_to(target).as_posix(): path for path in target.rglob("*") if path.is_file()}
    info = info.model_copy(update={"files": {name: bundle.describe_file(files[name]) for name in sorted(files)}})
    (target / bundle.INFO_NAME).write_text(info.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _draw_charts(predictions: Predictions, measured: Measurement, folder: Path) -> None:
    for name, (figure, _) in draw_charts(predictions, measured.metrics).items():
        (folder / name).write_bytes(png(figure))


def _infer_all(engine: Engine, pixels: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the pooled features (N, D) and the logits (N, K) of N pictures.

    One picture at a time: the feature maps of all of them would take a gigabyte.
    """
    features, logits = [], []
    for picture in pixels:
        outputs = engine.infer(picture[np.newaxis])
        features.append(outputs.features[0])
        logits.append(outputs.logits[0])
    return np.stack(features), np.stack(logits)


def _head(network: keras.Model) -> str | None:
    """Return the last layer's weights (K, D), packed, for class activation maps.

    None for a network with other dense layers between the pooled features and the last layer.
    """
    kernel = keras.ops.convert_to_numpy(network.get_layer("logits").kernel)
    channels = network.get_layer("features").output.shape[-1]
    dense_layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    return pack(kernel.T) if kernel.shape[0] == channels and len(dense_layers) == 1 else None
