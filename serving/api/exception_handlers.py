"""Exception handlers: every error has the JSON of the HTTP contract, also for unknown paths and methods."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route

from models.errors import VistazoError
from serving.errors import InvalidRequest, MethodNotAllowed, NotFound
from serving.middleware.request_context import error_response

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def handlers() -> dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]:
    """Return the exception handlers of the REST API."""

    async def vistazo_error(_: Request, error: VistazoError) -> JSONResponse:
        return error_response(error)

    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return error_response(InvalidRequest(parameter=error.errors()[0]["loc"][-1]))

    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 405:
            return error_response(MethodNotAllowed(allowed=(error.headers or {}).get("Allow", "")))
        return error_response(NotFound() if error.status_code == 404 else VistazoError())

    return {VistazoError: vistazo_error, RequestValidationError: invalid, HTTPException: http_error}


async def page_not_found(request: Request, error: HTTPException) -> Response:
    """Handle an unknown path of the page's app with the JSON of the contract; other errors stay as they are."""
    return error_response(NotFound()) if error.detail == "Not Found" else await http_exception_handler(request, error)


def add_catch_all_routes(api: FastAPI, routers: Iterable[APIRouter], prefixes: Iterable[str]) -> None:
    """Respond 404 and 405 under the API's prefixes: without these routes, such requests would reach the page."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]

    async def no_route(request: Request) -> None:
        allowed: set[str] = set()
        for route in routes:
            if route.path_regex.match(request.url.path):
                allowed |= route.methods or set()
        if allowed:
            raise MethodNotAllowed(allowed=", ".join(sorted(allowed)))
        raise NotFound

    for prefix in prefixes:
        api.add_api_route(prefix, no_route, methods=_METHODS, include_in_schema=False)
        api.add_api_route(prefix + "/{rest:path}", no_route, methods=_METHODS, include_in_schema=False)
