"""Dependencies of the routes: the service, the reloader, the caller. Async, since FastAPI runs others in threads."""

from typing import Annotated

from fastapi import Depends, Request

from serving.events import Caller
from serving.middleware.request_context import request_id, request_language
from serving.reload import Reloader
from serving.service import Service


def service_of(request: Request) -> Service:
    """Return the service of the app that got the request."""
    service: Service = request.app.state.service
    return service


def caller_of(request: Request) -> Caller:
    """Return the caller of the API."""
    address = request.client.host if request.client else ""
    return Caller(request_id.get(), request_language.get(), "api", address)


async def _service(request: Request) -> Service:
    return service_of(request)


async def _reloader(request: Request) -> Reloader:
    reloader: Reloader = request.app.state.reloader
    return reloader


async def _caller(request: Request) -> Caller:
    return caller_of(request)


CurrentService = Annotated[Service, Depends(_service)]
CurrentReloader = Annotated[Reloader, Depends(_reloader)]
CurrentCaller = Annotated[Caller, Depends(_caller)]
