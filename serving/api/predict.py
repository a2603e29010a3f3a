"""The routes that classify a picture: `POST /predict` and `POST /predict/{task}`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from models.classifier import Classifier
from serving.api import openapi, responses
from serving.api.dependencies import CurrentCaller, CurrentService, DefaultClassifier, NamedClassifier
from serving.api.schemas import PredictionResponse
from serving.api.upload import read_picture
from serving.events import Caller
from serving.service import Service

router = APIRouter()
Explain = Annotated[
    bool, Query(description="add `heat_map`: the class activation map over the picture, a PNG data URL")
]


@router.post(
    "/predict",
    response_model=PredictionResponse,
    responses=openapi.PREDICT_ERRORS,
    openapi_extra=openapi.MULTIPART,
    summary="Classify a picture with the default model",
)
async def predict_default(
    request: Request,
    service: CurrentService,
    classifier: DefaultClassifier,
    caller: CurrentCaller,
    explain: Explain = False,
) -> JSONResponse:
    """`curl -F "file=@imagen.png" http://localhost:5000/predict`."""
    return await _predict(request, service, classifier, caller, explain)


@router.post(
    "/predict/{task}",
    response_model=PredictionResponse,
    responses=openapi.PREDICT_ERRORS,
    openapi_extra=openapi.MULTIPART,
    summary="Classify a picture with a named model",
)
async def predict(
    request: Request,
    service: CurrentService,
    classifier: NamedClassifier,
    caller: CurrentCaller,
    explain: Explain = False,
) -> JSONResponse:
    """Predictions of `pneumonia` are not a diagnosis: each one has a `disclaimer`."""
    return await _predict(request, service, classifier, caller, explain)


async def _predict(
    request: Request, service: Service, classifier: Classifier, caller: Caller, explain: bool
) -> JSONResponse:
    picture = await read_picture(request, service.settings.max_bytes)
    result = await service.classify(classifier, picture, caller)
    content = responses.prediction(result, classifier, caller)
    if explain:  # drawing takes milliseconds: not on the event loop
        content["heat_map"] = await asyncio.to_thread(responses.heat_map, result.prediction)
    return JSONResponse(content)
