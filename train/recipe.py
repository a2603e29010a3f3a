"""Recipes: every choice of a training run.

A recipe is built in three steps, and later steps win: the defaults of `Recipe`, the task's file in `train/recipes`, and
the options of the command line. A file lists only what differs from the defaults, with the reason in a comment.
"""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from models.bundle import InputSize, Modality, PreprocessingName, Presentation
from train.errors import RecipeError

RECIPES = Path(__file__).parent / "recipes"
Schedule = Literal["cosine", "plateau", "one_cycle"]
ClassBalance = Literal["none", "weights", "sampling"]
FOLDER_RECIPE = "folder"  # used by every task that is made from a folder of class folders

# Former key → current key. Bundles and runs store their recipe, and those made by older versions have the former keys.
FORMER_KEYS = {
    "clutter": "outlier_exposure",
    "shifted_validation": "corrupted_validation",
    "positive": "positive_label",
    "sensitivity": "target_sensitivity",
    "confident": "min_confidence",
    "keep": "target_retention",
}


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Strength of each random change of the training pictures. Zero or false switches a change off."""

    rotation: float = 0.0  # degrees, in both directions
    translation: float = 0.0  # fraction of the side
    shear: float = 0.0  # degrees
    zoom: float = 0.0  # fraction, in and out
    stretch: float = 0.0  # fraction by which the aspect ratio changes
    flip: bool = False  # left to right
    gamma: float = 0.0  # the exponent is between 1 / (1 + gamma) and 1 + gamma
    contrast: float = 0.0  # fraction
    brightness: float = 0.0  # fraction of the range 0..255
    saturation: float = 0.0  # fraction
    blur: float = 0.0  # share of the pictures
    noise: float = 0.0  # highest standard deviation, fraction of the range 0..255
    jpeg: float = 0.0  # share of the pictures that get the blocks of strong JPEG compression
    erasing: float = 0.0  # share of the pictures that lose a rectangle
    thickness: float = 0.0  # share of the pictures whose strokes become thicker or thinner


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of `fit` and `export`. Durations are in epochs unless the comment gives another unit."""

    task: str
    arch: str
    preprocessing: PreprocessingName
    height: int  # pixels
    width: int  # pixels
    channels: int
    labels: dict[str, dict[str, str]]  # identifier → {"es": …, "en": …}, in the order of the network's outputs
    presentation: dict[str, dict[str, str]] | None = None  # texts for people: title, intro, disclaimer, each es and en
    modality: Modality | None = None  # "radiograph" adds the robustness of X-rays to the export
    weights_sha256: str | None = None  # of the backbone's file; None accepts any file
    epochs: int = 10
    head_epochs: int = 1  # with a backbone: epochs of the new head alone, before the whole network is fine-tuned
    batch_size: int = 32
    learning_rate: float = 1e-3  # the highest of the schedule
    head_learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    schedule: Schedule = "cosine"  # of the learning rate; see train/learning/optimizer.py
    warmup: float = 0.05  # share of the steps; cosine schedule only
    dropout: float = 0.2
    label_smoothing: float = 0.0
    mixup: float = 0.0  # alpha of the beta distribution; 0 switches mixup off
    class_weights: bool = False  # weight the loss of each class by the inverse of its frequency
    balanced_sampling: bool = False  # instead: draw every class equally often
    ema: float = 0.0  # momentum of the exponential moving average (EMA) of the weights; 0: none
    swa: float = 0.0  # share of the epochs, the last ones, for stochastic weight averaging (SWA); 0: none
    patience: int = 5  # epochs without a better validation loss before early stopping
    outlier_exposure: float = 0.0  # synthetic outliers to add, as a share of the training pictures
    corrupted_validation: bool = False  # also compute the validation loss on corrupted copies of the pictures
    positive_label: str | None = None  # the label to detect, in tasks of two labels that have an operating point
    target_sensitivity: float = 0.97  # of the operating point, on validation
    min_confidence: float = 0.8  # predictions with a lower probability get the verdict `uncertain`
    target_retention: float = 0.995  # share of the validation pictures that out-of-distribution detection accepts
    version: str = "0.1.0"  # of the bundle
    seed: int = 0
    mixed_precision: bool = False  # half precision where it is safe; faster on GPUs only
    steps_per_execution: int = 1  # steps between two progress updates; more are faster for small networks on GPUs
    memory_gb: float = 4.0  # larger sets of training pictures are read from disk in every epoch
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def input(self) -> InputSize:
        """The network's input size."""
        return InputSize.model_validate({"height": self.height, "width": self.width, "channels": self.channels})

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data, as `run.json` and `vistazo.json` store it."""
        return dataclasses.asdict(self)


def load(task: str, **overrides: Any) -> Recipe:
    """Return the recipe of `task`, with the `overrides` that are not None.

    For another architecture than the recipe's, the values of the file's table `[with.NAME]` apply, if there is one.
    Raises RecipeError when the task has no recipe or a key is unknown.
    """
    known = sorted({path.stem for path in RECIPES.glob("*.toml")} - {FOLDER_RECIPE})
    if task not in known:
        raise RecipeError(
            f"there is no recipe for {task!r}: choose one of {', '.join(known)}, or train on your own folder with "
            "--data FOLDER --name NAME"
        )
    return _compose({"task": task}, RECIPES / f"{task}.toml", overrides)


def for_folder(name: str, labels: Sequence[str], **overrides: Any) -> Recipe:
    """Return the recipe of the task `name`, whose classes are the folders `labels`. Otherwise as `load`."""
    label_names = {label: {"es": label, "en": label} for label in labels}
    return _compose({"task": name, "labels": label_names}, RECIPES / f"{FOLDER_RECIPE}.toml", overrides)


def _compose(fixed: dict[str, Any], path: Path, overrides: Mapping[str, Any]) -> Recipe:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not valid TOML ({error}): correct it") from error
    given = {key: value for key, value in overrides.items() if value is not None}
    variants = values.pop("with", {})
    arch = given.get("arch", values["arch"])
    if arch != values["arch"]:
        values = values | {"weights_sha256": None} | variants.get(arch, {})
    augmentation = values.get("augmentation", {}) | given.get("augmentation", {})
    return from_dict(fixed | values | given | {"augmentation": augmentation})


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Parse assignments such as `patience=3` or `augmentation.flip=true` into overrides for `load`.

    Former keys are accepted, because scripts use them. Raises RecipeError for an unknown key, or a value of another
    type than the key's default.
    """
    overrides: dict[str, Any] = {}
    augmentation: dict[str, Any] = {}
    for assignment in assignments:
        key, _, text = assignment.partition("=")
        group, _, name = key.rpartition(".")
        name = FORMER_KEYS.get(name, name)
        target, owner = (augmentation, Augmentation) if group == "augmentation" else (overrides, Recipe)
        defaults = {field.name: field.default for field in dataclasses.fields(owner)}
        default = defaults.get(name) if group in ("", "augmentation") else None
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = None
        # An integer is accepted for a float; `type` tells a bool from an integer, `isinstance` does not.
        if type(default) is float and type(value) is int:
            value = float(value)
        if default is None or type(value) is not type(default):
            raise RecipeError(
                f"--set {assignment} does not set a recipe key: use a key of train/recipe.py and a value of its type, "
                "as in patience=3 or augmentation.flip=true"
            )
        target[name] = value
    return overrides | ({"augmentation": augmentation} if augmentation else {})


def balance_overrides(balance: ClassBalance | None) -> dict[str, bool | None]:
    """Return the overrides for a way to handle class imbalance. None keeps the recipe's."""
    if balance is None:
        return {}
    return {"class_weights": balance == "weights", "balanced_sampling": balance == "sampling"}


def averaging_overrides(ema: float | None, swa: float | None) -> dict[str, float | None]:
    """Return the overrides for weight averaging: a given `ema` or `swa` replaces both values of the recipe."""
    if ema is None and swa is None:
        return {}
    return {"ema": ema or 0.0, "swa": swa or 0.0}


def with_current_keys(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored recipe, as plain data, with former keys replaced by the current ones."""
    return {FORMER_KEYS.get(key, key): value for key, value in stored.items()}


def from_stored(stored: Mapping[str, Any]) -> Recipe:
    """Build the recipe that a run stores. Accepts former keys; raises RecipeError as `from_dict`."""
    return from_dict(with_current_keys(stored))


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """Build a recipe from plain data. Raises RecipeError for unknown keys and for values that exclude each other."""
    values = dict(values)
    try:
        augmentation = Augmentation(**values.pop("augmentation", {}))
        recipe = Recipe(**values, augmentation=augmentation)
    except TypeError as error:
        raise RecipeError(f"the recipe has wrong keys ({error}): compare it with train/recipe.py") from error
    if recipe.schedule not in get_args(Schedule):
        raise RecipeError(f"unknown schedule {recipe.schedule!r}: choose one of {', '.join(get_args(Schedule))}")
    if recipe.ema and recipe.swa:
        raise RecipeError(f"ema is {recipe.ema} and swa is {recipe.swa}: set one of them to 0")
    if recipe.class_weights and recipe.balanced_sampling:
        raise RecipeError("class_weights and balanced_sampling would correct the imbalance twice: choose one")
    if recipe.preprocessing == "mnist" and recipe.augmentation.flip:
        raise RecipeError("augmentation.flip is on, but a mirrored digit is not a digit: switch it off")
    _check_texts(recipe)
    return recipe


def _check_texts(recipe: Recipe) -> None:
    if recipe.modality is not None and recipe.modality not in get_args(Modality):
        raise RecipeError(f"unknown modality {recipe.modality!r}: choose one of {', '.join(get_args(Modality))}")
    if recipe.presentation is None:
        return
    try:
        Presentation.model_validate(recipe.presentation)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in ("presentation", *first["loc"]))
        raise RecipeError(f"{key} of the recipe is not valid ({first['msg']}): give each text in es and en") from error
