"""A recipe: every choice of a training run, from the defaults here, a task's TOML, and the command line, in that order.

A TOML in `train/recipes` says only what differs from the defaults, with its reason beside it.
"""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.bundle import InputSize, PreprocessingName
from train.errors import RecipeError

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training picture may be changed. Zero switches a change off."""

    rotation: float = 0  # degrees to either side
    translation: float = 0  # fraction of the side
    shear: float = 0  # degrees
    zoom: float = 0  # fraction, in and out
    stretch: float = 0  # fraction by which width and height may be zoomed apart
    flip: bool = False  # left to right
    gamma: float = 0  # exponent between 1/(1+gamma) and 1+gamma
    contrast: float = 0  # fraction
    brightness: float = 0  # fraction of the range
    saturation: float = 0  # fraction
    blur: float = 0  # share of the pictures
    noise: float = 0  # standard deviation, fraction of the range
    jpeg: float = 0  # share of the pictures that get the blocks of strong JPEG compression
    marks: float = 0  # share of the pictures in which each of four patches at the edges is painted over
    erasing: float = 0  # share of the pictures that lose a rectangle
    thickness: float = 0  # share of the pictures whose strokes are made thicker or thinner


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
    margin: float = 0.0  # share of the picture that validation and serving cut off at each side
    weights_sha256: str | None = None  # the backbone file that the figures were made with
    epochs: int = 10
    head_epochs: int = 1  # with a backbone: the new head alone, before the whole is fine-tuned
    batch_size: int = 32
    learning_rate: float = 1e-3
    head_learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup: float = 0.05  # share of the steps
    dropout: float = 0.2
    label_smoothing: float = 0.0
    class_weights: bool = False  # weigh classes by the inverse of their frequency
    ema: float = 0.0  # momentum of the average of the weights; 0: none
    patience: int = 5
    clutter: float = 0.0  # made-up pictures of nothing, as a share of the training pictures, are added
    shifted_validation: bool = False  # judge epochs on altered copies of the validation pictures too
    positive: str | None = None  # of two labels, the one that is looked for
    sensitivity: float = 0.97  # of the operating point, on validation
    confident: float = 0.8  # answers less probable than this are `uncertain`
    keep: float = 0.995  # share of the validation pictures that the rejection threshold keeps
    version: str = "0.1.0"  # of the bundle
    seed: int = 0
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
    path = RECIPES / f"{task}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(found.stem for found in RECIPES.glob("*.toml")))
        raise RecipeError(f"no recipe is called {task!r}: choose one of {known}") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not valid TOML ({error}): correct it") from error
    given = {key: value for key, value in overrides.items() if value is not None}
    variants = values.pop("with", {})
    arch = given.get("arch", values["arch"])
    if arch != values["arch"]:
        values = values | {"weights_sha256": None} | variants.get(arch, {})
    return from_dict({"task": task} | values | given)


def from_dict(values: dict[str, Any]) -> Recipe:
    """A recipe from plain data. Raises RecipeError for names that no recipe has."""
    values = dict(values)
    try:
        augmentation = Augmentation(**values.pop("augmentation", {}))
        return Recipe(**values, augmentation=augmentation)
    except TypeError as error:
        raise RecipeError(f"the recipe does not fit ({error}): compare it with train/recipe.py") from error
