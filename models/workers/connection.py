"""The connection of the server with one worker."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from models.errors import BundleError, UnreadableImage
from models.workers import wire
from models.workers.job import Job, Overdue, WorkerFault
from models.workers.stored_model import StoredModel

log = logging.getLogger("vistazo")

# A worker gets its next small picture while it works on one: it would otherwise wait for the server, a quarter of the
# time of a small picture.
DEPTH = 2


class WorkerConnection(asyncio.Protocol):
    """The server's end of one worker: sends it jobs, and waits for each result until its limit.

    `kill` ends the worker of a number. `on_free` is called after each result, and `on_lost` when the worker has ended,
    with the jobs that it did not begin.
    """

    def __init__(
        self,
        number: int,
        models: Sequence[StoredModel],
        kill: Callable[[int], None],
        on_free: Callable[[], None],
        on_lost: "Callable[[WorkerConnection, Sequence[Job]], None]",
    ) -> None:
        self.keys = frozenset(model.key for model in models)
        self.number = number
        self.pid = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_retired = False
        self._kill_worker = kill
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self.jobs: deque[Job] = deque()  # the first one is in work
        self.begun = 0.0  # in the time of the event loop
        self._deadline: asyncio.TimerHandle | None = None
        self._is_overdue = False

    @property
    def is_ready(self) -> bool:
        """True unless the worker has ended, was killed, or is to end."""
        return self._transport is not None and not self._is_overdue and not self.is_retired

    @property
    def has_room(self) -> bool:
        """True when another small job can wait in the worker."""
        return len(self.jobs) < DEPTH and all(job.is_small for job in self.jobs)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def begin(self, job: Job) -> None:
        """Send a job. Its time begins when it is the first one."""
        self.jobs.append(job)
        if len(self.jobs) == 1:
            self._start_clock()
        if self._transport is not None:  # else it has just ended, and `connection_lost` follows
            start = wire.pack(job.fields, len(job.picture))
            if len(job.picture) <= wire.JOIN_BYTES:
                self._transport.write(start + job.picture)
            else:
                self._transport.writelines((start, job.picture))

    def _start_clock(self) -> None:
        loop = asyncio.get_running_loop()
        self.begun = loop.time()
        self._deadline = loop.call_later(self.jobs[0].limit_s, self._kill)

    def data_received(self, data: bytes) -> None:
        """Collect a message; a worker that sends anything else is killed."""
        self._buffer += data
        try:
            while len(self._buffer) >= wire.HEADER_BYTES:
                text, body = wire.lengths(memoryview(self._buffer)[: wire.HEADER_BYTES])
                end = wire.HEADER_BYTES + text + body
                if len(self._buffer) < end:
                    return
                frame = bytes(memoryview(self._buffer)[wire.HEADER_BYTES : end])
                del self._buffer[:end]
                self._message(wire.parse(frame[:text], memoryview(frame)[text:]))
        except wire.BrokenMessage as error:
            log.error("worker %d was killed: it sent %s", self.pid, error)
            self._kill()

    def _message(self, message: wire.Message) -> None:
        if not self.ready.done():
            if "ready" in message.fields:
                self.pid = int(message.fields["ready"])
                self.ready.set_result(None)
            else:
                self.ready.set_exception(BundleError(str(message.fields.get("text"))))
            return
        if not self.jobs:
            raise wire.BrokenMessage("a result that nobody waits for")
        job = self._end_job()
        try:
            job.end(None if job.done.done() else job.parse(message))
        except wire.BrokenMessage:
            job.end(error=WorkerFault("a worker sent a broken result"))
            raise
        except Exception as error:
            job.end(error=error.with_traceback(None))  # its frames hold the job, hence the picture
        if self.is_retired and not self.jobs:
            self.close()
        self._on_free()

    def retire(self) -> None:
        """End after the jobs in progress."""
        self.is_retired = True
        if not self.jobs:
            self.close()

    def close(self) -> None:
        """End the worker by closing its connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Fail the job in work, give the one behind it to another worker, and let this one be replaced."""
        self._transport = None
        if not self.ready.done():
            self.ready.set_exception(BundleError("it ended while it loaded the models"))
            self.ready.exception()  # there may be nobody left who waits
        failed = self._end_job() if self.jobs else None
        self._on_lost(self, [job for job in self.jobs if not job.has_ended])
        self.jobs.clear()
        if failed is None:
            return
        reason = f"was killed after {failed.limit_s:g} s" if self._is_overdue else "ended"
        log.error("worker %d %s on the picture with the SHA-256 %s", self.pid, reason, failed.picture_hash)
        failed.end(error=Overdue(f"not classified in {failed.limit_s:g} s") if self._is_overdue else UnreadableImage())

    def _end_job(self) -> Job:
        job = self.jobs.popleft()
        if self._deadline is not None:
            self._deadline.cancel()
        if self.jobs:
            self._start_clock()
        return job

    def _kill(self) -> None:
        self._is_overdue = True
        self._kill_worker(self.number)
