"""The REST app: routes, error handlers and middleware put together. `serving.server` mounts the page beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI

from serving import __version__
from serving.api import routes
from serving.api.schemas import DISCLAIMED
from serving.api.upload import ENVELOPE_BYTES
from serving.i18n.messages import text
from serving.middleware.request_context import BodyLimit, RequestContext
from serving.reload import Reloader
from serving.service import Service, too_large


def build(service: Service, on_ready: Callable[[], None] = lambda: None) -> FastAPI:
    """The ASGI app that answers from `service`; `on_ready` is called when its start-up check has ended."""
    reloader = Reloader(service)

    async def warm_up() -> None:
        await service.warm_up()
        on_ready()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(warm_up())
        with reloader.on_hangup():
            yield
        warming.cancel()
        service.runner.close()

    api = FastAPI(
        title="Vistazo",
        version=__version__,
        description=f"{text('tagline', 'es')}\n\n**{DISCLAIMED}**: {text('disclaimer', 'es')}\n\n"
        f"*{text('tagline', 'en')}*\n\n**{DISCLAIMED}**: {text('disclaimer', 'en')}",
        lifespan=lifespan,
        exception_handlers=routes.handlers(),
    )
    router = routes.router(service, reloader)
    api.include_router(router)
    routes.close_the_gaps(api, router)
    # The last one added is the outermost.
    limit = service.settings.max_bytes + ENVELOPE_BYTES
    api.add_middleware(BodyLimit, max_bytes=limit, failure=too_large(service.settings))
    api.add_middleware(RequestContext, logged=routes.PREFIXES)
    return api
