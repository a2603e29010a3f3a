"""The JSON of predictions and models, in the shape of `serving.api.schemas`."""

from typing import Any

from models.cam import data_url, overlay
from models.catalog import Entry, Fallback
from models.errors import HubError, HubStorage, HubUnreachable
from models.model import Model
from models.prediction import Prediction, Reason
from models.tasks import presentation_of
from serving.api.schemas import ModelInfo, ModelReference
from serving.events import Caller
from serving.i18n.language import Language
from serving.i18n.messages import text
from serving.service import Result

_DECIMALS = 6  # finer than any calibration


def prediction(result: Result, model: Model, caller: Caller) -> dict[str, Any]:
    """Return the JSON of a PredictionResponse, without a heat map."""
    found = result.prediction
    fields: dict[str, Any] = {
        "class": found.index,
        "label": found.label,
        "confidence": round(found.confidence, _DECIMALS),
        "probabilities": [round(value, _DECIMALS) for value in found.probabilities],
        "labels": list(found.labels),
        "top": [{"label": label, "confidence": round(value, _DECIMALS)} for label, value in found.top()],
        "verdict": found.verdict.value,
        "reason": found.reason.value if found.reason else None,
        "message": reason_text(found.reason, caller.language),
    }
    disclaimer = presentation_of(model.task, model.info).disclaimer
    if disclaimer:
        fields["disclaimer"] = disclaimer.in_language(caller.language)
    return fields | {
        "task": found.task,
        "model": _model_reference(model).model_dump(),
        "request_id": caller.request_id,
        "elapsed_ms": round(result.elapsed_ms, 2),
    }


def reason_text(reason: Reason | None, language: Language) -> str:
    """Return the meaning of a verdict: its reason, or that the prediction is clear."""
    return text(reason.value if reason else "confident_meaning", language)


def heat_map(found: Prediction) -> str | None:
    """Return the class activation map over the picture as a PNG data URL, or None when the network did not run."""
    if found.pixels is None or found.activation_map is None:
        return None
    return data_url(overlay(found.pixels, found.activation_map))


def model_info(entry: Entry, language: Language) -> ModelInfo:
    """Return the public description of a catalog entry. Paths and causes of a failure are for the log only."""
    fields: dict[str, Any] = dict.fromkeys(("version", "revision", "engine", "labels", "metrics"))
    if entry.loaded is not None:
        info = entry.loaded.info
        fields = _model_reference(entry.loaded).model_dump() | {
            "labels": info.labels,
            "metrics": {split: measured.model_dump() for split, measured in info.metrics.items()},
        }
    disclaimer = entry.presentation.disclaimer
    return ModelInfo(
        task=entry.task,
        available=entry.loaded is not None,
        error=None if entry.loaded else text("model_not_loaded", language, task=entry.task),
        source=entry.origin,
        repository=entry.copy.repository.repo_id if entry.copy else None,
        fallback=_fallback_reason(entry.fallback, language) if entry.fallback else None,
        disclaimer=disclaimer.in_language(language) if disclaimer else None,
        **fields,
    )


def _model_reference(model: Model) -> ModelReference:
    return ModelReference(version=model.info.version, revision=model.revision, engine=model.engine_name)


def _fallback_reason(fallback: Fallback, language: Language) -> str:
    match fallback.error:
        case HubUnreachable():
            key = "hub_unreachable"
        case HubStorage():
            key = "hub_storage"
        case HubError():
            key = "hub_refused"
        case _:
            key = "hub_damaged"
    return text(key, language, wanted=fallback.wanted)
