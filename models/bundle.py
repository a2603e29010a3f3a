"""A bundle: a trained model as a directory, described by its file `vistazo.json`.

`BundleInfo` is that file in memory. `load` verifies schema, labels, sizes and hashes before anything in the bundle is
used. A copy with only the files that serving needs is a valid bundle. ARCHITECTURE.md describes the format.
"""

import hashlib
import json
import math
from pathlib import Path, PureWindowsPath
from reprlib import repr as short_repr  # a message does not grow with what is in the file
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.arrays import unpack
from models.errors import BundleError

SCHEMA_VERSION = 1
MAX_INFO_BYTES = 4_000_000  # of vistazo.json; the largest of the included models has 0.25 MB
INFO_NAME = "vistazo.json"
MODEL_NAME = "model.tflite"
CARD_NAME = "README.md"
FIGURES = "figures"  # folder of the PNGs in the card
KERAS_FILES = ("config.json", "metadata.json", "model.weights.h5")  # Keras' own directory layout
SERVING_FILES = (INFO_NAME, MODEL_NAME)  # required; a copy may leave out the others

PreprocessingName = Literal["mnist", "center_crop", "stretch_gray"]
TASK = r"^[a-z][a-z0-9_-]{0,39}$"  # valid names of a task, which is part of URLs
Modality = Literal["photo", "drawing", "radiograph"]
Language = Literal["es", "en"]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Translated(_Frozen):
    """A text in Spanish and English."""

    es: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, language: Language) -> str:
        """Return the text in one of the two languages."""
        return self.en if language == "en" else self.es


class Label(Translated):
    """A class: its identifier in the API, and its name for people in Spanish and English."""

    id: str = Field(min_length=1)


class Presentation(_Frozen):
    """Texts of a task for people.

    `intro` tells the visitor what to do and may have the placeholder `{labels}`. `disclaimer` goes with every response,
    and `caution` is its first sentence, for small spaces.
    """

    title: Translated
    intro: Translated
    disclaimer: Translated | None = None
    caution: Translated | None = None


class InputSize(_Frozen):
    """The shape of the network's input, in pixels."""

    height: int = Field(gt=0, le=1024)
    width: int = Field(gt=0, le=1024)
    channels: Literal[1, 3]


class OperatingPoint(_Frozen):
    """For two labels: predict `label` when its calibrated probability is at least `probability`."""

    label: str
    probability: Probability


class Thresholds(_Frozen):
    """Thresholds of the verdict, all fitted on validation.

    `confident`: below this probability of the predicted label the verdict is `uncertain`.
    `rejected`: when no label reaches this probability, the picture is rejected. For networks trained with outlier
    exposure.
    `operating`: the operating point; None means that the most probable label is predicted.
    """

    confident: Probability
    rejected: Probability = 0.0
    operating: OperatingPoint | None = None


class Rejection(_Frozen):
    """Statistics of the training features for OOD detection; `models.ood` computes the score.

    Arrays are float16, little endian, base64.
    """

    mean: str  # (D,)
    components: str  # (K, D), orthonormal rows
    scale: str  # (K,), standard deviation of the training features along each component
    residual_scale: float = Field(ge=1e-6, le=1e6)  # root mean square of the energy outside the components
    threshold: float = Field(gt=0, le=1e12)  # a greater score is rejected

    @model_validator(mode="after")
    def _arrays_fit_together(self) -> "Rejection":
        mean, components, scale = (_array(self, name) for name in ("mean", "components", "scale"))
        if components.size != scale.size * mean.size:
            expected = f"{scale.size} (of scale) times {mean.size} (of mean)"
            raise ValueError(f"components has {components.size} numbers, expected {expected}")
        if scale.min() <= 0:
            raise ValueError(f"scale has {scale.min()}, expected numbers above 0")
        return self


class Metric(_Frozen):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class Measurement(_Frozen):
    """Results of the exported network on one split of the data, measured by the serving path."""

    n: int = Field(gt=0)
    groups: int | None = None  # patients or near-duplicate groups that the bootstrap resampled
    metrics: dict[str, Metric]
    confusion: list[list[int]]  # rows: true label; columns: predicted label
    rejected: int = Field(ge=0)
    uncertain: int = Field(ge=0)


class Data(_Frozen):
    """The training data: its licence, the SHA-256 of its manifest (`fingerprint`) and the size of each split."""

    name: str
    license: str
    fingerprint: str
    train: int
    val: int
    test: int


class FileEntry(_Frozen):
    """The expected hash and size of a file of the bundle."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class BundleInfo(_Frozen):
    """The content of `vistazo.json`. Unknown fields are refused."""

    schema_version: Literal[1]
    task: str = Field(pattern=TASK)
    version: str = Field(min_length=1)
    created: str
    labels: tuple[Label, ...] = Field(min_length=2)
    presentation: Presentation | None = None  # None: the texts of `models.tasks`
    modality: Modality | None = None
    input: InputSize
    preprocessing: PreprocessingName
    temperature: float = Field(ge=1e-3, le=1e3)
    thresholds: Thresholds
    rejection: Rejection | None
    head: str | None = None  # (K, D) weights of the last layer, float16 base64: for the class activation map
    metrics: dict[str, Measurement]
    robustness: dict[str, dict[str, Metric]] | None = None  # of X-rays: corruption → metric
    recipe: dict[str, Any]
    seeds: tuple[int, ...]
    data: Data
    source_commit: str
    machine: str
    training_minutes: float
    files: dict[
        Annotated[str, Field(max_length=255)], FileEntry
    ]  # every other file, by its name relative to the bundle, with "/"

    @model_validator(mode="after")
    def _labels_are_consistent(self) -> "BundleInfo":
        identifiers = [label.id for label in self.labels]
        if len(set(identifiers)) != len(identifiers):
            raise ValueError(f"labels are repeated: {short_repr(identifiers)}")
        operating = self.thresholds.operating
        if operating is not None and (operating.label not in identifiers or len(identifiers) != 2):
            found, labels = short_repr(operating.label), short_repr(identifiers)
            raise ValueError(f"the operating point names {found}, the two labels are {labels}")
        if MODEL_NAME not in self.files:
            raise ValueError(f"files does not list {MODEL_NAME}")
        return self

    @model_validator(mode="after")
    def _head_fits_the_features(self) -> "BundleInfo":
        if self.head is not None:
            head, count = _array(self, "head").size, len(self.labels)
            features = _array(self.rejection, "mean").size if self.rejection else head // count
            if head != count * features:
                raise ValueError(f"head has {head} numbers, expected {count} (labels) times {features} (features)")
        return self

    @model_validator(mode="after")
    def _input_is_what_preprocessing_gives(self) -> "BundleInfo":
        size = (self.input.height, self.input.width, self.input.channels)
        if self.preprocessing == "mnist" and size != (28, 28, 1):
            raise ValueError(f"preprocessing mnist gives 28 x 28 x 1, the input is {' x '.join(map(str, size))}")
        channels = 3 if self.preprocessing == "center_crop" else 1
        if self.input.channels != channels:
            raise ValueError(f"preprocessing {self.preprocessing} gives {channels} channels, the input has {size[2]}")
        return self

    @property
    def features(self) -> int | None:
        """The number of pooled features that `rejection` and `head` are made for; None without either."""
        if self.rejection:
            return unpack(self.rejection.mean).size
        return unpack(self.head).size // len(self.labels) if self.head else None

    @property
    def label_ids(self) -> tuple[str, ...]:
        """The identifiers of the labels, in the order of the network's outputs."""
        return tuple(label.id for label in self.labels)


def _array(of: BaseModel, name: str) -> NDArray[np.float32]:
    """Decode an array of a bundle. Raises ValueError with its name."""
    try:
        return unpack(getattr(of, name))
    except ValueError as error:
        raise ValueError(f"{name} is not an array of a bundle ({error})") from error


def read_json(directory: Path) -> Any:
    """Read the bundle's `vistazo.json`, without verifying its content. Raises BundleError."""
    path = directory / INFO_NAME
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_INFO_BYTES + 1)
        if len(content) > MAX_INFO_BYTES:
            raise BundleError(f"{path} has more than {MAX_INFO_BYTES:,} bytes: export or copy the bundle again")
        return json.loads(content.decode("utf-8"), parse_float=_finite, parse_constant=_finite)
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}): export or copy the bundle again") from error
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested lists
        raise BundleError(f"{path} is not JSON of finite numbers: export or copy the bundle again") from error


def _finite(text: str) -> float:
    """Convert a number in JSON. Raises ValueError for NaN, Infinity and numbers beyond float's range."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is not finite")
    return number


def load(directory: Path) -> BundleInfo:
    """Read and verify the bundle in `directory`: schema, labels, numbers, size and SHA-256 of the files that exist.

    Raises BundleError at the first problem. All listed files except `model.tflite` may be missing: `missing_files`
    names them.
    """
    path = directory / INFO_NAME
    raw = read_json(directory)
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        found = short_repr(version)
        raise BundleError(f"{path} has schema version {found}, this Vistazo reads {SCHEMA_VERSION}: update Vistazo")
    try:
        info = BundleInfo.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:100] or "the file"
        raise BundleError(f"{path} is not a valid info ({where}: {first['msg']}): export it again") from error
    for name, entry in info.files.items():
        _check_file(directory, name, entry)
    return info


def missing_files(directory: Path, info: BundleInfo) -> list[str]:
    """Return the listed files that this copy of the bundle does not have."""
    return [name for name in info.files if not (directory / name).is_file()]


def describe_file(path: Path) -> FileEntry:
    """Return the size and SHA-256 of a file, as listed in `files`."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileEntry(sha256=digest, size=path.stat().st_size)


def _check_file(directory: Path, name: str, entry: FileEntry) -> None:
    # Checked by name: a file pulled from the Hub is a link into a cache. Windows paths include drives.
    relative = PureWindowsPath(name)
    if relative.anchor or ".." in relative.parts:
        raise BundleError(f"{directory / INFO_NAME} lists {name!r}, a path outside the bundle: do not use this bundle")
    path = directory / name
    try:
        found = describe_file(path) if path.is_file() else None
    except OSError as error:  # a name that is too long for this disk, a file that may not be read
        raise BundleError(f"{path} cannot be read ({error.strerror}): export or copy the bundle again") from error
    if found is None:
        if name not in SERVING_FILES:
            return
        raise BundleError(f"{path} is missing: export or copy the bundle again")
    if found != entry:
        raise BundleError(
            f"{path} is not the file that was exported (SHA-256 {found.sha256[:12]}…, {found.size} bytes; expected "
            f"{entry.sha256[:12]}…, {entry.size}): copy the bundle again"
        )
