"""The routes about models: `GET /models`, `GET /models/{task}`, `POST /models/{task}/reload`."""

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from models.errors import SourceError
from models.hub.source import Repository
from serving.api import openapi, responses
from serving.api.admin_key import require_admin
from serving.api.dependencies import CurrentCaller, CurrentReloader, CurrentService
from serving.api.schemas import ModelInfo, ModelList, ReloadRequest
from serving.errors import InvalidRequest

router = APIRouter()


@router.get("/models", response_model=ModelList, summary="List the models")
async def list_models(service: CurrentService, caller: CurrentCaller) -> ModelList:
    """Labels with their names, versions, test results, and the models that could not be loaded."""
    entries = service.catalog.entries
    return ModelList(
        default=service.default_task, models=[responses.model_info(entry, caller.language) for entry in entries]
    )


@router.get("/models/{task}", response_model=ModelInfo, responses=openapi.MODEL_ERRORS, summary="Describe one model")
async def describe_model(task: str, service: CurrentService, caller: CurrentCaller) -> ModelInfo:
    """One entry of the list."""
    return responses.model_info(service.catalog.entry(task), caller.language)


@router.post(
    "/models/{task}/reload",
    response_model=ModelInfo,
    responses=openapi.RELOAD_ERRORS,
    dependencies=[Depends(openapi.ADMIN_KEY), Depends(require_admin)],
    openapi_extra=openapi.RELOAD,
    summary="Serve a new revision of a model (admin key)",
)
async def reload_model(task: str, request: Request, reloader: CurrentReloader, caller: CurrentCaller) -> ModelInfo:
    """Load a model again, test it, and serve it from then on.

    A branch or tag in VISTAZO_MODELS is resolved again, a directory is read again. With the body
    `{"model": "USER/NAME@REVISION"}`, that model is served until the next reload or start. After any error the old
    model is still served.
    """
    entry = await reloader.reload(task, await _requested_repository(request))
    return responses.model_info(entry, caller.language)


async def _requested_repository(request: Request) -> Repository | None:
    """Return the repository in the body, or None when there is no body. Raises InvalidRequest."""
    body = await request.body()
    try:
        return Repository.parse(ReloadRequest.model_validate_json(body).model) if body else None
    except (ValidationError, SourceError):
        raise InvalidRequest(parameter="model") from None
