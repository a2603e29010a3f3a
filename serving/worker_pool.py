"""Inference outside the event loop: a few threads, a bounded queue, and a time limit."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from serving.errors import Busy, TimedOut

P = ParamSpec("P")
T = TypeVar("T")


class WorkerPool:
    """Runs functions in `workers` threads, with at most `queue` callers waiting.

    A slot is released when its work ends (done, failed, or cancelled before the start), not when its caller goes away:
    a thread cannot be stopped, and a slot released too early would let work accumulate.
    """

    def __init__(self, workers: int, queue: int, timeout_s: float) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="inference")
        self._capacity = workers + queue
        self._timeout_s = timeout_s
        self._used = 0
        self._lock = threading.Lock()

    @property
    def used_slots(self) -> int:
        """The number of slots in use, working or waiting."""
        return self._used

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in a thread and return its result.

        Raises Busy at once when no slot is free, TimedOut after the time limit, and whatever `function` raises.
        """
        self._take_slot()
        try:
            future = self._threads.submit(function, *args, **kwargs)
        except BaseException:
            self._release_slot()
            raise
        future.add_done_callback(lambda _: self._release_slot())
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                # Cancelling this wait (time limit, client gone) cancels the work too, if it has not started.
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if limit.expired():
                raise TimedOut(seconds=f"{self._timeout_s:g}") from None
            raise

    def close(self) -> None:
        """Drop the waiting work and return when the running work has ended."""
        self._threads.shutdown(cancel_futures=True)

    def _take_slot(self) -> None:
        with self._lock:
            if self._used >= self._capacity:
                raise Busy
            self._used += 1

    def _release_slot(self) -> None:
        with self._lock:
            self._used -= 1
