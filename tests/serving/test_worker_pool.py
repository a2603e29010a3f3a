"""The way of a picture to the workers: slots, fair order and the time limit. No waiting by the clock."""

import asyncio
from pathlib import Path

import pytest

from models.images.decoding import DEFAULT_LIMITS
from models.prediction import Prediction
from models.workers.job import Overdue
from serving.errors import Busy, ExpiredFile, TimedOut
from serving.worker_pool import WorkerPool
from tests.helpers.workers import SEVEN, HeldWorkers, stored_digit

MODEL = stored_digit()


def classify(pool: WorkerPool, picture: bytes = b"picture", origin: str = "ana") -> "asyncio.Task[Prediction]":
    return asyncio.create_task(pool.classify(MODEL, picture, DEFAULT_LIMITS, origin))


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_full_queue_is_busy_at_once_and_has_room_again_afterwards() -> None:
    async def main() -> None:
        workers = HeldWorkers()
        pool = WorkerPool(workers, queue=1, timeout_s=30)
        working, waiting = classify(pool), classify(pool)
        await settle()
        assert (pool.used_slots, len(workers.begun), pool.is_full) == (2, 1, True)
        with pytest.raises(Busy):
            await classify(pool)
        workers.finish(0)
        await settle()
        workers.finish(1)
        assert [await working, await waiting] == [SEVEN, SEVEN]
        assert (pool.used_slots, pool.is_full) == (0, False)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ZeroDivisionError(), ZeroDivisionError),
        (Overdue("late"), TimedOut),
        (FileNotFoundError(), ExpiredFile),
        (TimeoutError("of the work itself"), TimeoutError),
    ],
)
def test_the_slot_is_released_when_the_work_fails(raised: Exception, expected: type[Exception]) -> None:
    async def main() -> None:
        workers = HeldWorkers()
        pool = WorkerPool(workers, queue=0, timeout_s=30)
        for number in range(3):
            failing = classify(pool)
            await settle()
            workers.finish(number, raised)
            with pytest.raises(expected):
                await failing
            assert pool.used_slots == 0

    asyncio.run(main())


def test_after_the_time_limit_the_slot_stays_taken_until_the_work_ends() -> None:
    async def main() -> None:
        workers = HeldWorkers()
        pool = WorkerPool(workers, queue=0, timeout_s=0.02)
        with pytest.raises(TimedOut):
            await classify(pool)
        assert pool.used_slots == 1
        with pytest.raises(Busy):
            await classify(pool)
        workers.finish()
        await settle()
        assert pool.used_slots == 0

    asyncio.run(main())


def test_a_caller_who_leaves_before_the_work_begins_leaves_nothing_behind() -> None:
    async def main() -> None:
        workers = HeldWorkers()
        pool = WorkerPool(workers, queue=1, timeout_s=30)
        working, waiting = classify(pool, b"first"), classify(pool, b"second")
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert pool.used_slots == 1
        workers.finish()
        assert await working == SEVEN
        assert (pool.used_slots, workers.begun) == (0, [b"first"])

    asyncio.run(main())


def test_one_caller_with_many_pictures_does_not_keep_another_waiting() -> None:
    async def main() -> None:
        workers = HeldWorkers()
        pool = WorkerPool(workers, queue=20, timeout_s=30)
        tasks = [classify(pool, b"many", "ana") for _ in range(10)]
        await settle()
        tasks.append(classify(pool, b"one", "eva"))
        await settle()
        workers.finish(0)
        await settle()
        assert workers.begun == [b"many", b"one"]
        for task in tasks:
            task.cancel()

    asyncio.run(main())


def test_a_small_picture_passes_large_ones_of_other_callers(tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(5_000_000))

    async def main() -> None:
        workers = HeldWorkers()
        pool = WorkerPool(workers, queue=60, timeout_s=30)
        tasks = [
            asyncio.create_task(pool.classify(MODEL, large, DEFAULT_LIMITS, f"visitor {number}"))
            for number in range(40)
        ]
        await settle()
        tasks.append(classify(pool, b"small", "eva"))
        await settle()
        workers.finish(0)
        await settle()
        assert workers.begun == [large, b"small"]
        for task in tasks:
            task.cancel()

    asyncio.run(main())
