"""The event streams of open pages, which end when the server stops and not when the visitor leaves."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS = ("/gradio_api/queue/data", "/gradio_api/heartbeat/", "/gradio_api/upload_progress")


class EventStreams:
    """Ends the streams that `EndStreams` wraps."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def end(self) -> None:
        """End all streams, and those to come."""
        self.ended.set()


class EndStreams:
    """ASGI middleware: tells the page's event streams that the client has left, when `streams` end."""

    def __init__(self, app: ASGIApp, streams: EventStreams) -> None:
        self._app = app
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self._app(scope, receive, send)
            return

        async def receive_until_the_end() -> Message:
            message = asyncio.ensure_future(receive())
            ended = asyncio.ensure_future(self._streams.ended.wait())
            try:
                await asyncio.wait((message, ended), return_when=asyncio.FIRST_COMPLETED)
                return message.result() if message.done() else {"type": "http.disconnect"}
            finally:
                message.cancel()
                ended.cancel()

        await self._app(scope, receive_until_the_end, send)
