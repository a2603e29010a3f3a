"""The HTTP server: uvicorn with limits on connections and headers, and an orderly end."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.middleware.event_streams import EventStreams

HEADER_S = 10.0  # from the connection, or from the first byte of a further request, to the last byte of the header
MAX_HEADER_BYTES = 64 * 1024
MAX_CONNECTIONS = 1000
_RESPONSE = "HTTP/1.1 {}\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """One HTTP/1.1 connection. It is closed when there are too many, or when a header is too slow or too long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse the connection with 503 when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse("503 Service Unavailable\r\nRetry-After: 1")
            return
        self._start_header_timer()

    def data_received(self, data: bytes) -> None:
        """Count the bytes of the header."""
        if self._header_timer is not None:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._header_timer is not None and self._header_bytes > MAX_HEADER_BYTES:
            self._refuse("431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """Begin the time of a header."""
        self._start_header_timer()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End the time of a header."""
        self._stop_header_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_header_timer()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also when its client never reads the last response."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _start_header_timer(self) -> None:
        if self._header_timer is None:
            self._header_bytes = 0
            self._header_timer = self.loop.call_later(HEADER_S, self._refuse, "408 Request Timeout")

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, status: str) -> None:
        self._stop_header_timer()
        if not self.transport.is_closing():
            self.transport.write(_RESPONSE.format(status).encode("ascii"))
            self.transport.close()


class HttpServer(uvicorn.Server):
    """A server that ends with exit code 0: after its requests on the first signal, at once on the second.

    Event streams of open pages do not hold the end: they are closed as soon as `is_busy` is False.
    """

    def __init__(self, config: uvicorn.Config, streams: EventStreams, is_busy: Callable[[], bool]) -> None:
        super().__init__(config)
        self._streams = streams
        self._is_busy = is_busy
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM and Ctrl-C; unlike uvicorn's, without raising them again at the end."""
        self._loop = asyncio.get_running_loop()
        handled = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self.handle_exit) for number in handled]
        try:
            yield
        finally:
            for number, handler in zip(handled, before, strict=True):
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  (uvicorn's names)
        """Begin the end, or end."""
        if self.should_exit:
            os._exit(0)  # the workers end with this process
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        """Update the date of the responses once a second, until a signal. Uvicorn looks for it ten times a second."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, finish what is in progress, and end."""
        ending = asyncio.get_running_loop().create_task(self._end_streams())
        await super().shutdown(sockets)
        ending.cancel()

    async def _end_streams(self) -> None:
        while self._is_busy():
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)  # for the last results to reach the pages
        self._streams.end()
