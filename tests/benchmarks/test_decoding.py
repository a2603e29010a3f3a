"""`python -m benchmarks.decoding` on a few pictures."""

from pathlib import Path

import pytest

from benchmarks import decoding
from models.catalog import TASKS
from tests.benchmarks.test_refusals import data
from tests.helpers.project import example


def test_a_row_for_each_task_has_times_and_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decoding.scale(each=1, data_dir=data(tmp_path))
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split("|")[1].strip() for row in rows] == list(TASKS)
    assert {row.count("|") for row in (head, *rows)} == {12}


def test_the_memory_of_a_picture_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "LARGE", {"a digit": example("digit", 3).read_bytes})
    decoding.memory()
    assert "| a digit | " in capsys.readouterr().out
