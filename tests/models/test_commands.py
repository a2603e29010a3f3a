"""`python -m models`, as a person runs it."""

import csv
import json
import re
from pathlib import Path

import pytest
import typer
from PIL import Image

from models import bundle
from models.commands import list_models
from tests.helpers.bundles import trained_runs
from tests.helpers.commands import error_lines, run_models
from tests.helpers.project import EXAMPLES, example

COLUMNS = ["path", "task", "label", "confidence", "verdict", "error", *"0123456789"]


def test_a_folder_becomes_a_csv(tmp_path: Path) -> None:
    output = tmp_path / "results.csv"
    done = run_models("classify", "digit", str(EXAMPLES / "digit"), "--output", str(output))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == COLUMNS
    assert [(Path(row["path"]).stem, row["label"]) for row in rows] == [(d, d) for d in "23578"]
    for row in rows:
        assert float(row["confidence"]) == float(row[row["label"]])
        assert row["task"] == "digit"
        assert row["verdict"] == "confident"
        assert row["error"] == ""


def test_without_output_the_csv_goes_to_standard_output() -> None:
    done = run_models("classify", "flower", str(EXAMPLES / "flower"))
    assert done.returncode == 0, done.stderr
    assert [row["label"] for row in csv.DictReader(done.stdout.splitlines())] == [
        "daisy",
        "dandelion",
        "roses",
        "sunflowers",
        "tulips",
    ]


def test_jsonl_has_the_same_fields(tmp_path: Path) -> None:
    output = tmp_path / "results.jsonl"
    assert run_models("classify", "digit", str(EXAMPLES / "digit" / "7.png"), "--output", str(output)).returncode == 0
    (record,) = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert list(record) == COLUMNS
    assert record["label"] == "7"


def test_bad_files_are_reported_beside_the_good_ones(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    empty = tmp_path / "empty.png"
    empty.touch()
    missing = tmp_path / "missing.png"
    output = tmp_path / "results.csv"
    good = EXAMPLES / "digit" / "7.png"
    done = run_models("classify", "digit", *map(str, (text, good, empty, missing)), "--output", str(output))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in rows] == ["", "7", "", ""]
    assert [bool(row["error"]) for row in rows] == [True, False, True, True]
    assert rows[0]["0"] == ""


def test_a_rejected_picture_keeps_its_probabilities(tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("L", (100, 100), 255).save(blank)
    done = run_models("classify", "digit", str(blank))
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert (row["label"], row["confidence"], row["verdict"]) == ("", "0.0", "rejected")
    assert sum(float(row[digit]) for digit in "0123456789") > 0.999


def test_an_unknown_task_is_one_sentence() -> None:
    done = run_models("classify", "cat", str(EXAMPLES))
    assert done.returncode == 1
    assert error_lines(done) == ["error: no model is called 'cat': choose one of pneumonia, digit, flower"]


def test_a_folder_without_pictures_is_one_sentence(tmp_path: Path) -> None:
    done = run_models("classify", "digit", str(tmp_path))
    assert done.returncode == 1
    assert len(error_lines(done)) == 1
    assert "no pictures in" in error_lines(done)[0]


def test_an_unfinished_report_leaves_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "results.csv"
    output.write_text("older")
    done = run_models("classify", "cat", str(EXAMPLES), "--output", str(output))
    assert done.returncode == 1
    assert output.read_text() == "older"
    assert list(tmp_path.iterdir()) == [output]


def test_verify_says_what_it_checked_and_fails_on_damage(bundle_copy: Path) -> None:
    assert run_models("verify", str(bundle_copy)).returncode == 0
    card = bundle_copy / "README.md"
    card.rename(bundle_copy / "elsewhere.md")
    done = run_models("verify", str(bundle_copy))
    assert done.returncode == 0
    assert re.search(r" of \d+ files are unchanged\n  missing: (.*, )?README\.md", done.stdout)
    card.write_text("changed")
    done = run_models("verify", str(bundle_copy))
    assert done.returncode == 1
    assert "README.md is not the file that was exported" in done.stderr


def test_list_shows_the_three_models() -> None:
    done = run_models("list")
    assert done.returncode == 0, done.stderr
    assert all(task in done.stdout for task in ("pneumonia", "digit", "flower"))


def test_what_was_trained_in_runs_is_listed_and_answers(tmp_path: Path) -> None:
    trained_runs(tmp_path / "runs")
    listed = run_models("list", cwd=tmp_path)
    assert listed.returncode == 1, "one of them is damaged"
    assert "mis-rosas" in listed.stdout
    assert "not available" in listed.stdout
    done = run_models("classify", "mis-rosas", str(example("digit", 1)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert (row["task"], row["label"]) == ("mis-rosas", "clase 3")
    assert float(row["clase 3"]) > 0.8


def test_of_many_labels_the_first_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained_runs(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(list_models, "MAX_LABELS", 4)
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(typer.Exit):  # one of the runs is damaged
        list_models.command()
    assert "and 6 more" in " ".join(capsys.readouterr().out.split())


def test_a_label_that_is_called_as_a_column_has_one_of_its_own(tmp_path: Path) -> None:
    trained_runs(tmp_path / "runs")
    path = tmp_path / "runs" / "mis-rosas-20260101-000000" / "bundle" / bundle.INFO_NAME
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["labels"][3]["id"] = "error"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    for suffix in ("csv", "jsonl"):
        output = tmp_path / f"results.{suffix}"
        assert run_models("classify", "mis-rosas", str(example("digit", 1)), "--output", str(output), cwd=tmp_path)
        text = output.read_text(encoding="utf-8")
        (row,) = csv.DictReader(text.splitlines()) if suffix == "csv" else [json.loads(text)]
        assert (row["label"], row["error"]) == ("error", "")
        assert float(row["error (probability)"]) > 0.8


def test_help_names_every_command() -> None:
    done = run_models("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("list", "pull", "verify", "classify"))
