"""The REST routes of the HTTP contract."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from models.errors import SourceError, UnknownTask
from models.hub.source import Repository
from serving.api import openapi, schemas
from serving.api.admin_key import require_admin
from serving.api.schemas import Answer, ModelInfo, Models, Reload
from serving.api.upload import read_picture
from serving.errors import ApiError, InvalidRequest, MethodNotAllowed, NoSuchTask, NotFound, Unexpected
from serving.i18n.messages import text
from serving.middleware.request_context import error_response, id_of_request, language_of_request
from serving.reload import Reloader
from serving.service import Service

PREFIXES = ("/predict", "/models", "/health")


def router(service: Service, reloader: Reloader) -> APIRouter:
    """The routes, answering from `service`; `reloader` changes its models."""
    routes = APIRouter()
    explain = Annotated[bool, Query(description="add `heat_map`: where the network looked, as PNG data URL")]

    async def answer(request: Request, task: str, explained: bool) -> JSONResponse:
        classifier = service.find(task)
        picture = await read_picture(request, service.settings)
        prediction, elapsed_ms = await service.classify(classifier, picture, id_of_request.get())
        about = schemas.About(schemas.model_of(classifier), language_of_request.get(), id_of_request.get(), elapsed_ms)
        if explained:  # painting takes a while
            return JSONResponse(await asyncio.to_thread(schemas.explained, prediction, about))
        return JSONResponse(schemas.answer(prediction, about))

    @routes.post(
        "/predict",
        response_model=Answer,
        responses=openapi.PREDICT_ERRORS,
        openapi_extra=openapi.MULTIPART,
        summary="Classify a picture with the default model",
    )
    async def predict_default(request: Request, explain: explain = False) -> JSONResponse:
        """`curl -F "file=@imagen.png" http://localhost:5000/predict`."""
        return await answer(request, service.default_task, explain)

    @routes.post(
        "/predict/{task}",
        response_model=Answer,
        responses=openapi.PREDICT_ERRORS,
        openapi_extra=openapi.MULTIPART,
        summary="Classify a picture with a named model",
    )
    async def predict(request: Request, task: str, explain: explain = False) -> JSONResponse:
        """Answers about `pneumonia` are not a diagnosis: each carries a `disclaimer`."""
        return await answer(request, task, explain)

    @routes.get("/models", response_model=Models, summary="What is loaded")
    async def models() -> Models:
        """Labels with their names, versions, measured figures, and which models could not be loaded."""
        language = language_of_request.get()
        return Models(
            default=service.default_task,
            models=[schemas.model_info(entry, language) for entry in service.catalog.entries],
        )

    @routes.get(
        "/models/{task}",
        response_model=ModelInfo,
        responses=openapi.MODEL_ERRORS,
        summary="One model",
    )
    async def model(task: str) -> ModelInfo:
        """The same as in the list."""
        try:
            return schemas.model_info(service.catalog.entry(task), language_of_request.get())
        except UnknownTask:
            raise NoSuchTask(task=task, tasks=", ".join(service.tasks)) from None

    @routes.post(
        "/models/{task}/reload",
        response_model=ModelInfo,
        responses=openapi.RELOAD_ERRORS,
        dependencies=[Depends(openapi.ADMIN_KEY)],
        openapi_extra=openapi.RELOAD,
        summary="Serve a new revision of a model (admin key)",
    )
    async def reload(request: Request, task: str) -> ModelInfo:
        """Load a model anew, check it beside the old one, and serve it from then on.

        A branch or tag that VISTAZO_MODELS names is looked up again, a directory is read again. With a body,
        `{"model": "USER/NAME@REVISION"}` is served until the next reload or start. Whatever goes wrong, the old model
        is served on.
        """
        require_admin(request, service.settings)
        entry = await reloader.reload(task, await _asked(request))
        return schemas.model_info(entry, language_of_request.get())

    @routes.get("/health/live", summary="Is the process alive?")
    async def live() -> dict[str, str]:
        """200 as long as the server answers at all."""
        return {"status": "live"}

    @routes.get(
        "/health/ready",
        summary="Can it classify?",
        responses={503: {"description": "not yet, or not at all: `reason` says why"}},
    )
    async def ready() -> JSONResponse:
        """200 once each loaded model has answered about a test picture. `unavailable` lists the damaged ones."""
        reason = _why_not_ready(service)
        content: dict[str, Any] = {
            "status": "not_ready" if reason else "ready",
            "reason": reason,
            "ready": [task for task in service.tasks if task in service.warm],
            "unavailable": [task for task in service.tasks if task not in service.loaded],
        }
        return JSONResponse(content, 503 if reason else 200)

    return routes


async def _asked(request: Request) -> Repository | None:
    """The repository that the body of a reload names, if there is a body."""
    body = await request.body()
    try:
        return Repository.parse(Reload.model_validate_json(body).model) if body else None
    except (ValidationError, SourceError):
        raise InvalidRequest(parameter="model") from None


def _why_not_ready(service: Service) -> str | None:
    language = language_of_request.get()
    if not service.loaded:
        return text("no_models", language)
    if service.failed:
        return text("warm_up_failed", language, task=", ".join(sorted(service.failed)))
    if len(service.warm) < len(service.loaded):
        return text("warming_up", language)
    return None


def close_the_gaps(api: FastAPI, routes: APIRouter) -> None:
    """Answer 404 and 405 under our own paths: what no route takes would else go on to the page."""
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    async def no_route(request: Request) -> None:
        path = request.url.path
        allowed: set[str] = set()
        for route in routes.routes:
            if isinstance(route, Route) and route.path_regex.match(path):
                allowed |= route.methods or set()
        if allowed:
            raise MethodNotAllowed(allowed=", ".join(sorted(allowed)))
        raise NotFound

    for prefix in PREFIXES:
        api.add_api_route(prefix, no_route, methods=methods, include_in_schema=False)
        api.add_api_route(prefix + "/{rest:path}", no_route, methods=methods, include_in_schema=False)


def handlers() -> dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]:
    """Exception handlers that give every error the shape of the contract."""

    async def api_error(_: Request, error: ApiError) -> JSONResponse:
        return error_response(error)

    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return error_response(InvalidRequest(parameter=error.errors()[0]["loc"][-1]))

    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 405:
            return error_response(MethodNotAllowed(allowed=(error.headers or {}).get("Allow", "")))
        return error_response(NotFound() if error.status_code == 404 else Unexpected())

    return {ApiError: api_error, RequestValidationError: invalid, HTTPException: http_error}


async def page_not_found(request: Request, error: HTTPException) -> Response:
    """For the app of the page: no such address has the shape of the contract, other errors keep theirs."""
    return error_response(NotFound()) if error.detail == "Not Found" else await http_exception_handler(request, error)
