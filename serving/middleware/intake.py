"""The intake of request bodies: a place before a byte is read, a deadline, and bounds in bytes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import TooLarge, VistazoError
from serving.errors import Busy, SlowUpload, headers_of, sentence, status_of
from serving.middleware.request_context import error_response, request_language

PAGE_PREFIX = "/gradio_api/"  # of the page's own requests
# Many clients send their whole body before they read the response, and closing at once would reset the connection and
# lose the 413. The rest of the body is discarded for this long.
LINGER_S = 5.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the bodies in progress, of all clients together."""

    places: int = 256  # bodies at the same time
    held_bytes: int = 256_000_000  # of bodies that arrive, wait or are classified
    body_s: float = 60.0  # from the header to the last byte: 20 MB at 2.7 Mbit/s
    small_bytes: int = 256_000  # a body is refused for the bytes of all only when it is larger
    grace_s: float = 2.0  # a body that arrives for longer than this makes room for others when there is none


class _Refused(Exception):
    """Ends the reading of a body; never leaves this module."""


@dataclass(slots=True, eq=False)
class _Upload:
    """A body in progress."""

    begun: float
    deadline: float
    bytes: int = 0
    arriving: bool = True
    wait: asyncio.Timeout | None = None  # for its next bytes

    def end_at(self, when: float) -> None:
        """Give up on the body at this time of the event loop."""
        self.deadline = when
        if self.wait is not None:
            self.wait.reschedule(when)


class Intake:
    """ASGI middleware: respond 413 to a body of more than `max_bytes`, 408 to a slow one, 503 when there is no room.

    It covers every route. When all places or bytes are taken, the body that has been arriving for the longest makes
    room. `is_full` refuses a body before it is read, when it could not be classified. The page's own requests get plain
    text, which the page shows; the others get JSON.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        too_large: TooLarge,
        is_full: Callable[[], bool] = lambda: False,
        bounds: Bounds = Bounds(),
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._too_large = too_large
        self._is_full = is_full
        self._bounds = bounds
        self._uploads: set[_Upload] = set()
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            await self._refuse(self._too_large, scope, receive, send)
            return
        now = asyncio.get_running_loop().time()
        if self._is_full() or not self._has_room(len(self._uploads) >= self._bounds.places, now):
            await self._refuse(Busy(), scope, receive, send)
            return
        upload = _Upload(now, now + self._bounds.body_s)
        self._uploads.add(upload)
        try:
            await self._read(upload, scope, receive, send)
        finally:
            self._uploads.discard(upload)
            self._held -= upload.bytes

    async def _read(self, upload: _Upload, scope: Scope, receive: Receive, send: Send) -> None:
        refusal: VistazoError | None = None
        started = False

        async def receive_bounded() -> Message:
            nonlocal refusal
            if not upload.arriving:
                return await receive()
            try:
                async with asyncio.timeout_at(upload.deadline) as upload.wait:
                    message = await receive()
            except TimeoutError:
                refusal = SlowUpload()
                raise _Refused from None
            finally:
                upload.wait = None
            upload.arriving = message.get("more_body", False)
            refusal = self._count(upload, len(message.get("body", b"")))
            if refusal is not None:
                raise _Refused
            return message

        async def send_unless_refused(message: Message) -> None:
            nonlocal started
            if refusal is None:
                started = True
                await send(message)

        with suppress(_Refused):
            await self._app(scope, receive_bounded, send_unless_refused)
        if refusal is not None and not started:
            await self._refuse(refusal, scope, receive, send)

    def _count(self, upload: _Upload, count: int) -> VistazoError | None:
        """Count received bytes. Returns the reason to refuse them."""
        upload.bytes += count
        self._held += count
        if upload.bytes > self._max_bytes:
            return self._too_large
        now = asyncio.get_running_loop().time()
        is_full = self._held > self._bounds.held_bytes and upload.bytes > self._bounds.small_bytes
        return None if self._has_room(is_full, now) else Busy()

    def _has_room(self, is_full: bool, now: float) -> bool:
        """Return True when there is room, after making some if there was none."""
        if not is_full:
            return True
        arriving = [upload for upload in self._uploads if upload.arriving and upload.deadline > now]
        oldest = min(arriving, key=lambda upload: upload.begun, default=None)
        if oldest is None or now - oldest.begun < self._bounds.grace_s:
            return False
        oldest.end_at(now)
        return True

    async def _refuse(self, error: VistazoError, scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = error_response(error)
        if scope["path"].startswith(PAGE_PREFIX):
            text = sentence(error, request_language.get())
            response = PlainTextResponse(text, status_of(error), headers_of(error))
        response.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        if not isinstance(error, SlowUpload):
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                        pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})
