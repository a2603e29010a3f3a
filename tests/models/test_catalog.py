import json
import os
import shutil
from pathlib import Path

import pytest

from models import bundle
from models.catalog import BUNDLED, TASKS, Catalog
from models.errors import ModelNotLoaded, UnknownTask


def test_the_bundled_models_are_there_in_the_order_people_see() -> None:
    catalog = Catalog.load()
    assert tuple(entry.task for entry in catalog.entries) == TASKS
    assert all(entry.loaded is not None and entry.error is None for entry in catalog.entries)
    assert catalog.get("digit").task == "digit"


def test_a_damaged_bundle_leaves_the_others(bundle_copy: Path) -> None:
    (bundle_copy / bundle.MODEL_NAME).write_bytes(b"")
    catalog = Catalog.load({"digit": bundle_copy})
    assert catalog.get("flower").task == "flower"
    with pytest.raises(ModelNotLoaded, match=r"model\.tflite is not the file"):
        catalog.get("digit")


def test_a_bundle_under_the_name_of_another_task_is_refused(bundle_copy: Path) -> None:
    catalog = Catalog.load({"flower": bundle_copy})
    with pytest.raises(ModelNotLoaded, match="is a model for 'digit', not for 'flower'"):
        catalog.get("flower")


def test_an_unknown_task_is_told_what_there_is() -> None:
    with pytest.raises(UnknownTask, match="no model is called 'cat': choose one of pneumonia, digit, flower"):
        Catalog.load().get("cat")


def test_a_network_that_is_not_ours_is_refused(bundle_copy: Path) -> None:
    path = bundle_copy / bundle.INFO_NAME
    network = bundle_copy / bundle.MODEL_NAME
    old = bundle.describe_file(network)
    network.write_bytes(b"TFL3 but not really")
    new = bundle.describe_file(network)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old.sha256, new.sha256).replace(f'"size": {old.size}', f'"size": {new.size}'))
    with pytest.raises(ModelNotLoaded, match="is not a LiteRT model of Vistazo"):
        Catalog.load({"digit": bundle_copy}).get("digit")


def a_run(runs: Path, name: str, created: str = "2026-01-01T00:00:00+00:00", task: str = "birds") -> Path:
    """A run whose bundle is the shipped one for digits under another name."""
    target = runs / name / "bundle"
    shutil.copytree(BUNDLED / "digit", target)
    manifest = json.loads((target / bundle.INFO_NAME).read_text(encoding="utf-8"))
    (target / bundle.INFO_NAME).write_text(json.dumps(manifest | {"task": task, "created": created}))
    return target


def test_the_newest_bundle_of_each_other_task_in_runs_is_served_too(tmp_path: Path) -> None:
    a_run(tmp_path, "z-oldest", "2026-01-01T00:00:00+00:00")
    newest = a_run(tmp_path, "a-newest", "2026-01-03T00:00:00+00:00")
    a_run(tmp_path, "m-older", "2026-01-02T00:00:00+00:00")
    a_run(tmp_path, "ants", task="ants")
    catalog = Catalog.load(runs=tmp_path)
    assert [entry.task for entry in catalog.entries] == [*TASKS, "ants", "birds"]
    assert catalog.get("birds").task == "birds"
    assert catalog.entries[-1].source == str(newest)


def test_a_run_does_not_replace_what_ships_unless_it_is_named(tmp_path: Path) -> None:
    run = a_run(tmp_path, "digit-20260101-000000", "2099-01-01T00:00:00+00:00", task="digit")
    assert [entry.source for entry in Catalog.load(runs=tmp_path).entries] == [str(BUNDLED / task) for task in TASKS]
    named = Catalog.load({"digit": run}, runs=tmp_path)
    assert named.entries[1].source == str(run)


def test_a_named_bundle_wins_over_a_run(tmp_path: Path) -> None:
    a_run(tmp_path / "runs", "new", "2099-01-01T00:00:00+00:00")
    named = a_run(tmp_path / "elsewhere", "old")
    catalog = Catalog.load({"birds": named}, runs=tmp_path / "runs")
    assert [entry.source for entry in catalog.entries if entry.task == "birds"] == [str(named)]


def test_a_damaged_run_is_told_and_the_others_are_served(tmp_path: Path) -> None:
    a_run(tmp_path, "birds")
    (a_run(tmp_path, "ants", task="ants") / bundle.MODEL_NAME).write_bytes(b"cut")
    (tmp_path / "bees-20260101-000000" / "bundle").mkdir(parents=True)
    (a_run(tmp_path, "My Wasps!") / bundle.INFO_NAME).write_text("{")
    (a_run(tmp_path, "moths") / bundle.INFO_NAME).write_text('{"task": ["x"], "created": 1}')
    catalog = Catalog.load(runs=tmp_path)
    errors = {entry.task: entry.error for entry in catalog.entries if entry.error}
    assert set(errors) == {"ants", "bees", "run-my-wasps-", "moths"}
    assert "is not the file that was exported" in (errors["ants"] or "")
    assert "cannot be read" in (errors["bees"] or "")
    assert catalog.get("birds").task == "birds"
    assert catalog.get("digit").task == "digit"


def test_runs_without_a_bundle_and_no_runs_at_all_are_fine(tmp_path: Path) -> None:
    (tmp_path / "runs" / "unfinished").mkdir(parents=True)
    (tmp_path / "runs" / "notes.txt").touch()
    (tmp_path / "runs" / "odd").mkdir()
    (tmp_path / "runs" / "odd" / "bundle").touch()
    for runs in (tmp_path / "runs", tmp_path / "nowhere", tmp_path / "runs" / "notes.txt"):
        assert [entry.task for entry in Catalog.load(runs=runs).entries] == list(TASKS)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="who is root may read everything")
def test_runs_that_may_not_be_read_are_fine(tmp_path: Path) -> None:
    a_run(tmp_path, "birds")
    tmp_path.chmod(0)
    try:
        assert [entry.task for entry in Catalog.load(runs=tmp_path).entries] == list(TASKS)
    finally:
        tmp_path.chmod(0o700)
