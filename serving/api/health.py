"""The routes about health: `GET /health/live` and `GET /health/ready`."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from serving.api.dependencies import CurrentCaller, CurrentService
from serving.i18n.language import Language
from serving.i18n.messages import text
from serving.service import Service

router = APIRouter()


@router.get("/health/live", summary="Report that the process is alive")
async def live() -> dict[str, str]:
    """200 as long as the server responds."""
    return {"status": "live"}


@router.get(
    "/health/ready",
    summary="Report that the server can classify",
    responses={503: {"description": "not yet, or not at all: `reason` explains it"}},
)
async def ready(service: CurrentService, caller: CurrentCaller) -> JSONResponse:
    """200 while workers can classify with each loaded model. `unavailable` lists the damaged models."""
    reason = _reason_not_ready(service, caller.language)
    content: dict[str, Any] = {
        "status": "not_ready" if reason else "ready",
        "reason": reason,
        "ready": list(service.loaded_tasks) if service.is_started else [],
        "unavailable": [task for task in service.tasks if task not in service.loaded_tasks],
    }
    return JSONResponse(content, 503 if reason else 200)


def _reason_not_ready(service: Service, language: Language) -> str | None:
    if not service.loaded_tasks:
        return text("no_models", language)
    if not service.is_started:
        return text("warming_up", language)
    if not service.pool.workers.is_alive:
        return text("no_workers", language)
    return None
