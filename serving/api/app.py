"""The REST app: routers, exception handlers and middleware. `serving.server` mounts the page on it."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI

from models.errors import TooLarge
from serving import __version__
from serving.api import exception_handlers, health, models, predict
from serving.api.upload import ENVELOPE_BYTES
from serving.i18n.messages import text
from serving.middleware.event_streams import EndStreams, EventStreams
from serving.middleware.intake import Intake
from serving.middleware.request_context import RequestContext
from serving.reload import Reloader
from serving.service import Service

ROUTERS = (predict.router, models.router, health.router)
PREFIXES = ("/predict", "/models", "/health")


def build(service: Service, on_ready: Callable[[], None] = lambda: None) -> FastAPI:
    """Return the ASGI app for `service`. `on_ready` is called when the workers are ready."""
    reloader = Reloader(service)
    streams = EventStreams()

    async def start() -> None:
        await service.start()
        gc.freeze()  # Gradio's many objects stay: without them a full collection pauses for a tenth of the time
        on_ready()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        starting = asyncio.create_task(start())
        with reloader.on_sighup():
            yield
        starting.cancel()
        service.pool.close()

    api = FastAPI(
        title="Vistazo",
        version=__version__,
        description=_description(service),
        lifespan=lifespan,
        exception_handlers=exception_handlers.handlers(),
    )
    api.state.service = service
    api.state.reloader = reloader
    api.state.streams = streams
    for router in ROUTERS:
        api.include_router(router)
    exception_handlers.add_catch_all_routes(api, ROUTERS, PREFIXES)
    # The last middleware added is the outermost.
    max_bytes = service.settings.max_bytes
    api.add_middleware(
        Intake,
        max_bytes=max_bytes + ENVELOPE_BYTES,
        too_large=TooLarge(max_bytes),
        is_full=lambda: service.pool.is_full,
    )
    api.add_middleware(EndStreams, streams=streams)
    api.add_middleware(RequestContext, logged=PREFIXES)
    return api


def _description(service: Service) -> str:
    """Return the introduction of /docs: the tagline and every disclaimer, in both languages."""
    spanish, english = [text("tagline", "es")], [f"*{text('tagline', 'en')}*"]
    for entry in service.catalog.entries:
        disclaimer = entry.presentation.disclaimer
        if disclaimer:
            spanish.append(f"**{entry.task}**: {disclaimer.es}")
            english.append(f"**{entry.task}**: {disclaimer.en}")
    return "\n\n".join(spanish + english)
