from models import bundle
from models.catalog import BUNDLED
from train.evaluation.task_properties import GENERAL_DISCLAIMER, NOT_A_DIAGNOSIS, disclaimer, is_radiograph


def test_only_models_that_find_a_disease_in_xrays_have_a_disclaimer() -> None:
    pneumonia, flower = bundle.load(BUNDLED / "pneumonia"), bundle.load(BUNDLED / "flower")
    assert is_radiograph(pneumonia.preprocessing)
    assert not is_radiograph(flower.preprocessing)
    assert disclaimer(pneumonia) == NOT_A_DIAGNOSIS
    assert disclaimer(flower) is None


def test_another_xray_task_has_a_disclaimer_that_does_not_describe_the_data_of_pneumonia() -> None:
    pneumonia = bundle.load(BUNDLED / "pneumonia")
    assert disclaimer(pneumonia.model_copy(update={"task": "fracture"})) == GENERAL_DISCLAIMER
    without = pneumonia.thresholds.model_copy(update={"operating": None})
    assert disclaimer(pneumonia.model_copy(update={"thresholds": without})) is None
