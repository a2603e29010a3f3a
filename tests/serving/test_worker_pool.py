"""The bounded threads, with real threads and no waiting by the clock."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from serving.errors import Busy, TimedOut
from serving.worker_pool import WorkerPool


class Gate:
    """Work that lasts until it is let go, and tells that it has begun."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()

    def work(self) -> str:
        """Begin, and wait to be let go."""
        self.begun.release()
        assert self.open.wait(30)
        return "done"


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


async def _begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.begun.acquire, timeout=30)


async def _empty(pool: WorkerPool) -> None:
    async with asyncio.timeout(30):
        while pool.used_slots:
            await asyncio.sleep(0.001)


def test_work_runs_in_another_thread_and_gives_its_place_back() -> None:
    async def main() -> None:
        pool = WorkerPool(workers=1, queue=0, timeout_s=30)
        assert await pool.run(threading.get_ident) != threading.get_ident()
        await _empty(pool)

    asyncio.run(main())


def test_a_full_queue_is_busy_at_once_and_has_room_again_afterwards(gate: Gate) -> None:
    async def main() -> None:
        pool = WorkerPool(workers=1, queue=1, timeout_s=30)
        working = asyncio.create_task(pool.run(gate.work))
        await _begun(gate)
        waiting = asyncio.create_task(pool.run(gate.work))
        await asyncio.sleep(0)
        assert pool.used_slots == 2
        with pytest.raises(Busy):
            await pool.run(gate.work)
        gate.open.set()
        assert [await working, await waiting] == ["done", "done"]
        await _empty(pool)
        assert await pool.run(gate.work) == "done"

    asyncio.run(main())


def test_the_place_is_given_back_when_the_work_fails() -> None:
    async def main() -> None:
        pool = WorkerPool(workers=1, queue=0, timeout_s=30)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 / 0)
            await _empty(pool)

    asyncio.run(main())


def test_after_the_time_limit_the_caller_is_told_but_the_place_stays_taken_until_the_work_ends(gate: Gate) -> None:
    async def main() -> None:
        pool = WorkerPool(workers=1, queue=0, timeout_s=0.05)
        with pytest.raises(TimedOut):
            await pool.run(gate.work)
        assert pool.used_slots == 1
        with pytest.raises(Busy):
            await pool.run(gate.work)
        gate.open.set()
        await _empty(pool)

    asyncio.run(main())


def test_work_whose_caller_left_before_it_began_never_begins(gate: Gate) -> None:
    async def main() -> None:
        pool = WorkerPool(workers=1, queue=1, timeout_s=30)
        working = asyncio.create_task(pool.run(gate.work))
        await _begun(gate)
        ran: list[int] = []
        waiting = asyncio.create_task(pool.run(ran.append, 1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert pool.used_slots == 1
        gate.open.set()
        assert await working == "done"
        await _empty(pool)
        assert ran == []

    asyncio.run(main())


def test_a_time_out_inside_the_work_is_not_taken_for_ours() -> None:
    def work() -> None:
        raise TimeoutError("theirs")

    async def main() -> None:
        with pytest.raises(TimeoutError, match="theirs"):
            await WorkerPool(workers=1, queue=0, timeout_s=30).run(work)

    asyncio.run(main())
