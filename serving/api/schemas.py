"""From a `Prediction` to the JSON of the HTTP contract, and the same for models and errors."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.bundle import Label
from models.cam import data_url, heat_overlay
from models.catalog import Entry, Fallback
from models.classifier import Classifier
from models.errors import HubError, HubStorage, HubUnreachable
from models.prediction import Prediction, Verdict
from serving.errors import ApiError
from serving.i18n.language import Language
from serving.i18n.messages import text

DISCLAIMED = "pneumonia"  # the task whose every answer carries the disclaimer

Share = Annotated[float, Field(ge=0, le=1)]


class Guess(BaseModel):
    """A label with its probability."""

    label: str
    confidence: Share


class ModelOfAnswer(BaseModel):
    """Which model answered."""

    version: str
    revision: str
    engine: str


class Answer(BaseModel):
    """The answer about one picture."""

    model_config = ConfigDict(
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "class": 7,
                "label": "7",
                "confidence": 0.9845,
                "probabilities": [0.0, 0.004, 0.002, 0.003, 0.0, 0.0, 0.0, 0.9845, 0.0015, 0.005],
                "labels": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
                "top": [
                    {"label": "7", "confidence": 0.9845},
                    {"label": "9", "confidence": 0.005},
                    {"label": "1", "confidence": 0.004},
                ],
                "verdict": "confident",
                "reason": None,
                "message": "El modelo distingue bien esta imagen. Aun así puede equivocarse.",
                "task": "digit",
                "model": {"version": "1.0.0", "revision": "9f2c…", "engine": "litert"},
                "request_id": "5f0c8a4e6d1b4f0e",
                "elapsed_ms": 1.9,
            }
        },
    )

    class_: int | None = Field(alias="class", description="index into `labels`; null when rejected")
    label: str | None = Field(description="null when rejected")
    confidence: Share = Field(description="calibrated probability of `label`; 0 when rejected")
    probabilities: list[Share] = Field(description="one for each of `labels`, filled in for rejected pictures too")
    labels: list[str]
    top: list[Guess] = Field(description="the three most probable labels")
    verdict: Verdict
    reason: str | None = Field(description="why the verdict is not `confident`: a code, or null")
    message: str = Field(description="what the verdict means, in the caller's language")
    disclaimer: str | None = Field(default=None, description="beside every answer about pneumonia")
    task: str
    model: ModelOfAnswer
    heat_map: str | None = Field(
        default=None,
        description="with `explain=true`: where the network looked, as PNG data URL; null when it did not look",
    )
    request_id: str
    elapsed_ms: float = Field(description="from the whole upload to the answer, waiting included")


class ErrorAnswer(BaseModel):
    """Every error has this shape."""

    error: str = Field(description="one sentence, in Spanish unless `Accept-Language` prefers English")
    code: str
    request_id: str


class ModelInfo(BaseModel):
    """What is known of one model; nearly all is null when it could not be loaded."""

    task: str
    available: bool
    error: str | None
    source: Literal["bundled", "hub", "local"] = Field(
        description="where it came from; `local` is a run, or a directory named in VISTAZO_MODELS"
    )
    repository: str | None = Field(default=None, description="USER/NAME of a model from the Hugging Face Hub")
    fallback: str | None = Field(default=None, description="why this is not the model that VISTAZO_MODELS names")
    version: str | None
    revision: str | None = Field(description="the commit of a model from the Hub; else the SHA-256 of its vistazo.json")
    engine: str | None
    labels: list[Label] | None = Field(description="identifiers with their names in Spanish and English")
    metrics: dict[str, Any] | None = Field(description="measured figures with their 95 % intervals, by split")
    disclaimer: str | None = None


class Models(BaseModel):
    """All models of this server."""

    default: str = Field(description="the task of POST /predict")
    models: list[ModelInfo]


class Reload(BaseModel):
    """What a reload may ask for."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="USER/NAME on the Hub, or USER/NAME@REVISION: a commit, tag or branch")


@dataclass(frozen=True, slots=True)
class About:
    """What an answer says beside the prediction."""

    model: ModelOfAnswer
    language: Language
    request_id: str
    elapsed_ms: float


def answer(prediction: Prediction, about: About) -> dict[str, Any]:
    """The JSON of a prediction, as the contract has it."""
    fields: dict[str, Any] = {
        "class": prediction.index,
        "label": prediction.label,
        "confidence": _rounded(prediction.confidence),
        "probabilities": [_rounded(value) for value in prediction.probabilities],
        "labels": list(prediction.labels),
        "top": [{"label": label, "confidence": _rounded(value)} for label, value in prediction.top()],
        "verdict": prediction.verdict.value,
        "reason": prediction.reason.value if prediction.reason else None,
        "message": meaning(prediction, about.language),
    }
    if prediction.task == DISCLAIMED:
        fields["disclaimer"] = text("disclaimer", about.language)
    return fields | {
        "task": prediction.task,
        "model": about.model.model_dump(),
        "request_id": about.request_id,
        "elapsed_ms": round(about.elapsed_ms, 2),
    }


def explained(prediction: Prediction, about: About) -> dict[str, Any]:
    """The same with the heat map, or null in its place where the network did not look."""
    heat_map = None
    if prediction.seen is not None and prediction.heat is not None:
        heat_map = data_url(heat_overlay(prediction.seen, prediction.heat))
    return answer(prediction, about) | {"heat_map": heat_map}


def meaning(prediction: Prediction, language: Language) -> str:
    """What the verdict means for the person, and what to do."""
    return text(prediction.reason.value if prediction.reason else "confident_meaning", language)


def error(failure: ApiError, language: Language, request_id: str) -> dict[str, str]:
    """The JSON of an error, as the contract has it."""
    return {"error": failure.sentence(language), "code": failure.code, "request_id": request_id}


def model_of(classifier: Classifier) -> ModelOfAnswer:
    """Which model a classifier is, for its answers."""
    return ModelOfAnswer(version=classifier.info.version, revision=classifier.revision, engine=classifier.engine_name)


def model_info(entry: Entry, language: Language) -> ModelInfo:
    """What callers may know of a catalogue entry. Paths and causes of a failure stay in the log."""
    disclaimer = text("disclaimer", language) if entry.task == DISCLAIMED else None
    known: dict[str, Any] = dict.fromkeys(("version", "revision", "engine", "labels", "metrics"))
    if entry.classifier is not None:
        info = entry.classifier.info
        known = model_of(entry.classifier).model_dump() | {
            "labels": info.labels,
            "metrics": {split: measured.model_dump() for split, measured in info.metrics.items()},
        }
    return ModelInfo(
        task=entry.task,
        available=entry.classifier is not None,
        error=None if entry.classifier else text("model_not_loaded", language, task=entry.task),
        source=entry.origin,
        repository=entry.copy.repository.repo_id if entry.copy else None,
        fallback=_why(entry.fallback, language) if entry.fallback else None,
        disclaimer=disclaimer,
        **known,
    )


def _why(fallback: Fallback, language: Language) -> str:
    match fallback.error:
        case HubUnreachable():
            key = "hub_unreachable"
        case HubStorage():
            key = "hub_storage"
        case HubError():
            key = "hub_refused"
        case _:
            key = "hub_damaged"
    return text(key, language, asked=fallback.asked)


def _rounded(share: float) -> float:
    return round(share, 6)  # finer than any calibration
