"""The REST app: routers, exception handlers and middleware. `serving.server` mounts the page on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI

from models.errors import TooLarge
from serving import __version__
from serving.api import exception_handlers, health, models, predict
from serving.api.upload import ENVELOPE_BYTES
from serving.i18n.messages import text
from serving.middleware.body_limit import BodyLimit
from serving.middleware.request_context import RequestContext
from serving.reload import Reloader
from serving.service import Service

ROUTERS = (predict.router, models.router, health.router)
PREFIXES = ("/predict", "/models", "/health")


def build(service: Service, on_ready: Callable[[], None] = lambda: None) -> FastAPI:
    """Return the ASGI app for `service`. `on_ready` is called after the warm-up."""
    reloader = Reloader(service)

    async def warm_up() -> None:
        await service.warm_up()
        on_ready()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming_up = asyncio.create_task(warm_up())
        with reloader.on_sighup():
            yield
        warming_up.cancel()
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
    for router in ROUTERS:
        api.include_router(router)
    exception_handlers.add_catch_all_routes(api, ROUTERS, PREFIXES)
    # The last middleware added is the outermost.
    max_bytes = service.settings.max_bytes
    api.add_middleware(BodyLimit, max_bytes=max_bytes + ENVELOPE_BYTES, error=TooLarge(max_bytes))
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
