"""Inference off the event loop: a few threads, a bounded queue before them, and a time limit."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from serving.errors import Busy, TimedOut

P = ParamSpec("P")
T = TypeVar("T")


class Runner:
    """`workers` threads that work, and at most `queue` callers that wait for one of them.

    A place is given back when the work is really over (done, failed, or cancelled before it began), not when its
    caller goes away: a thread cannot be stopped, and a place given back early would let work pile up behind it.
    """

    def __init__(self, workers: int, queue: int, timeout_s: float) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="inference")
        self._capacity = workers + queue
        self._timeout_s = timeout_s
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many places are taken: being worked on or waiting."""
        return self._taken

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in a thread and wait for what it returns or raises.

        Raises Busy at once when no place is free, and TimedOut after the time limit.
        """
        self._take()
        try:
            future = self._pool.submit(function, *args, **kwargs)
        except BaseException:
            self._give_back()
            raise
        future.add_done_callback(lambda _: self._give_back())
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                # When this waiting is cancelled (limit, visitor gone), so is the work, if it has not begun.
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if limit.expired():
                raise TimedOut(seconds=f"{self._timeout_s:g}") from None
            raise

    def close(self) -> None:
        """Forget what waits, and return when what runs is done."""
        self._pool.shutdown(cancel_futures=True)

    def _take(self) -> None:
        with self._lock:
            if self._taken >= self._capacity:
                raise Busy
            self._taken += 1

    def _give_back(self) -> None:
        with self._lock:
            self._taken -= 1
