import dataclasses
from typing import Any

import pytest

from models import bundle
from models.bundle import Label
from models.catalog import BUNDLED, TASKS
from train import recipe
from train.errors import RecipeError
from train.recipe import Recipe
from train.sources.datasets import DATASETS, dataset_for


@pytest.mark.parametrize("task", DATASETS)
def test_a_recipe_names_the_labels_of_its_data_in_two_languages(task: str) -> None:
    loaded = recipe.load(task)
    assert tuple(loaded.labels) == dataset_for(task).labels
    assert [Label(id=name, **names) for name, names in loaded.labels.items()]


def test_the_command_line_wins_over_the_recipe_and_none_does_not() -> None:
    loaded = recipe.load("digit", epochs=3, seed=None)
    assert loaded.epochs == 3
    assert loaded.seed == recipe.load("digit").seed


def test_another_architecture_takes_its_own_values_and_no_backbone() -> None:
    own, custom = recipe.load("pneumonia"), recipe.load("pneumonia", arch="cnn")
    assert own.weights_sha256 is not None
    assert custom.weights_sha256 is None
    assert custom.learning_rate > own.learning_rate
    assert custom.augmentation == own.augmentation
    assert recipe.load("pneumonia", arch="cnn", epochs=1).epochs == 1


def test_plain_data_and_back() -> None:
    loaded = recipe.load("flower")
    assert recipe.from_dict(loaded.as_dict()) == loaded


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_with_former_keys_still_has_a_recipe(task: str) -> None:
    stored = bundle.load(BUNDLED / task).recipe
    read = recipe.from_stored(stored)
    assert read.target_retention == stored["keep"]
    assert read.corrupted_validation == stored["shifted_validation"]
    new = {"presentation", "modality"}
    assert set(recipe.with_current_keys(stored)) | new == {field.name for field in dataclasses.fields(Recipe)}
    assert recipe.with_current_keys(read.as_dict()) == read.as_dict(), "current keys stay"


def test_a_former_key_can_still_be_set() -> None:
    assert recipe.parse_assignments(["clutter=0.2"]) == {"outlier_exposure": 0.2}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(RecipeError, match="there is no recipe for 'cat': choose one of digit, flower, pneumonia"):
        recipe.load("cat")
    with pytest.raises(RecipeError, match="surprise"):
        recipe.load("digit", surprise=1)


def test_what_cannot_go_together_is_refused() -> None:
    with pytest.raises(RecipeError, match="unknown schedule 'steps': choose one of cosine, plateau, one_cycle"):
        recipe.load("digit", schedule="steps")
    with pytest.raises(RecipeError, match=r"ema is 0\.99 and swa is 0\.25: set one of them to 0"):
        recipe.load("digit", ema=0.99, swa=0.25)
    with pytest.raises(RecipeError, match="correct the imbalance twice"):
        recipe.load("pneumonia", class_weights=True, balanced_sampling=True)


def test_a_way_to_balance_or_to_average_replaces_the_recipes() -> None:
    sampled = recipe.load("pneumonia", **recipe.balance_overrides("sampling"), **recipe.averaging_overrides(None, 0.25))
    assert (sampled.class_weights, sampled.balanced_sampling) == (False, True)
    assert (sampled.ema, sampled.swa) == (0.0, 0.25)
    own = recipe.load("pneumonia", **recipe.balance_overrides(None), **recipe.averaging_overrides(None, None))
    assert own == recipe.load("pneumonia")


def test_any_choice_can_be_set_by_its_name() -> None:
    chosen = recipe.parse_assignments(["augmentation.flip=true", "patience=3", "mixup=1", 'schedule="plateau"'])
    asked = recipe.load("pneumonia", **chosen)
    assert (asked.augmentation.flip, asked.patience, asked.mixup, asked.schedule) == (True, 3, 1.0, "plateau")
    assert asked.augmentation.rotation == recipe.load("pneumonia").augmentation.rotation
    assert recipe.parse_assignments([]) == {}


@pytest.mark.parametrize(
    "word", ["patience", "patience=many", "patience=2.5", "surprise=1", "augmentation.surprise=1", "a.b=1", "swa=true"]
)
def test_what_is_no_choice_is_refused(word: str) -> None:
    with pytest.raises(RecipeError, match=f"--set {word} does not set a recipe key"):
        recipe.parse_assignments([word])


def test_a_digit_is_never_flipped_even_when_asked_for() -> None:
    with pytest.raises(RecipeError, match="a mirrored digit is not a digit"):
        recipe.load("digit", **recipe.parse_assignments(["augmentation.flip=true"]))


TEXTS = {"title": {"es": "Aves", "en": "Birds"}, "intro": {"es": "Sube un ave.", "en": "Upload a bird."}}


def test_a_recipe_can_bring_the_texts_of_its_task() -> None:
    loaded = recipe.load("flower", presentation=TEXTS, modality="photo")
    assert loaded.presentation == TEXTS
    assert recipe.from_dict(loaded.as_dict()) == loaded
    assert recipe.load("flower").presentation is None


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"presentation": TEXTS | {"intro": {"es": "Sube un ave."}}}, r"presentation\.intro\.en of the recipe"),
        ({"presentation": TEXTS | {"subtitle": {"es": "a", "en": "b"}}}, r"presentation\.subtitle"),
        ({"modality": "painting"}, "unknown modality 'painting': choose one of photo, drawing, radiograph"),
    ],
)
def test_texts_that_are_not_complete_are_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe.load("flower", **overrides)
