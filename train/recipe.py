"""A recipe: every choice of a training run, from the defaults here, a task's TOML, and the command line, in that order.

A TOML in `train/recipes` says only what differs from the defaults, with its reason beside it.
"""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from models.bundle import InputSize, PreprocessingName
from train.errors import RecipeError

RECIPES = Path(__file__).parent / "recipes"
Schedule = Literal["cosine", "plateau", "one_cycle"]
ANY_FOLDER = "folder"  # the recipe of tasks that are a folder of a person's own


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training picture may be changed. Zero switches a change off."""

    rotation: float = 0.0  # degrees to either side
    translation: float = 0.0  # fraction of the side
    shear: float = 0.0  # degrees
    zoom: float = 0.0  # fraction, in and out
    stretch: float = 0.0  # fraction by which width and height may be zoomed apart
    flip: bool = False  # left to right
    gamma: float = 0.0  # exponent between 1/(1+gamma) and 1+gamma
    contrast: float = 0.0  # fraction
    brightness: float = 0.0  # fraction of the range
    saturation: float = 0.0  # fraction
    blur: float = 0.0  # share of the pictures
    noise: float = 0.0  # standard deviation, fraction of the range
    jpeg: float = 0.0  # share of the pictures that get the blocks of strong JPEG compression
    erasing: float = 0.0  # share of the pictures that lose a rectangle
    thickness: float = 0.0  # share of the pictures whose strokes are made thicker or thinner


@dataclass(frozen=True, slots=True)
class Recipe:
    """What `fit` needs to know. Times are in epochs unless they say otherwise."""

    task: str
    arch: str
    preprocessing: PreprocessingName
    height: int
    width: int
    channels: int
    labels: dict[str, dict[str, str]]  # identifier → {"es": …, "en": …}, in the order of the outputs
    weights_sha256: str | None = None  # the backbone file that the figures were made with
    epochs: int = 10
    head_epochs: int = 1  # with a backbone: the new head alone, before the whole is fine-tuned
    batch_size: int = 32
    learning_rate: float = 1e-3
    head_learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    schedule: Schedule = "cosine"  # of the learning rate; see train/learning/optimizer.py
    warmup: float = 0.05  # share of the steps, with the cosine
    dropout: float = 0.2
    label_smoothing: float = 0.0
    mixup: float = 0.0  # of the beta distribution by which pictures are blended in pairs; 0: none
    class_weights: bool = False  # weigh classes by the inverse of their frequency
    balanced_sampling: bool = False  # draw each class equally often instead
    ema: float = 0.0  # momentum of the moving average of the weights; 0: none
    swa: float = 0.0  # share of the epochs, the last ones, whose weights are averaged instead; 0: none
    patience: int = 5
    clutter: float = 0.0  # made-up pictures of nothing, as a share of the training pictures, are added
    shifted_validation: bool = False  # judge epochs on altered copies of the validation pictures too
    positive: str | None = None  # of two labels, the one that is looked for
    sensitivity: float = 0.97  # of the operating point, on validation
    confident: float = 0.8  # answers less probable than this are `uncertain`
    keep: float = 0.995  # share of the validation pictures that the rejection threshold keeps
    version: str = "0.1.0"  # of the bundle
    seed: int = 0
    mixed_precision: bool = False  # half precision where it is safe: for GPUs
    steps_per_execution: int = 1  # steps between two looks at the progress; more are faster with small networks on GPUs
    memory_gb: float = 4.0  # pictures beyond this are streamed instead of held
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def input(self) -> InputSize:
        """The network's input size."""
        return InputSize.model_validate({"height": self.height, "width": self.width, "channels": self.channels})

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain data, for `run.json` and `vistazo.json`."""
        return dataclasses.asdict(self)


def load(task: str, **overrides: Any) -> Recipe:
    """The committed recipe of `task`, with `overrides` (those that are not None) from the command line.

    An architecture other than the recipe's own takes the values of the recipe's table `[with.NAME]`, if it has one.
    Raises RecipeError when there is no such recipe or it names something unknown.
    """
    known = sorted({found.stem for found in RECIPES.glob("*.toml")} - {ANY_FOLDER})
    if task not in known:
        raise RecipeError(
            f"no recipe is called {task!r}: choose one of {', '.join(known)}, or train on a folder of your own with "
            "--data FOLDER --name NAME"
        )
    return _compose({"task": task}, RECIPES / f"{task}.toml", overrides)


def for_folder(name: str, labels: Sequence[str], **overrides: Any) -> Recipe:
    """The recipe of the task `name`, whose classes are the folders `labels`; otherwise as `load`."""
    named = {label: {"es": label, "en": label} for label in labels}
    return _compose({"task": name, "labels": named}, RECIPES / f"{ANY_FOLDER}.toml", overrides)


def _compose(known: dict[str, Any], path: Path, overrides: Mapping[str, Any]) -> Recipe:
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
    return from_dict(known | values | given | {"augmentation": augmentation})


def assigned(words: Sequence[str]) -> dict[str, Any]:
    """What `load` takes for words such as `patience=3` or `augmentation.flip=true`.

    Raises RecipeError for a name that no recipe has, or a value of another kind than the recipe's own.
    """
    chosen: dict[str, Any] = {}
    augmentation: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        group, _, inner = name.rpartition(".")
        target, kind = (augmentation, Augmentation) if group == "augmentation" else (chosen, Recipe)
        defaults = {field.name: field.default for field in dataclasses.fields(kind)}
        default = defaults.get(inner) if group in ("", "augmentation") else None
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = None
        # 1 is as good as 1.0, but true is no number.
        if type(default) is float and type(value) is int:
            value = float(value)
        if default is None or type(value) is not type(default):
            raise RecipeError(
                f"--set {word} is no choice of a recipe: give a name of train/recipe.py and a value like its own, as "
                "in patience=3 or augmentation.flip=true"
            )
        target[inner] = value
    return chosen | ({"augmentation": augmentation} if augmentation else {})


def balance(how: Literal["none", "weights", "sampling"] | None) -> dict[str, bool | None]:
    """What `load` takes for a way to deal with classes of different size; None leaves it to the recipe."""
    if how is None:
        return {}
    return {"class_weights": how == "weights", "balanced_sampling": how == "sampling"}


def average(ema: float | None, swa: float | None) -> dict[str, float | None]:
    """What `load` takes for a way to average weights: the one that is asked for replaces the recipe's."""
    if ema is None and swa is None:
        return {}
    return {"ema": ema or 0.0, "swa": swa or 0.0}


def from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain data. Raises RecipeError for names that no recipe has, and for what cannot go together."""
    values = dict(values)
    try:
        augmentation = Augmentation(**values.pop("augmentation", {}))
        recipe = Recipe(**values, augmentation=augmentation)
    except TypeError as error:
        raise RecipeError(f"the recipe does not fit ({error}): compare it with train/recipe.py") from error
    if recipe.schedule not in get_args(Schedule):
        raise RecipeError(f"no schedule is called {recipe.schedule!r}: choose one of {', '.join(get_args(Schedule))}")
    if recipe.ema and recipe.swa:
        raise RecipeError(f"ema is {recipe.ema} and swa is {recipe.swa}: one of them has to be 0")
    if recipe.class_weights and recipe.balanced_sampling:
        raise RecipeError("class_weights and balanced_sampling would make up for the imbalance twice: choose one")
    if recipe.preprocessing == "mnist" and recipe.augmentation.flip:
        raise RecipeError("augmentation.flip is on, and a mirrored digit is no digit: switch it off")
    return recipe
