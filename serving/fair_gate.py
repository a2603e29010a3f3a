"""A semaphore that lets waiting callers through in fair order, not in order of arrival."""

import asyncio
import heapq
import itertools
from collections import Counter


class FairGate:
    """Lets `permits` holders through at a time; the others wait in the order of weighted fair queueing.

    Each wait has a cost. A caller who has been let through often, or at a high cost, waits behind one who has not: with
    the virtual finish times of self-clocked fair queueing (Golestani 1994). A visitor with a small picture does not
    wait for the forty large pictures of another one, nor for most of forty large pictures of forty others.

    A caller has at most `slow_permits` until it has been quick: its slow pictures never occupy all workers.
    """

    def __init__(self, permits: int, slow_permits: int) -> None:
        self._permits = permits
        self._slow_permits = slow_permits
        self._held: Counter[str] = Counter()  # permits by caller
        self._quick: set[str] = set()  # callers whose last work was quick
        self._waiting: list[tuple[float, int, str, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._now = 0.0  # virtual time: the finish time of the last one that was let through
        self._finish: dict[str, float] = {}  # by caller, later than now

    async def acquire(self, caller: str, cost: float) -> None:
        """Wait for a permit. `release` gives it back."""
        finish = max(self._now, self._finish.get(caller, 0.0)) + cost
        self._finish[caller] = finish
        if self._may_pass(caller):
            self._held[caller] += 1
            return
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (finish, next(self._numbers), caller, passed))
        try:
            await passed
        except asyncio.CancelledError:
            if passed.done() and not passed.cancelled():
                self.release(caller, was_quick=True)  # let through and cancelled at the same time
            raise

    def release(self, caller: str, was_quick: bool) -> None:
        """Give a permit back, and let through whoever may pass now."""
        self._held[caller] -= 1
        if was_quick:
            self._quick.add(caller)
        else:
            self._quick.discard(caller)
        blocked = []
        while self._waiting and self._held.total() < self._permits:
            entry = heapq.heappop(self._waiting)
            finish, _, waiting, passed = entry
            if passed.done():
                continue
            if self._may_pass(waiting):
                self._now = max(self._now, finish)
                self._held[waiting] += 1
                passed.set_result(None)
            else:
                blocked.append(entry)
        for entry in blocked:
            heapq.heappush(self._waiting, entry)
        if not self._waiting and not self._held.total():  # nobody waits or works: forget the callers
            self._now = 0.0
            self._finish.clear()
            self._held.clear()
            self._quick.clear()

    def _may_pass(self, caller: str) -> bool:
        if self._held.total() >= self._permits:
            return False
        return caller in self._quick or self._held[caller] < self._slow_permits
