"""`train evaluate` on a real, tiny run: the files, the figures in them, and the page."""

import base64
import csv
import io
import json
import re
import shutil
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, average_precision_score, classification_report, roc_auc_score
from typer.testing import CliRunner, Result

from models import bundle
from tests.helpers.tiny_runs import TinyRuns
from train.__main__ import app
from train.evaluation.galleries import GALLERY_SIZE
from train.evaluation.report import METRICS_NAME, PAGE_NAME, PREDICTIONS_NAME
from train.manifest import MANIFEST_NAME
from train.run import CURVES_NAME

CHARTS = {"confusion.png", "roc.png", "precision_recall.png", "reliability.png", "risk_coverage.png"}


def evaluate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tiny_runs: TinyRuns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on printed digits, exported, next to its data."""
    return tiny_runs.copy("seed-1", tmp_path_factory.mktemp("evaluate") / "run")


@dataclass(frozen=True)
class Report:
    said: str
    directory: Path

    @property
    def metrics(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.directory / METRICS_NAME).read_text(encoding="utf-8"))
        return read

    @property
    def predictions(self) -> list[dict[str, str]]:
        return list(csv.DictReader((self.directory / PREDICTIONS_NAME).read_text(encoding="utf-8").splitlines()))

    @property
    def page(self) -> str:
        return (self.directory / PAGE_NAME).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(run: Path) -> Report:
    done = evaluate(run, "--split", "val")
    assert done.exit_code == 0, done.output
    return Report(done.output, run / "report-val")


class Links(HTMLParser):
    """The references of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]


def test_the_report_is_all_there_and_the_terminal_says_where(report: Report) -> None:
    assert {path.name for path in report.directory.iterdir()} == CHARTS | {METRICS_NAME, PREDICTIONS_NAME, PAGE_NAME}
    assert report.said.splitlines()[-1] == str(report.directory / PAGE_NAME)
    accuracy = report.metrics["figures"]["accuracy"]
    assert f"{accuracy['value']:.4f}" in report.said
    for name in CHARTS:
        with Image.open(report.directory / name) as image:
            assert image.format == "PNG"
            assert min(image.size) > 300


def test_the_metrics_say_what_was_measured(report: Report, run: Path) -> None:
    metrics = report.metrics
    assert metrics["split"] == "val"
    assert metrics["n"] == metrics["groups"] == 60
    manifest = bundle.load(run / "bundle")
    revision = bundle.describe_file(run / "bundle" / bundle.INFO_NAME).sha256
    assert metrics["model"] == {"name": "run", "version": manifest.version, "revision": revision}
    assert metrics["date"].startswith("20")
    assert metrics["machine"]
    assert sum(metrics["verdicts"].values()) == 60
    assert set(metrics["verdicts"]) == {"confident", "uncertain", "rejected"}
    assert metrics["robustness"] is None, "digits are no X-rays"


def test_every_figure_has_its_interval(report: Report) -> None:
    metrics = report.metrics
    expected = {"accuracy", "balanced_accuracy", "log_loss", "brier", "ece", "ece_before", "aurc"}
    assert set(metrics["figures"]) == expected | {"roc_auc", "average_precision"}
    scores = [scores[name] for scores in metrics["per_class"].values() for name in ("precision", "recall", "f1")]
    for figure in [*metrics["figures"].values(), *scores]:
        assert set(figure) == {"value", "low", "high"}
        assert figure["low"] <= figure["high"]
    accuracy = metrics["figures"]["accuracy"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert metrics["figures"]["accuracy"] == metrics_of_the_bundle(report)["accuracy"]


def metrics_of_the_bundle(report: Report) -> dict[str, Any]:
    manifest = bundle.load(report.directory.parent / "bundle")
    return {name: metric.model_dump() for name, metric in manifest.metrics["val"].metrics.items()}


def test_the_figures_follow_from_the_predictions(report: Report) -> None:
    rows, metrics = report.predictions, report.metrics
    labels = metrics["labels"]
    truth = [row["truth"] for row in rows]
    said = [row["answer"] or "rejected" for row in rows]
    probabilities = np.array([[float(row[label]) for label in labels] for row in rows])
    figures = {name: figure["value"] for name, figure in metrics["figures"].items()}
    assert figures["accuracy"] == pytest.approx(accuracy_score(truth, said), abs=1e-5)
    macro = roc_auc_score(truth, probabilities, multi_class="ovr", labels=labels)
    assert figures["roc_auc"] == pytest.approx(macro, abs=1e-5)
    one_hot = np.array(truth)[:, np.newaxis] == np.array(labels)
    assert figures["average_precision"] == pytest.approx(average_precision_score(one_hot, probabilities), abs=1e-5)
    table = classification_report(truth, said, labels=labels, output_dict=True, zero_division=0)
    for label, scores in metrics["per_class"].items():
        assert scores["f1"]["value"] == pytest.approx(table[label]["f1-score"], abs=1e-5)
        assert scores["support"] == table[label]["support"] == 6
    assert np.sum(metrics["confusion"]) == sum(row["verdict"] != "rejected" for row in rows)


def test_the_curve_of_risk_and_coverage_ends_at_the_error_of_all(report: Report) -> None:
    points = report.metrics["risk_coverage"]
    assert [point["coverage"] for point in points] == sorted(point["coverage"] for point in points)
    assert [point["confidence"] for point in points] == sorted((p["confidence"] for p in points), reverse=True)
    assert points[-1]["coverage"] == 1
    assert points[-1]["risk"] == pytest.approx(1 - report.metrics["figures"]["accuracy"]["value"], abs=1e-4)


def test_the_page_needs_nothing_from_outside(report: Report) -> None:
    links = Links(report.page)
    assert links.links
    assert all(link.startswith("data:image/") for link in links.links)
    assert {"script", "link", "iframe", "object"}.isdisjoint(links.tags)
    assert "http" not in report.page.split("</style>")[1].replace("data:", "")
    assert not re.search(r"url\(|@import", report.page)
    for link in links.links:
        Image.open(io.BytesIO(base64.b64decode(link.partition(",")[2]))).verify()


def test_the_page_shows_the_answers_with_file_label_probability_and_verdict(report: Report) -> None:
    sections = report.page.split("<section")
    for title in ("Correct", "Wrong", "Most confident wrong", "Least confident"):
        (section,) = (section for section in sections if f"<h2>{title}</h2>" in section)
        assert 1 <= section.count('class="card"') <= GALLERY_SIZE
    (least,) = (section for section in sections if "<h2>Least confident</h2>" in section)
    answered = [row for row in report.predictions if row["answer"]]
    expected = sorted(answered, key=lambda row: float(row["confidence"]))[:GALLERY_SIZE]
    cards = least.split('class="card"')[1:]
    assert len(cards) == len(expected)
    for card, row in zip(cards, expected, strict=True):
        assert row["path"] in card
        assert f"truth: {row['truth']}" in card
        assert f"{row['answer']}, {float(row['confidence']):.1%}" in card
        assert row["verdict"] in card
        assert card.count("<img") == 2, "what the network saw, and the same with its heat map"


def test_without_pictures_nothing_shows_the_data_or_names_it(run: Path, report: Report, tmp_path: Path) -> None:
    shutil.copy(report.directory / PREDICTIONS_NAME, tmp_path / PREDICTIONS_NAME)
    (tmp_path / "notes.md").write_text("mine")
    done = evaluate(run, "--split", "val", "--output", tmp_path, "--no-pictures")
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == CHARTS | {METRICS_NAME, PAGE_NAME, "notes.md"}
    bare = Report(done.output, tmp_path)
    assert Links(bare.page).tags.count("img") == len(CHARTS) + 1, "and the training curves"
    assert "image/jpeg" not in bare.page
    for row in report.predictions:
        assert row["path"] not in bare.page
    assert bare.metrics["figures"] == report.metrics["figures"]


def test_the_training_curves_are_shown_where_the_run_has_them(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.evaluation.metrics.RESAMPLES", 10)  # the intervals are not looked at
    copy = shutil.copytree(run, tmp_path / "run")
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(stream, "PNG")
    for present in (True, False):
        (copy / CURVES_NAME).unlink(missing_ok=True)
        if present:
            (copy / CURVES_NAME).write_bytes(stream.getvalue())
        assert evaluate(copy, "--split", "val", "--no-pictures").exit_code == 0
        page = (copy / "report-val" / PAGE_NAME).read_text(encoding="utf-8")
        assert (base64.b64encode(stream.getvalue()).decode() in page) == present


def test_a_bundle_alone_is_measured_and_left_as_it_is(
    run: Path, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = shutil.copytree(run / "bundle", tmp_path / "models" / "mine")
    before = sorted(path.name for path in shipped.iterdir())
    monkeypatch.chdir(tmp_path)
    done = evaluate(shipped, "--split", "val", "--data-dir", run.parent / "data")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == str(Path("runs/report-mine-val") / PAGE_NAME)
    assert sorted(path.name for path in shipped.iterdir()) == before
    assert Report("", tmp_path / "runs" / "report-mine-val").metrics["figures"] == report.metrics["figures"]


def test_what_cannot_be_evaluated_is_one_sentence(run: Path, tmp_path: Path) -> None:
    trained = shutil.copytree(run, tmp_path / "trained", ignore=shutil.ignore_patterns("bundle"))
    other = tmp_path / "data" / "digit"
    other.mkdir(parents=True)
    lines = (run.parent / "data" / "digit" / MANIFEST_NAME).read_text(encoding="utf-8").splitlines()
    (other / MANIFEST_NAME).write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    for arguments, words in (
        ((trained,), f"run `python -m train export {trained}` first"),
        ((tmp_path,), "is neither a run nor a bundle"),
        ((run, "--data-dir", other.parent), "is not split as it was when run was trained"),
        ((run, "--data-dir", tmp_path), "manifest.csv is missing"),
    ):
        done = evaluate(*arguments)
        assert done.exit_code == 1
        assert done.output.startswith("error: ")
        assert words in done.output.replace("\n", " ")


def test_a_split_that_is_none_names_those_there_are(run: Path) -> None:
    done = evaluate(run, "--split", "validation")
    assert done.exit_code == 2
    assert "'test', 'val', 'train'" in done.output
