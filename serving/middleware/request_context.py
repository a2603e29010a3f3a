"""The context of each request: its identifier, its language, its log line, and responses to errors."""

import logging
import random
import re
import time
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import VistazoError
from serving.errors import headers_of, sentence, status_of
from serving.i18n.language import DEFAULT, Language, preferred

log = logging.getLogger("vistazo")

request_language: ContextVar[Language] = ContextVar("language", default=DEFAULT)
request_id: ContextVar[str] = ContextVar("request_id", default="-")

ID_HEADER = "X-Request-ID"
PREDICTIONS = "/predict"
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLIENT_CLOSED_REQUEST = 499


def new_request_id() -> str:
    """Return an identifier for a request that has none."""
    return f"{random.getrandbits(64):016x}"


def error_response(error: VistazoError) -> JSONResponse:
    """Return the HTTP response for an error, in the language of the request."""
    content = {"error": sentence(error, request_language.get()), "code": error.code, "request_id": request_id.get()}
    return JSONResponse(content, status_of(error), headers_of(error))


class RequestContext:
    """ASGI middleware: sets identifier and language, logs the request, and turns faults into responses without details.

    `logged` are the prefixes of the logged paths: the hundred files of the page are not logged.
    """

    def __init__(self, app: ASGIApp, logged: tuple[str, ...]) -> None:
        self._app = app
        self._logged = logged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        received_id = headers.get(ID_HEADER, "")
        identifier = received_id if _VALID_ID.fullmatch(received_id) else new_request_id()
        request_id.set(identifier)
        request_language.set(preferred(headers.get("accept-language")))
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[ID_HEADER] = identifier
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = status or _CLIENT_CLOSED_REQUEST
        except Exception:
            log.exception("%s %s %s failed", identifier, scope["method"], _raw_path(scope))
            if not status:
                await error_response(VistazoError())(scope, receive, send_with_id)
        finally:
            # A prediction has a line already, of its event. A line costs as much as a tenth of a small request.
            if scope["path"].startswith(self._logged) and not (status == 200 and scope["path"].startswith(PREDICTIONS)):
                elapsed_ms = (time.perf_counter() - started) * 1000
                log.info("%s %s %s %d %.1f ms", identifier, scope["method"], _raw_path(scope), status, elapsed_ms)


def _raw_path(scope: Scope) -> str:
    """Return the path as received: a decoded path may hold line breaks, which would forge log lines."""
    raw: bytes = scope.get("raw_path") or b"?"
    return raw.decode("ascii", "backslashreplace")
