from pathlib import Path

import pytest

from models import bundle
from models.catalog import TASKS, Catalog
from models.errors import ModelNotLoaded, UnknownTask


def test_the_bundled_models_are_there_in_the_order_people_see() -> None:
    catalog = Catalog.load(workers=1)
    assert tuple(entry.task for entry in catalog.entries) == TASKS
    assert all(entry.classifier is not None and entry.error is None for entry in catalog.entries)
    assert catalog.get("digit").task == "digit"


def test_a_damaged_bundle_leaves_the_others(bundle_copy: Path) -> None:
    (bundle_copy / bundle.MODEL_NAME).write_bytes(b"")
    catalog = Catalog.load({"digit": bundle_copy}, workers=1)
    assert catalog.get("flower").task == "flower"
    with pytest.raises(ModelNotLoaded, match=r"model\.tflite is not the file"):
        catalog.get("digit")


def test_a_bundle_under_the_name_of_another_task_is_refused(bundle_copy: Path) -> None:
    catalog = Catalog.load({"flower": bundle_copy}, workers=1)
    with pytest.raises(ModelNotLoaded, match="is a model for 'digit', not for 'flower'"):
        catalog.get("flower")


def test_an_unknown_task_is_told_what_there_is() -> None:
    with pytest.raises(UnknownTask, match="no model is called 'cat': choose one of pneumonia, digit, flower"):
        Catalog.load(workers=1).get("cat")


def test_a_network_that_is_not_ours_is_refused(bundle_copy: Path) -> None:
    path = bundle_copy / bundle.MANIFEST_NAME
    network = bundle_copy / bundle.MODEL_NAME
    old = bundle.describe_file(network)
    network.write_bytes(b"TFL3 but not really")
    new = bundle.describe_file(network)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old.sha256, new.sha256).replace(f'"size": {old.size}', f'"size": {new.size}'))
    with pytest.raises(ModelNotLoaded, match="is not a LiteRT model of ours"):
        Catalog.load({"digit": bundle_copy}, workers=1).get("digit")
