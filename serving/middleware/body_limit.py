"""The limit of request bodies."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import TooLarge
from serving.errors import sentence, status_of
from serving.middleware.request_context import error_response, request_language

PAGE_PREFIX = "/gradio_api/"  # of the page's own requests
# Many clients send their whole body before they read the response, and closing at once would reset the connection and
# lose the 413. The rest of the body is discarded for this long.
LINGER_S = 5.0


class _BodyTooLarge(Exception):
    """Ends the reading of a body; never leaves this module."""


class BodyLimit:
    """ASGI middleware: respond 413 to a body of more than `max_bytes`, by its declared length or while it arrives.

    It covers every route. The page's own requests get plain text, which the page shows; the others get JSON.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, error: TooLarge) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        received = 0
        refused = started = False

        async def receive_counted() -> Message:
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
            await self._app(scope, receive_counted, send_unless_refused)
        if refused and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = error_response(self._error)
        if scope["path"].startswith(PAGE_PREFIX):
            response = PlainTextResponse(sentence(self._error, request_language.get()), status_of(self._error))
        response.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                    pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})
