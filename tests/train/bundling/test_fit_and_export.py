"""From pictures to a bundle that answers, on a set small enough for a test: printed digits."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from models import bundle
from models.bundle import BundleInfo
from models.loading import load_classifier
from tests.helpers.samples import printed_digits
from tests.helpers.small_task import backbone_in, task_in
from train import recipe, run
from train.bundling.exporter import export
from train.bundling.litert import TOLERANCE
from train.errors import DataError, ExportError, RunError
from train.learning.training import fit
from train.manifest import read_manifest
from train.recipe import Recipe

RECIPE = dataclasses.replace(recipe.load("digit"), epochs=4, batch_size=16, ema=0.0, warmup=0.1, seed=3)


@pytest.fixture(scope="module")
def task_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return printed_digits(tmp_path_factory.mktemp("data") / "digit", {"train": 40, "val": 10, "test": 10})


@dataclass(frozen=True)
class Trained:
    directory: Path
    run: run.Run
    bundle: Path
    info: BundleInfo


@pytest.fixture(scope="module")
def trained(task_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    directory = tmp_path_factory.mktemp("runs") / "digit"
    done = fit(RECIPE, task_dir, directory)
    exported = export(directory)
    return Trained(directory, done, exported, bundle.load(exported))


def test_training_learns_and_says_so(trained: Trained) -> None:
    assert trained.run.validation["accuracy"] > 0.8
    history = (trained.directory / run.HISTORY_NAME).read_text().splitlines()
    assert history[0].startswith("epoch,accuracy,")
    assert len(history) == 1 + RECIPE.epochs


def test_the_run_can_be_read_back(trained: Trained) -> None:
    assert run.read(trained.directory) == trained.run


def test_the_bundle_says_what_it_is(trained: Trained) -> None:
    manifest = trained.info
    assert manifest.label_ids == tuple("0123456789")
    assert manifest.data.train == 400
    assert manifest.recipe["epochs"] == RECIPE.epochs
    assert manifest.seeds == (3,)


def test_the_figures_are_those_of_the_shipped_network(trained: Trained, task_dir: Path) -> None:
    classifier = load_classifier(trained.bundle)
    rows = [row for row in read_manifest(task_dir) if row.split == "test"]
    right = [classifier.classify((task_dir / row.path).read_bytes()).label == row.label for row in rows]
    measured = trained.info.metrics["test"]
    assert measured.n == len(rows) == 100
    assert measured.metrics["accuracy"].value == pytest.approx(np.mean(right))
    assert measured.metrics["accuracy"].low <= np.mean(right) <= measured.metrics["accuracy"].high
    assert sum(map(sum, measured.confusion)) + measured.rejected == 100
    card = (trained.bundle / "README.md").read_text(encoding="utf-8")
    assert f"{measured.metrics['accuracy'].value:.2%}".replace("%", " %") in card


def test_litert_answers_as_keras_does(trained: Trained, task_dir: Path) -> None:
    network = keras.saving.load_model(trained.directory, compile=False)
    classifier = load_classifier(trained.bundle)
    for row in read_manifest(task_dir)[::40]:
        data = (task_dir / row.path).read_bytes()
        pixels = classifier.prepare(data).pixels
        assert pixels is not None
        logits = keras.ops.convert_to_numpy(network(pixels[np.newaxis].astype(np.float32)))[0]
        exponents = np.exp((logits - logits.max()) / trained.info.temperature)
        np.testing.assert_allclose(classifier.classify(data).probabilities, exponents / exponents.sum(), atol=TOLERANCE)


def test_an_export_of_other_splits_is_refused(trained: Trained, tmp_path: Path) -> None:
    described = json.loads((trained.directory / run.RUN_NAME).read_text())
    (tmp_path / run.RUN_NAME).write_text(json.dumps(described | {"manifest_sha256": "0" * 64}))
    with pytest.raises(RunError, match="has changed since this run"):
        export(tmp_path)


def test_an_export_without_tensorflow_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(ExportError, match="the Keras backend is jax: set KERAS_BACKEND=tensorflow"):
        export(tmp_path)


def test_a_directory_that_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run\.json cannot be read"):
        export(tmp_path)
    (tmp_path / run.RUN_NAME).write_text("{}")
    with pytest.raises(RunError, match="cannot be read by this version"):
        export(tmp_path)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pictures for tests that do not look at what is learnt."""
    return task_in(tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backbone of one convolution, which trains in half the time of the recipe's network."""
    return backbone_in(tmp_path_factory.mktemp("backbone"))


def test_streamed_pictures_train_as_held_ones(few: Path, backbone: Path, tmp_path: Path) -> None:
    """The same batches in the same order, so the same loss to the last digits that threads leave alone."""
    short = dataclasses.replace(RECIPE, arch="small", epochs=1, head_epochs=0, outlier_exposure=0.0)
    held = fit(short, few, tmp_path / "held", backbone)
    streamed = fit(dataclasses.replace(short, memory_gb=0.0), few, tmp_path / "streamed", backbone)
    assert streamed.validation["loss"] == pytest.approx(held.validation["loss"], rel=1e-3)


def test_averaged_weights_and_class_weights_train_too(few: Path, backbone: Path, tmp_path: Path) -> None:
    other = dataclasses.replace(
        RECIPE, arch="small", epochs=1, head_epochs=0, ema=0.9, class_weights=True, label_smoothing=0.1
    )
    assert fit(other, few, tmp_path / "run", backbone).validation["loss"] < 5


def test_a_backbone_learns_but_its_batch_norm_stays(few: Path, tmp_path: Path) -> None:
    pixels = keras.Input((28, 28, 3))
    x = keras.layers.Conv2D(8, 3, strides=4, padding="same", name="convolution")(pixels)
    backbone = keras.Model(pixels, keras.layers.BatchNormalization(name="norm")(x))
    backbone.save(tmp_path / "backbone.keras")
    transfer = dataclasses.replace(RECIPE, arch="small", epochs=1)
    fit(transfer, few, tmp_path / "run", tmp_path / "backbone.keras")

    learnt = keras.saving.load_model(tmp_path / "run", compile=False).get_layer("backbone")
    before, after = (model.get_layer("norm").moving_mean for model in (backbone, learnt))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(after), keras.ops.convert_to_numpy(before))
    before, after = (model.get_layer("convolution").kernel for model in (backbone, learnt))
    assert np.abs(keras.ops.convert_to_numpy(after) - keras.ops.convert_to_numpy(before)).max() > 1e-4


def _relabel(recipe_labels: Recipe) -> Recipe:
    return dataclasses.replace(recipe_labels, labels={"0": {"es": "cero", "en": "zero"}, "1": {"es": "1", "en": "1"}})


def test_labels_that_the_recipe_does_not_name_are_refused(task_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels that the recipe does not have, \['2', '3'"):
        fit(_relabel(RECIPE), task_dir, tmp_path)


def test_missing_data_say_which_command_fetches_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="python -m train fetch digit"):
        fit(RECIPE, tmp_path / "digit", tmp_path)
