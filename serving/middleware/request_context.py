"""What surrounds every request: its identifier, its language, its log line, the limit of its body."""

import asyncio
import logging
import re
import time
import uuid
from contextlib import suppress
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api import schemas
from serving.errors import ApiError, TooManyBytes, Unexpected
from serving.i18n.language import DEFAULT, Language, preferred

log = logging.getLogger("vistazo")

language_of_request: ContextVar[Language] = ContextVar("language", default=DEFAULT)
id_of_request: ContextVar[str] = ContextVar("request_id", default="-")

PAGE_PREFIX = "/gradio_api/"  # where the page's own requests go
ID_HEADER = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A client that is told 413 often sends all it has before it listens; what it still sends is thrown away for a while,
# since closing at once would reset the connection and lose the answer.
LINGER_S = 5.0


def new_id() -> str:
    """An identifier for a request that came without one."""
    return uuid.uuid4().hex[:16]


def error_response(failure: ApiError) -> JSONResponse:
    """The HTTP answer for an error, in the language of the request."""
    content = schemas.error(failure, language_of_request.get(), id_of_request.get())
    return JSONResponse(content, failure.status, failure.headers)


class RequestContext:
    """Gives each request an identifier and a language, logs it, and turns faults into an answer without details."""

    def __init__(self, app: ASGIApp, logged: tuple[str, ...]) -> None:
        self._app = app
        self._logged = logged  # prefixes of the paths that are logged: the page's hundred files are not

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent_id = headers.get(ID_HEADER, "")
        request_id = sent_id if _SANE_ID.fullmatch(sent_id) else new_id()
        id_of_request.set(request_id)
        language_of_request.set(preferred(headers.get("accept-language")))
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[ID_HEADER] = request_id
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = status or 499
        except Exception:
            log.exception("%s %s %s failed", request_id, scope["method"], _path_for_log(scope))
            if not status:
                await error_response(Unexpected())(scope, receive, send_with_id)
        finally:
            if scope["path"].startswith(self._logged):
                elapsed_ms = (time.perf_counter() - started) * 1000
                path = _path_for_log(scope)
                log.info("%s %s %s %d %.1f ms", request_id, scope["method"], path, status, elapsed_ms)


def _path_for_log(scope: Scope) -> str:
    """The path as it was sent: decoded, it could hold line breaks and forge log lines."""
    raw: bytes = scope.get("raw_path") or b"?"
    return raw.decode("ascii", "backslashreplace")


class _BodyTooLarge(Exception):
    """Ends the reading of a body; never leaves this module."""


class BodyLimit:
    """Answers 413 to a body of more than `max_bytes`: from its declared length, else as soon as it has come.

    It covers every route, also those of the page, which shows what it is answered: a sentence, not JSON.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, failure: TooManyBytes) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._failure = failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        received = 0
        refused = started = False

        async def counted() -> Message:
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                refused = True
                raise _BodyTooLarge
            return message

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if not refused:
                started = True
                await send(message)

        with suppress(_BodyTooLarge):
            await self._app(scope, counted, send_unless_refused)
        if refused and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = error_response(self._failure)
        if scope["path"].startswith(PAGE_PREFIX):
            response = PlainTextResponse(self._failure.sentence(language_of_request.get()), self._failure.status)
        response.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                    pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})
