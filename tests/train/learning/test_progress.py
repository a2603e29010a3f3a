"""The visible progress of a training: lines, bar, curves, TensorBoard's logs."""

import dataclasses
import re
from importlib import util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.small_task import RECIPE
from train import run
from train.errors import RunError
from train.learning import progress
from train.learning.training import fit

FIGURES = (
    r"loss \d\.\d{4}, accuracy 0\.\d{4}, val loss \d\.\d{4}, val accuracy 0\.\d{4}, rate [\d.e-]+, [\d,]+ images/s"
)
SHORT = dataclasses.replace(RECIPE, epochs=3, head_epochs=1)


def test_without_a_terminal_there_is_a_line_an_epoch(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = fit(SHORT, folder / "data" / "digit", tmp_path / "run", folder / "small.keras")
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if re.match(r"(head|epoch) \d", line)]
    assert [line.split(":")[0] for line in lines] == ["head 1/1", "epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all(re.fullmatch(FIGURES, line.split(": ")[1]) for line in lines[1:]), lines
    assert said.out == ""

    history = np.genfromtxt(tmp_path / "run" / run.HISTORY_NAME, delimiter=",", names=True)
    assert (history["images_per_second"] > 0).all()
    assert done.images_per_second == pytest.approx(np.median(history["images_per_second"]), abs=0.1)
    assert run.read(tmp_path / "run") == done
    with Image.open(tmp_path / "run" / run.CURVES_NAME) as curves:
        assert curves.format == "PNG"
        assert len(set(np.asarray(curves.convert("L")).ravel().tolist())) > 20, "something is drawn"


def test_a_terminal_has_a_bar(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "160"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("train.learning.progress.UPDATE_INTERVAL_S", 0.0)
    fit(SHORT, folder / "data" / "digit", tmp_path / "run", folder / "small.keras")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    shown = r"epoch \d/3 [━╸╺ ]+ loss \d\.\d{4}, accuracy 0\.\d{4}, rate [\d.e-]+, [\d,]+ images/s \d:\d\d:\d\d"
    assert re.search(shown, plain), plain[-2000:]


def test_logs_for_tensorboard(folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(SHORT, folder / "data" / "digit", tmp_path / "run", folder / "small.keras", tensorboard=True)
    for part, tag in (("train", "epoch_learning_rate"), ("validation", "epoch_loss")):
        events = EventAccumulator(str(tmp_path / "run" / "tensorboard" / part))
        events.Reload()
        assert len(events.Tensors(tag)) == SHORT.epochs


def test_a_missing_tensorboard_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(progress, "find_spec", lambda name: util.find_spec(name) if name != "tensorboard" else None)
    with pytest.raises(RunError, match="logs for TensorBoard need tensorboard: run `pip install tensorboard`"):
        progress.tensorboard_callback(tmp_path)


def test_a_run_without_images_per_second_can_still_be_read(tmp_path: Path) -> None:
    done = run.Run(RECIPE, "data", "0", "commit", "tensorflow", "machine", 1.0, 0, {"loss": 1.0}, None)
    done.write(tmp_path)
    path = tmp_path / run.RUN_NAME
    path.write_text(path.read_text().replace(',\n  "images_per_second": null', ""))
    assert "images_per_second" not in path.read_text()
    assert run.read(tmp_path) == done
