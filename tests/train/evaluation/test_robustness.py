"""A network that reads the letter and not the lungs is found out, from its training to the card."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from models import bundle
from models.bundle import INFO_NAME, BundleInfo
from train import recipe
from train.__main__ import app
from train.bundling.card import render_card
from train.bundling.exporter import export
from train.evaluation.report import METRICS_NAME, PAGE_NAME
from train.evaluation.robustness import CONDITION_TITLES, ROBUSTNESS_NOTE
from train.evaluation.tables import robustness_rows
from train.learning.training import fit
from train.manifest import SPLITS, Row, write_manifest
from train.recipe import Augmentation
from train.sources.datasets import credit_for

SIZE = 32
RECIPE = dataclasses.replace(
    recipe.load("pneumonia", arch="mnist_cnn"),
    height=SIZE,
    width=SIZE,
    epochs=5,
    head_epochs=0,
    batch_size=8,
    learning_rate=3e-3,
    patience=5,
    ema=0.0,
    dropout=0.0,
    label_smoothing=0.0,
    corrupted_validation=False,
    augmentation=Augmentation(),
)
FIGURES = {"accuracy", "sensitivity", "specificity", "roc_auc", "rejected", "heat_inside"}


def radiograph(has_letter: bool, random: np.random.Generator) -> Image.Image:
    """A chest of chance shape and exposure that says nothing of its label; an R at the side says all."""
    y, x = np.mgrid[0:96, 0:96] / 96
    body = np.exp(-(((x - 0.5) / random.uniform(0.3, 0.36)) ** 4)) * random.uniform(110, 170)
    lungs = sum(np.exp(-(((x - side) / 0.1) ** 2) - ((y - 0.5) / 0.25) ** 2) for side in (0.35, 0.65))
    pixels = 20 + body - 60 * lungs + random.normal(0, 4, body.shape)
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if has_letter:
        ImageDraw.Draw(image).text((2, int(random.integers(30, 50))), "R", fill=255, font=ImageFont.load_default(11))
    return image


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on such pictures, exported, in a folder with its data."""
    folder = tmp_path_factory.mktemp("robustness")
    task_dir, random, rows = folder / "data" / "pneumonia", np.random.default_rng(0), []
    for split, count in zip(SPLITS, (80, 30, 30), strict=True):
        for label in ("normal", "pneumonia"):
            for number in range(count):
                path = task_dir / split / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                radiograph(label == "normal", random).save(path)
                rows.append(Row(path.relative_to(task_dir).as_posix(), label, split, f"{split}/{label}/{number // 2}"))
    write_manifest(task_dir, rows)
    fit(RECIPE, task_dir, folder / "run")
    export(folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def manifest(run: Path) -> BundleInfo:
    return bundle.load(run / "bundle")


def test_the_shortcut_is_found_out(manifest: BundleInfo) -> None:
    assert manifest.robustness is not None
    found = manifest.robustness
    assert list(found) == list(CONDITION_TITLES)
    assert found["as_they_are"]["roc_auc"].value > 0.95, "the letter tells the labels apart"
    for condition in ("borders_cropped", "letters_blanked"):
        assert 0.2 < found[condition]["roc_auc"].value < 0.8, "without it there is nothing to tell them apart"
        assert found[condition]["accuracy"].high < found["as_they_are"]["accuracy"].low
    assert found["histogram_matched"]["roc_auc"].value > 0.9, "a letter is a letter at any exposure"


def test_pictures_as_they_are_have_the_figures_of_the_test_split(manifest: BundleInfo) -> None:
    assert manifest.robustness is not None
    as_they_are, test = manifest.robustness["as_they_are"], manifest.metrics["test"]
    for name in ("accuracy", "sensitivity", "specificity", "roc_auc"):
        assert as_they_are[name] == test.metrics[name]
    assert as_they_are["rejected"].value == pytest.approx(test.rejected / test.n, abs=1e-5)


def test_every_condition_has_every_figure_with_its_interval(manifest: BundleInfo) -> None:
    assert manifest.robustness is not None
    for figures in manifest.robustness.values():
        assert set(figures) == FIGURES
        assert all(0 <= figure.low <= figure.value <= figure.high <= 1 for figure in figures.values())


def test_the_card_has_the_table(run: Path, manifest: BundleInfo) -> None:
    card = (run / "bundle" / "README.md").read_text(encoding="utf-8")
    assert manifest.robustness is not None
    assert "## Robustness" in card
    assert ROBUSTNESS_NOTE in card
    assert "not a segmentation" in card
    table = [line.strip("| ").split(" | ") for line in card.partition("## Robustness")[2].splitlines() if "|" in line]
    assert table[0] == ["metric", *CONDITION_TITLES.values()]
    (sensitivity,) = (row for row in table if row[0] == "sensitivity")
    for cell, figures in zip(sensitivity[1:], manifest.robustness.values(), strict=True):
        figure = figures["sensitivity"]
        assert cell == f"{100 * figure.value:.2f} % ({100 * figure.low:.2f} to {100 * figure.high:.2f} %)"
    assert len(table) == 2 + len(FIGURES)


def test_evaluate_measures_it_on_the_split_that_is_asked_for(run: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(run), "--split", "val"])
    assert done.exit_code == 0, done.output
    metrics = json.loads((run / "report-val" / METRICS_NAME).read_text(encoding="utf-8"))
    assert set(metrics["robustness"]) == set(CONDITION_TITLES)
    assert metrics["robustness"]["as_they_are"]["accuracy"] == metrics["figures"]["accuracy"]
    assert metrics["operating_point"]["label"] == "pneumonia"
    assert {"sensitivity", "specificity"} <= set(metrics["figures"])
    page = (run / "report-val" / PAGE_NAME).read_text(encoding="utf-8")
    assert "<h2>Robustness</h2>" in page
    assert "<h2>Not a diagnosis</h2>" in page
    value = metrics["robustness"]["letters_blanked"]["accuracy"]["value"]
    assert f"{value:.3f}" in page
    assert f"{value:.3f}" in done.output


def test_a_bundle_from_before_there_was_robustness_loads(run: Path, tmp_path: Path) -> None:
    old = shutil.copytree(run / "bundle", tmp_path / "old")
    described = json.loads((old / INFO_NAME).read_text(encoding="utf-8"))
    del described["robustness"]
    (old / INFO_NAME).write_text(json.dumps(described), encoding="utf-8")
    assert bundle.load(old).robustness is None


def test_a_metric_that_one_condition_lacks_is_a_dash_in_the_tables(manifest: BundleInfo) -> None:
    assert manifest.robustness is not None
    without = dict(manifest.robustness["letters_blanked"])
    del without["sensitivity"]  # as `heat_inside` where every picture is rejected
    lacking = dict(manifest.robustness) | {"letters_blanked": without}
    _, rows = robustness_rows(lacking)
    (cells,) = (cells for name, *cells in rows if name == "sensitivity")
    assert [cell == "-" for cell in cells] == [condition == "letters_blanked" for condition in lacking]
    card = render_card(manifest.model_copy(update={"robustness": lacking}), credit_for("pneumonia"), [])
    for name in ("sensitivity", "sensibilidad"):
        ends = [line.endswith("| - |") for line in card.splitlines() if line.startswith(f"| {name} |")]
        assert sum(ends) == 1
