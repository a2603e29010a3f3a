"""The way of a picture to the workers: a slot in a bounded queue, a fair wait, and a time limit."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from models.images.decoding import Limits
from models.prediction import Prediction
from models.workers.job import Overdue
from models.workers.stored_model import StoredModel
from serving.errors import Busy, ExpiredFile, TimedOut
from serving.fair_gate import FairGate

# The cost of a picture in the fair queue: a fixed part, and one more for each of so many bytes of its file.
BYTES_PER_COST = 50_000
SLOW_S = 0.5  # of work on a picture; a caller of slower ones leaves a worker to others


class Workers(Protocol):
    """Worker processes, or threads of this process."""

    @property
    def count(self) -> int:
        """The number of pictures that are classified at the same time."""

    @property
    def places(self) -> int:
        """The number of pictures that may be handed to the workers at the same time."""

    @property
    def is_alive(self) -> bool:
        """True when a picture would be classified."""

    def load(self, directory: Path, revision: str | None = None) -> StoredModel:
        """Verify a bundle and try it out. Call it in any thread. Raises BundleError."""

    async def start(self) -> None:
        """Start the workers, with the models that were loaded."""

    async def install(self, model: StoredModel) -> None:
        """Bring a model that was loaded after the start to all workers."""

    def classify(
        self,
        model: StoredModel,
        picture: bytes | Path,
        limits: Limits,
        on_end: Callable[[], None],
        with_maps: bool = False,
    ) -> asyncio.Future[Prediction]:
        """Classify a picture, given as the bytes or the path of its file.

        `on_end` is called once, when the work has ended: later than the future, when that is cancelled.
        """

    def close(self) -> None:
        """End the workers."""


class WorkerPool:
    """Hands pictures to `workers`, with at most `queue` waiting beyond those in work.

    A slot is released when its work ends (done, failed, or cancelled before the start), not when its caller goes away:
    a slot released too early would let work accumulate.
    """

    def __init__(self, workers: Workers, queue: int, timeout_s: float) -> None:
        self.workers = workers
        self._capacity = workers.places + queue
        self._timeout_s = timeout_s
        self._gate = FairGate(workers.places, slow_permits=max(1, workers.count - 1))
        self._used = 0

    @property
    def is_full(self) -> bool:
        """True when a picture would be refused."""
        return self._used >= self._capacity

    @property
    def used_slots(self) -> int:
        """The number of slots in use, working or waiting."""
        return self._used

    async def classify(
        self, model: StoredModel, picture: bytes | Path, limits: Limits, origin: str, with_maps: bool = False
    ) -> Prediction:
        """Classify a picture. `origin` names the caller in the fair queue.

        Raises Busy at once when no slot is free, TimedOut after the time limit, ExpiredFile when a path is gone, and
        whatever the picture raises.
        """
        if self.is_full:
            raise Busy
        self._used += 1
        release: Callable[[], None] = self._release_slot
        work: asyncio.Future[Prediction] | None = None
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                await self._gate.acquire(origin, 1 + _size(picture) / BYTES_PER_COST)
                release = partial(self._release, origin, time.perf_counter())
                work = self.workers.classify(model, picture, limits, release, with_maps)
                release = _nothing
                return await work
        except TimeoutError:
            if limit.expired():
                raise TimedOut(seconds=f"{self._timeout_s:g}") from None
            raise
        except Overdue:
            raise TimedOut(seconds=f"{self._timeout_s:g}") from None
        except FileNotFoundError:
            raise ExpiredFile from None
        finally:
            release()
            del work  # an error in it refers to this frame, which would refer to it: the picture would stay in memory

    def close(self) -> None:
        """End the workers; their work in progress is lost."""
        self.workers.close()

    def _release_slot(self) -> None:
        self._used -= 1

    def _release(self, origin: str, begun: float) -> None:
        self._used -= 1
        self._gate.release(origin, was_quick=time.perf_counter() - begun < SLOW_S)


def _nothing() -> None:
    pass


def _size(picture: bytes | Path) -> int:
    if isinstance(picture, bytes):
        return len(picture)
    try:
        return picture.stat().st_size
    except OSError:
        return 0
