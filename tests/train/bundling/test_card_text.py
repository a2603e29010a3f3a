"""The words of the card for a task that is not built in."""

from models import bundle
from models.bundle import BundleInfo, Label, OperatingPoint
from models.catalog import BUNDLED
from train.bundling.card import render_card
from train.sources.datasets import credit_for


def fifth_task(**changes: object) -> BundleInfo:
    """A task of two labels with an operating point, with the measurements of a bundled model."""
    info = bundle.load(BUNDLED / "pneumonia")
    labels = (Label(id="fresh", es="fresca", en="fresh"), Label(id="rotten", es="podrida", en="rotten"))
    thresholds = info.thresholds.model_copy(update={"operating": OperatingPoint(label="rotten", probability=0.3)})
    task = {"task": "fruit", "labels": labels, "thresholds": thresholds, "robustness": None}
    return info.model_copy(update=task | {"preprocessing": "center_crop"} | changes)


def test_a_positive_label_has_its_own_name() -> None:
    card = render_card(fifth_task(), credit_for("fruit"), [])
    assert "Su objetivo es detectar rotten (podrida)." in card
    assert "It is meant to detect rotten." in card
    assert "have the label rotten" in card
    for word in ("pneumonia", "neumonía", "diagn", "sick", "enferm", "patient.", "paciente."):
        assert word not in card, word


def test_a_finding_in_radiographs_has_a_disclaimer_whatever_the_task_is_called() -> None:
    card = render_card(fifth_task(preprocessing="stretch_gray"), credit_for("fruit"), [])
    assert "Esto no es un diagnóstico." in card
    assert "This is not a diagnosis." in card
    assert "hospital" not in card
