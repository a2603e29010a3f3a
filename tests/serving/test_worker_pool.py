"""The bounded threads, with real threads and no waiting by the clock."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from serving.errors import Busy, TimedOut
from serving.worker_pool import Runner


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


async def _empty(runner: Runner) -> None:
    async with asyncio.timeout(30):
        while runner.taken:
            await asyncio.sleep(0.001)


def test_work_runs_in_another_thread_and_gives_its_place_back() -> None:
    async def main() -> None:
        runner = Runner(workers=1, queue=0, timeout_s=30)
        assert await runner.run(threading.get_ident) != threading.get_ident()
        await _empty(runner)

    asyncio.run(main())


def test_a_full_queue_is_busy_at_once_and_has_room_again_afterwards(gate: Gate) -> None:
    async def main() -> None:
        runner = Runner(workers=1, queue=1, timeout_s=30)
        working = asyncio.create_task(runner.run(gate.work))
        await _begun(gate)
        waiting = asyncio.create_task(runner.run(gate.work))
        await asyncio.sleep(0)
        assert runner.taken == 2
        with pytest.raises(Busy):
            await runner.run(gate.work)
        gate.open.set()
        assert [await working, await waiting] == ["done", "done"]
        await _empty(runner)
        assert await runner.run(gate.work) == "done"

    asyncio.run(main())


def test_the_place_is_given_back_when_the_work_fails() -> None:
    async def main() -> None:
        runner = Runner(workers=1, queue=0, timeout_s=30)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await runner.run(lambda: 1 / 0)
            await _empty(runner)

    asyncio.run(main())


def test_after_the_time_limit_the_caller_is_told_but_the_place_stays_taken_until_the_work_ends(gate: Gate) -> None:
    async def main() -> None:
        runner = Runner(workers=1, queue=0, timeout_s=0.05)
        with pytest.raises(TimedOut):
            await runner.run(gate.work)
        assert runner.taken == 1
        with pytest.raises(Busy):
            await runner.run(gate.work)
        gate.open.set()
        await _empty(runner)

    asyncio.run(main())


def test_work_whose_caller_left_before_it_began_never_begins(gate: Gate) -> None:
    async def main() -> None:
        runner = Runner(workers=1, queue=1, timeout_s=30)
        working = asyncio.create_task(runner.run(gate.work))
        await _begun(gate)
        ran: list[int] = []
        waiting = asyncio.create_task(runner.run(ran.append, 1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert runner.taken == 1
        gate.open.set()
        assert await working == "done"
        await _empty(runner)
        assert ran == []

    asyncio.run(main())


def test_a_time_out_inside_the_work_is_not_taken_for_ours() -> None:
    def work() -> None:
        raise TimeoutError("theirs")

    async def main() -> None:
        with pytest.raises(TimeoutError, match="theirs"):
            await Runner(workers=1, queue=0, timeout_s=30).run(work)

    asyncio.run(main())
