"""Schemas of the HTTP contract: requests and responses."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.bundle import Label
from models.prediction import Verdict

Probability = Annotated[float, Field(ge=0, le=1)]


class LabelProbability(BaseModel):
    """A label with its probability."""

    label: str
    confidence: Probability


class ModelReference(BaseModel):
    """The model of a prediction."""

    version: str
    revision: str
    engine: str


class PredictionResponse(BaseModel):
    """The prediction for one picture."""

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
    confidence: Probability = Field(description="calibrated probability of `label`; 0 when rejected")
    probabilities: list[Probability] = Field(
        description="one for each of `labels`, filled in for rejected pictures too"
    )
    labels: list[str]
    top: list[LabelProbability] = Field(description="the three most probable labels")
    verdict: Verdict
    reason: str | None = Field(description="code of the reason for a verdict that is not `confident`, or null")
    message: str = Field(description="the meaning of the verdict, in the caller's language")
    disclaimer: str | None = Field(default=None, description="present for every prediction of pneumonia")
    task: str
    model: ModelReference
    heat_map: str | None = Field(
        default=None,
        description="with `explain=true`: the class activation map over the picture, a PNG data URL; null when the "
        "network did not run",
    )
    request_id: str
    elapsed_ms: float = Field(description="from the end of the upload to the prediction, waiting time included")


class ErrorResponse(BaseModel):
    """An error; every error has this shape."""

    error: str = Field(description="one sentence, in Spanish unless `Accept-Language` prefers English")
    code: str
    request_id: str


class ModelInfo(BaseModel):
    """One model. Most fields are null when it could not be loaded."""

    task: str
    available: bool
    error: str | None
    source: Literal["bundled", "hub", "local"] = Field(
        description="kind of source; `local` is a run, or a directory in VISTAZO_MODELS"
    )
    repository: str | None = Field(default=None, description="USER/NAME of a model from the Hugging Face Hub")
    fallback: str | None = Field(default=None, description="the reason why the model in VISTAZO_MODELS is not served")
    version: str | None
    revision: str | None = Field(description="the commit of a model from the Hub; else the SHA-256 of its vistazo.json")
    engine: str | None
    labels: list[Label] | None = Field(description="identifiers with their names in Spanish and English")
    metrics: dict[str, Any] | None = Field(description="results with their 95 % intervals, by split")
    disclaimer: str | None = None


class ModelList(BaseModel):
    """All models of this server."""

    default: str = Field(description="the task of POST /predict")
    models: list[ModelInfo]


class ReloadRequest(BaseModel):
    """The optional body of a reload."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="USER/NAME on the Hub, or USER/NAME@REVISION: a commit, tag or branch")
