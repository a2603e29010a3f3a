"""Comparing runs: the statistics against textbooks, and the command on real, tiny runs."""

import dataclasses
import io
import json
import shutil
from collections.abc import Callable
from math import comb
from pathlib import Path

import keras
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from models import bundle
from models.bundle import BundleInfo
from models.catalog import BUNDLED
from models.prediction import Prediction, Verdict
from tests.helpers.tiny_runs import TinyRuns
from train.__main__ import app
from train.comparison.comparison import ComparedModel, Comparison, compare, group_by_recipe
from train.comparison.report import CHART, JSON, MARKDOWN, chart
from train.comparison.significance import holm, mcnemar_p_value, paired_differences
from train.comparison.tables import markdown, show
from train.errors import DataError, RunError
from train.evaluation.metrics import bootstrap_metrics, metric_functions
from train.evaluation.predictions import Predictions
from train.learning.corruptions import CORRUPTIONS
from train.manifest import MANIFEST_NAME, Row

NAMES = ("seed-1", "seed-2", "smooth")


@pytest.fixture(scope="module")
def runs(tiny_runs: TinyRuns) -> Path:
    """The folder of the runs that NAMES has, which differ in one setting each."""
    for name in NAMES:
        assert tiny_runs[name].parent == tiny_runs.directory
    return tiny_runs.directory


@pytest.fixture(scope="module")
def comparison(runs: Path) -> Comparison:
    return compare([runs / name for name in NAMES], "val")


def answers(right: list[bool], groups: list[int] | None = None) -> Predictions:
    """Predictions for pictures of class 0, with the wrong ones of class 1."""
    rows = tuple(Row(str(n), "a", "val", str(group)) for n, group in enumerate(groups or range(len(right))))
    predictions = tuple(
        Prediction("t", ("a", "b"), (0.8, 0.2) if ok else (0.3, 0.7), Verdict.CONFIDENT, int(not ok)) for ok in right
    )
    return Predictions(("a", "b"), None, 1.0, rows, np.zeros(len(right), np.int64), predictions)


def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs() -> None:
    assert mcnemar_p_value(0, 0) == 1
    assert mcnemar_p_value(1, 0) == 1
    assert mcnemar_p_value(7, 7) == 1
    assert mcnemar_p_value(5, 15) == pytest.approx(2 * sum(comb(20, k) for k in range(6)) / 2**20)  # 0.0414
    assert mcnemar_p_value(15, 5) == mcnemar_p_value(5, 15)


def test_holm_is_that_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02]) == [0.02]


def test_the_same_answers_differ_by_nothing() -> None:
    some = answers([True] * 70 + [False] * 30)
    for metric in paired_differences(some, some).values():
        assert (metric.value, metric.low, metric.high) == (0, 0, 0)


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    """Both fail on the same 30 of 100 pictures, the second on four fewer."""
    first, second = answers([True] * 70 + [False] * 30), answers([True] * 74 + [False] * 26)
    paired = paired_differences(first, second)["accuracy"]
    alone = bootstrap_metrics(metric_functions(first), first.groups)["accuracy"]
    assert paired.value == pytest.approx(0.04)
    assert 0 < paired.low < 0.04 < paired.high < 0.09
    assert alone.high - alone.low > 2 * (paired.high - paired.low)


def test_a_difference_within_one_group_is_unsure() -> None:
    groups = [*range(70), *[70] * 4, *range(71, 97)]  # the four pictures that differ are of one patient
    first = answers([True] * 70 + [False] * 30, groups)
    second = answers([True] * 74 + [False] * 26, groups)
    paired = paired_differences(first, second)["accuracy"]
    assert paired.value == pytest.approx(0.04)
    assert paired.low == 0


def test_the_figures_are_those_of_the_bundles(comparison: Comparison, runs: Path) -> None:
    assert [model.name for model in comparison.models] == list(NAMES)
    assert (comparison.task, comparison.split, comparison.pictures, comparison.groups) == ("digit", "val", 60, 60)
    for model in comparison.models:
        manifest = bundle.load(runs / model.name / "bundle")
        assert model.measured == manifest.metrics["val"]
        assert model.megabytes == pytest.approx(manifest.files[bundle.MODEL_NAME].size / 1e6)
        assert model.latency_ms > 0


def test_differences_are_to_the_first(comparison: Comparison) -> None:
    first, *others = comparison.models
    assert first.differences is None
    assert first.mcnemar is None
    for model in others:
        assert model.differences is not None
        assert model.mcnemar is not None
        accuracy, baseline = (each.measured.metrics["accuracy"].value for each in (model, first))
        assert model.differences["accuracy"].value == pytest.approx(accuracy - baseline, abs=2e-5)
        gained = model.mcnemar.only_this - model.mcnemar.only_first
        assert gained == round((accuracy - baseline) * comparison.pictures)
        assert model.mcnemar.p <= model.mcnemar.p_holm <= 1


def test_a_run_against_itself(runs: Path) -> None:
    twice = compare([runs / "seed-1", runs / "seed-1" / "bundle"], "val", runs / "data")
    other = twice.models[1]
    assert [model.name for model in twice.models] == ["seed-1", "seed-1 (2)"]
    assert other.differences is not None
    assert other.mcnemar is not None
    assert {(each.value, each.low, each.high) for each in other.differences.values()} == {(0, 0, 0)}
    assert (other.mcnemar.only_first, other.mcnemar.only_this, other.mcnemar.p) == (0, 0, 1)
    assert twice.seeds == (), "the same run twice is no second seed"


def test_runs_that_differ_only_in_the_seed_are_summed_up(comparison: Comparison) -> None:
    (group,) = comparison.seeds
    assert group.names == ("seed-1", "seed-2")
    assert group.seeds == (1, 2)
    values = [model.measured.metrics["log_loss"].value for model in comparison.models[:2]]
    spread = group.spreads["log_loss"]
    assert spread.mean == pytest.approx(np.mean(values))
    assert spread.deviation == pytest.approx(np.std(values, ddof=1))
    assert (spread.low, spread.high) == (min(values), max(values))


def test_another_architecture_is_another_group(comparison: Comparison) -> None:
    first, second, _ = comparison.models

    def as_cnn(model: ComparedModel, seed: int) -> ComparedModel:
        manifest = model.info.model_copy(
            update={"recipe": model.info.recipe | {"arch": "cnn", "seed": seed}, "seeds": (seed,)}
        )
        return dataclasses.replace(model, info=manifest)

    found = group_by_recipe([first, as_cnn(first, 1), second, second, as_cnn(second, 2), as_cnn(second, 3)])
    assert [(group.arch, group.seeds) for group in found] == [("small", (1, 2)), ("cnn", (1, 2, 3))]


def test_the_weights_are_those_of_the_network(comparison: Comparison, runs: Path) -> None:
    network = keras.saving.load_model(runs / "seed-1", compile=False)
    kernels = [weight for weight in network.trainable_weights if weight.name == "kernel"]
    # Each kernel has a bias: the last layer's own, the others' from the batch norm that was folded in.
    expected = sum(int(np.prod(kernel.shape)) + kernel.shape[-1] for kernel in kernels)
    assert comparison.models[0].weights == expected


def test_the_table_has_what_differs(comparison: Comparison) -> None:
    stream = io.StringIO()
    show(comparison, Console(file=stream, markup=False, width=120))
    lines = stream.getvalue().splitlines()
    (settings,) = [line.split() for line in lines if line.strip().startswith("label_smoothing")]
    assert settings == ["label_smoothing", "0.0", "0.0", "0.2"]
    assert not [line for line in lines if line.strip().startswith("learning_rate")], "the same in all"
    (seeds,) = [line.split() for line in lines if line.strip().startswith("seed ")]
    assert seeds == ["seed", "1", "2", "1"]
    assert "Fewer than 3 seeds: the spread is not reliable." in "\n".join(lines)


def test_a_zero_written_as_a_whole_number_is_no_difference(comparison: Comparison) -> None:
    first, second, _ = comparison.models
    recipe = second.info.recipe | {"label_smoothing": 0}
    as_integer = dataclasses.replace(second, info=second.info.model_copy(update={"recipe": recipe}))
    table = markdown(dataclasses.replace(comparison, models=(first, as_integer), seeds=()), CHART)
    assert "label_smoothing" not in table
    assert len(group_by_recipe([first, as_integer])) == 1


def test_the_chart_shows_every_model_beside_the_others(comparison: Comparison) -> None:
    (axes,) = chart(comparison).axes
    points = [np.asarray(line.get_xydata())[0] for line in axes.lines if line.get_marker() in set("osD")]
    places = sorted(float(x) for x, _ in points)
    assert min(np.diff(places)) > places[-1] / 50
    shown = [float(y) for _, y in points]
    assert shown == pytest.approx([100 * model.measured.metrics["accuracy"].value for model in comparison.models])


@pytest.mark.parametrize("latencies", [(1.0, 1.02, 1.046), (1.0, 1.0, 1.0), (1.0, 1.03, 1.031, 1.06), (5.0, 1.0, 3.0)])
def test_spreading_two_models_does_not_push_them_onto_a_third(
    comparison: Comparison, latencies: tuple[float, ...]
) -> None:
    first = comparison.models[0]
    models = tuple(dataclasses.replace(first, name=str(n), latency_ms=ms) for n, ms in enumerate(latencies))
    (axes,) = chart(dataclasses.replace(comparison, models=models)).axes
    places = [float(np.asarray(line.get_xydata())[0][0]) for line in axes.lines if line.get_marker() in set("osD^")]
    apart = max(latencies) / 40
    assert min(np.diff(sorted(places))) >= apart * 0.999
    assert np.argsort(places).tolist() == np.argsort(latencies, kind="stable").tolist()
    assert places == pytest.approx(latencies, abs=apart * 2)


def test_the_command_prints_a_table_and_leaves_three_files(runs: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    names = [str(runs / "seed-1"), str(runs / "smooth")]
    done = CliRunner().invoke(app, ["compare", *names, "--split", "test", "--output", str(output)])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(output)
    assert "Test split: report these metrics, but choose nothing by them." in done.stdout
    assert {path.name for path in output.iterdir()} == {MARKDOWN, JSON, CHART}
    written = json.loads((output / JSON).read_text(encoding="utf-8"))
    assert written["split"] == "test"
    assert [model["settings"]["label_smoothing"] for model in written["models"]] == [0.0, 0.2]
    first = written["models"][0]
    manifest = bundle.load(runs / "seed-1" / "bundle")
    assert first["measured"] == manifest.metrics["test"].model_dump()
    text = (output / MARKDOWN).read_text(encoding="utf-8")
    assert f"| accuracy | {100 * manifest.metrics['test'].metrics['accuracy'].value:.2f} %" in text
    assert f"]({CHART})" in text
    assert (output / CHART).read_bytes().startswith(b"\x89PNG")


def test_validation_is_the_default_and_says_so(runs: Path, tmp_path: Path) -> None:
    names = [str(runs / "seed-1"), str(runs / "seed-2")]
    done = CliRunner().invoke(app, ["compare", *names, "--output", str(tmp_path)])
    assert "digit, val: 60 pictures" in done.stdout
    assert "Validation split: use these metrics to choose a model." in " ".join(done.stdout.split())


def test_altered_pictures_are_measured_where_that_is_asked_for(runs: Path, tmp_path: Path) -> None:
    names = [str(runs / "seed-1"), str(runs / "seed-2")]
    done = CliRunner().invoke(app, ["compare", *names, "--altered", "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / JSON).read_text(encoding="utf-8"))
    for model in written["models"]:
        assert set(model["altered"]) == set(CORRUPTIONS)
        assert len({each["metrics"]["log_loss"]["value"] for each in model["altered"].values()}) > 3, "all alike"
        least = min(each["metrics"]["balanced_accuracy"]["value"] for each in model["altered"].values())
        (worst,) = [line for line in done.stdout.splitlines() if line.strip().startswith("worst corruption")]
        assert f"{100 * least:.2f} (" in worst


def copied(runs: Path, target: Path, change: Callable[[BundleInfo], BundleInfo]) -> Path:
    """A copy of a run's bundle, with another manifest."""
    shutil.copytree(runs / "seed-1" / "bundle", target)
    path = target / bundle.INFO_NAME
    path.write_text(change(bundle.load(target)).model_dump_json(), encoding="utf-8")
    return target


def test_what_cannot_be_compared_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    run, digit, flower = runs / "seed-1", BUNDLED / "digit", BUNDLED / "flower"
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished, ignore=shutil.ignore_patterns("bundle"))
    labels = copied(runs, tmp_path / "labels", lambda m: m.model_copy(update={"labels": m.labels[::-1]}))
    for others, words in (
        ([], "compare got 1 run: name at least two"),
        ([unfinished], f"has no bundle yet: run `python -m train export {unfinished}` first"),
        ([tmp_path / "nothing"], "nothing is neither a run nor a bundle"),
        ([flower], "is for digit and .*flower for flower: compare runs of one task"),
        ([labels], "with the same labels in the same order"),
        ([digit], "are from different splits of the data"),
    ):
        with pytest.raises(RunError, match=words):
            compare([run, *others], "val")


def test_data_that_were_split_anew_are_refused(runs: Path, tmp_path: Path) -> None:
    both = [runs / "seed-1", runs / "seed-2"]
    with pytest.raises(DataError, match=r"manifest\.csv is missing"):
        compare(both, "val", tmp_path)
    lines = (runs / "data" / "digit" / MANIFEST_NAME).read_text(encoding="utf-8").splitlines()
    (tmp_path / "digit").mkdir()
    (tmp_path / "digit" / MANIFEST_NAME).write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(RunError, match="is not split as it was when seed-1 was trained"):
        compare(both, "val", tmp_path)
