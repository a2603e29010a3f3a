"""The texts of a task come from its bundle, from `models.tasks`, or from the name of the task."""

import json
from pathlib import Path

import pytest

from models import bundle
from models.bundle import BundleInfo
from models.catalog import BUNDLED, TASKS
from models.errors import BundleError
from models.tasks import is_radiograph, presentation_of

OWN = {
    "title": {"es": "Aves", "en": "Birds"},
    "intro": {"es": "Sube un ave: {labels}.", "en": "Upload a bird: {labels}."},
    "disclaimer": {"es": "Solo para aficionados.", "en": "For amateurs only."},
}


def info_with(**changes: object) -> BundleInfo:
    raw = json.loads((BUNDLED / "digit" / bundle.INFO_NAME).read_text(encoding="utf-8"))
    return BundleInfo.model_validate(raw | changes)


@pytest.mark.parametrize("task", TASKS)
def test_the_built_in_tasks_have_texts_in_both_languages(task: str) -> None:
    presentation = presentation_of(task, bundle.load(BUNDLED / task))
    assert presentation.title.es != presentation.title.en
    assert presentation.intro.in_language("es") != presentation.intro.in_language("en")
    assert (presentation.disclaimer is not None) == (task == "pneumonia")


def test_the_bundle_s_own_texts_come_first() -> None:
    presentation = presentation_of("digit", info_with(presentation=OWN))
    assert presentation.title.in_language("es") == "Aves"
    assert presentation.disclaimer is not None
    assert presentation.disclaimer.in_language("en") == "For amateurs only."
    assert presentation.caution is None


def test_another_task_gets_its_name_as_title() -> None:
    presentation = presentation_of("mis-aves_2")
    assert (presentation.title.es, presentation.title.en) == ("Mis aves 2", "Mis aves 2")
    assert "{labels}" in presentation.intro.es
    assert presentation.disclaimer is None


@pytest.mark.parametrize(("task", "expected"), [("pneumonia", True), ("digit", False), ("flower", False)])
def test_radiographs_are_known_without_the_new_key(task: str, expected: bool) -> None:
    assert is_radiograph(bundle.load(BUNDLED / task)) is expected


def test_the_modality_of_a_bundle_decides() -> None:
    assert is_radiograph(info_with(modality="radiograph"))
    assert not is_radiograph(info_with(preprocessing="stretch_gray", modality="photo"))


def test_an_old_bundle_is_read_and_unknown_keys_are_still_refused(tmp_path: Path) -> None:
    assert bundle.load(BUNDLED / "digit").presentation is None
    raw = json.loads((BUNDLED / "digit" / bundle.INFO_NAME).read_text(encoding="utf-8"))
    (tmp_path / bundle.INFO_NAME).write_text(json.dumps(raw | {"presentacion": OWN}), encoding="utf-8")
    with pytest.raises(BundleError, match="presentacion"):
        bundle.load(tmp_path)


def test_a_model_that_detects_a_finding_in_radiographs_always_has_a_disclaimer() -> None:
    pneumonia = bundle.load(BUNDLED / "pneumonia")
    fracture = presentation_of("fracture", pneumonia.model_copy(update={"task": "fracture"})).disclaimer
    assert fracture is not None
    assert "hospital" not in fracture.en, "it does not describe the data of pneumonia"
    without = pneumonia.thresholds.model_copy(update={"operating": None})
    assert presentation_of("age", pneumonia.model_copy(update={"thresholds": without})).disclaimer is None
