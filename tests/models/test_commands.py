"""`python -m models`, as a person runs it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.support import EXAMPLES, ROOT

COLUMNS = ["path", "task", "label", "confidence", "verdict", "error", *"0123456789"]


def models(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "models", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def errors(done: "subprocess.CompletedProcess[str]") -> list[str]:
    """Our lines on stderr: LiteRT writes one of its own, about the delegate it uses."""
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if not line.startswith("INFO: Created TensorFlow Lite")]


def test_a_folder_becomes_a_csv(tmp_path: Path) -> None:
    output = tmp_path / "results.csv"
    done = models("classify", "digit", str(EXAMPLES / "digit"), "--output", str(output))
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
    done = models("classify", "flower", str(EXAMPLES / "flower"))
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
    assert models("classify", "digit", str(EXAMPLES / "digit" / "7.png"), "--output", str(output)).returncode == 0
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
    done = models("classify", "digit", *map(str, (text, good, empty, missing)), "--output", str(output))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in rows] == ["", "7", "", ""]
    assert [bool(row["error"]) for row in rows] == [True, False, True, True]
    assert rows[0]["0"] == ""


def test_a_rejected_picture_keeps_its_probabilities(tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("L", (100, 100), 255).save(blank)
    done = models("classify", "digit", str(blank))
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert (row["label"], row["confidence"], row["verdict"]) == ("", "0.0", "rejected")
    assert sum(float(row[digit]) for digit in "0123456789") > 0.999


def test_an_unknown_task_is_one_sentence() -> None:
    done = models("classify", "cat", str(EXAMPLES))
    assert done.returncode == 1
    assert errors(done) == ["error: no model is called 'cat': choose one of pneumonia, digit, flower"]


def test_a_folder_without_pictures_is_one_sentence(tmp_path: Path) -> None:
    done = models("classify", "digit", str(tmp_path))
    assert done.returncode == 1
    assert len(errors(done)) == 1
    assert "no pictures in" in errors(done)[0]


def test_an_unfinished_report_leaves_what_was_there(tmp_path: Path) -> None:
    output = tmp_path / "results.csv"
    output.write_text("older")
    done = models("classify", "cat", str(EXAMPLES), "--output", str(output))
    assert done.returncode == 1
    assert output.read_text() == "older"
    assert list(tmp_path.iterdir()) == [output]


def test_verify_says_what_it_checked_and_fails_on_damage(bundle_copy: Path) -> None:
    assert models("verify", str(bundle_copy)).returncode == 0
    (bundle_copy / "README.md").write_text("changed")
    done = models("verify", str(bundle_copy))
    assert done.returncode == 1
    assert "README.md is not the file that was exported" in done.stderr


def test_list_shows_the_three_models() -> None:
    done = models("list")
    assert done.returncode == 0, done.stderr
    assert all(task in done.stdout for task in ("pneumonia", "digit", "flower"))


def test_help_names_every_command() -> None:
    done = models("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("list", "verify", "classify"))
