"""A bundle: a trained model as a directory, with `vistazo.json` as its table of contents.

`BundleInfo` is that file in memory. `load` refuses a bundle whose schema, labels, sizes or hashes do not check out,
before anything in it is used. A copy with only what serving needs is a sound bundle too. The format is described in
ARCHITECTURE.md.
"""

import hashlib
import json
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import BundleError

SCHEMA_VERSION = 1
INFO_NAME = "vistazo.json"
MODEL_NAME = "model.tflite"
CARD_NAME = "README.md"
FIGURES = "figures"  # a folder of PNGs, which the card shows
KERAS_FILES = ("config.json", "metadata.json", "model.weights.h5")  # Keras' own directory layout
SERVING_FILES = (INFO_NAME, MODEL_NAME)  # must be there; the others may be left out of a copy

PreprocessingName = Literal["mnist", "center_crop", "stretch_gray"]
TASK = r"^[a-z][a-z0-9_-]{0,39}$"  # what a task may be called: it is part of addresses
Probability = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(_Frozen):
    """A class: its identifier (what the API answers) and its name for people."""

    id: str = Field(min_length=1)
    es: str = Field(min_length=1)
    en: str = Field(min_length=1)


class InputSize(_Frozen):
    """The shape of one picture as the network takes it, in pixels."""

    height: int = Field(gt=0, le=1024)
    width: int = Field(gt=0, le=1024)
    channels: Literal[1, 3]


class OperatingPoint(_Frozen):
    """For two classes: answer `label` when its calibrated probability is at least `probability`."""

    label: str
    probability: Probability


class Thresholds(_Frozen):
    """Where answers change, all fitted on validation.

    `confident`: below this probability of the answered label the verdict is `uncertain`.
    `rejected`: when no label reaches this, the picture is rejected; for networks that were taught what is none.
    `operating`: None means that the most probable label is the answer.
    """

    confident: Probability
    rejected: Probability = 0.0
    operating: OperatingPoint | None = None


class Rejection(_Frozen):
    """How unlike the training pictures a picture may be, as a distance of its pooled features.

    What the distance is stands in `models.ood`. Arrays are float16, little endian, base64.
    """

    mean: str  # (D,)
    components: str  # (K, D), orthonormal rows
    scale: str  # (K,), standard deviation of the training features along each component
    residual_scale: float = Field(gt=0)  # root mean square of what the components leave out
    threshold: float = Field(gt=0)  # a greater score is rejected


class Metric(_Frozen):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Measurement(_Frozen):
    """What the shipped network does on one split of the data, measured by the serving path."""

    n: int = Field(gt=0)
    groups: int | None = None  # patients or near-duplicate groups that the bootstrap resampled
    metrics: dict[str, Metric]
    confusion: list[list[int]]  # rows: truth; columns: answer
    rejected: int = Field(ge=0)
    uncertain: int = Field(ge=0)


class Data(_Frozen):
    """Which pictures the model was made from: the info's SHA-256 and the size of each split."""

    name: str
    license: str
    fingerprint: str
    train: int
    val: int
    test: int


class FileEntry(_Frozen):
    """What a file of the bundle must be."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class BundleInfo(_Frozen):
    """`vistazo.json`. Field by field as in the design; unknown fields are refused."""

    schema_version: Literal[1]
    task: str = Field(pattern=TASK)
    version: str = Field(min_length=1)
    created: str
    labels: tuple[Label, ...] = Field(min_length=2)
    input: InputSize
    preprocessing: PreprocessingName
    temperature: float = Field(gt=0)
    thresholds: Thresholds
    rejection: Rejection | None
    head: str | None = None  # (K, D) weights of the last layer, float16 base64: what makes the heat map
    metrics: dict[str, Measurement]
    robustness: dict[str, dict[str, Metric]] | None = None  # X-rays: altered how → figure
    recipe: dict[str, Any]
    seeds: tuple[int, ...]
    data: Data
    source_commit: str
    machine: str
    training_minutes: float
    files: dict[str, FileEntry]  # every other file, by its name relative to the bundle, with "/"

    @model_validator(mode="after")
    def _labels_are_consistent(self) -> "BundleInfo":
        identifiers = [label.id for label in self.labels]
        if len(set(identifiers)) != len(identifiers):
            raise ValueError(f"labels repeat: {identifiers}")
        operating = self.thresholds.operating
        if operating is not None and (operating.label not in identifiers or len(identifiers) != 2):
            raise ValueError(f"the operating point names {operating.label!r}, the two labels are {identifiers}")
        if MODEL_NAME not in self.files:
            raise ValueError(f"files does not list {MODEL_NAME}")
        return self

    @property
    def label_ids(self) -> tuple[str, ...]:
        """The labels' identifiers, in the order of the network's outputs."""
        return tuple(label.id for label in self.labels)


def load(directory: Path) -> BundleInfo:
    """Read and check the bundle in `directory`: schema, labels, size and SHA-256 of the listed files that are there.

    Raises BundleError with the first thing that does not check out. Of the listed files all but `model.tflite` may be
    missing: `missing` names them.
    """
    path = directory / INFO_NAME
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}): export or copy the bundle again") from error
    except ValueError as error:
        raise BundleError(f"{path} is not JSON: export or copy the bundle again") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(f"{path} has schema version {version!r}, this Vistazo reads {SCHEMA_VERSION}: update Vistazo")
    try:
        info = BundleInfo.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BundleError(f"{path} is not a valid info ({where}: {first['msg']}): export it again") from error
    for name, entry in info.files.items():
        _check_file(directory, name, entry)
    return info


def missing(directory: Path, info: BundleInfo) -> list[str]:
    """The listed files that this copy of the bundle does not have."""
    return [name for name in info.files if not (directory / name).is_file()]


def describe_file(path: Path) -> FileEntry:
    """Size and SHA-256 of a file, as `files` lists them."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileEntry(sha256=digest, size=path.stat().st_size)


def _check_file(directory: Path, name: str, entry: FileEntry) -> None:
    # By its name alone, since a file fetched from the Hub is a link into a cache. Windows' rules know drives as well.
    relative = PureWindowsPath(name)
    if relative.anchor or ".." in relative.parts:
        raise BundleError(f"{directory / INFO_NAME} lists {name!r}, which leaves the bundle: do not use it")
    path = directory / name
    if not path.is_file():
        if name not in SERVING_FILES:
            return
        raise BundleError(f"{path} is missing: export or copy the bundle again")
    found = describe_file(path)
    if found != entry:
        raise BundleError(
            f"{path} is not the file that was exported (SHA-256 {found.sha256[:12]}…, {found.size} bytes; expected "
            f"{entry.sha256[:12]}…, {entry.size}): copy the bundle again"
        )
