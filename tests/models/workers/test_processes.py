"""Worker processes: real ones, which are stopped, killed and starved."""

import asyncio
import contextlib
import gc
import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models import bundle
from models.catalog import BUNDLED
from models.errors import BundleError, PictureError, UnreadableImage
from models.images.decoding import DEFAULT_LIMITS, Limits
from models.loading import load_classifier
from models.prediction import Prediction
from models.workers.job import Overdue
from models.workers.processes import WorkerProcesses
from models.workers.stored_model import StoredModel
from serving.worker_pool import WorkerPool
from tests.helpers.bundles import reseal
from tests.helpers.project import ROOT, environment, example

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no worker processes without fork")

GIGABYTE = 1_000_000_000
PICTURE = example("digit").read_bytes()
INDEX = 4660  # in the file of the bundled network


@asynccontextmanager
async def started(
    count: int = 2, limit_s: float = 60, memory_bytes: int = 3 * GIGABYTE // 2
) -> AsyncIterator[tuple[WorkerProcesses, StoredModel]]:
    """Workers with the bundled model for digits."""
    workers = WorkerProcesses(count, limit_s, memory_bytes)
    try:
        model = workers.load(BUNDLED / "digit")
        await workers.start()
        yield workers, model
    finally:
        workers.close()
        await asyncio.sleep(0)  # the transports end


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(120):
            await test()

    asyncio.run(main())


async def replaced(workers: WorkerProcesses, before: list[int]) -> None:
    """Wait until other processes work in place of one that has ended."""
    while len(workers.pids) < len(before) or set(workers.pids) == set(before):
        await asyncio.sleep(0.01)


def test_a_worker_answers_bit_for_bit_as_a_classifier() -> None:
    expected = load_classifier(BUNDLED / "digit").classify(PICTURE)

    async def test() -> None:
        async with started() as (workers, model):
            with_maps = await workers.classify(model, PICTURE, DEFAULT_LIMITS, with_maps=True)
            assert with_maps == expected  # the dataclass compares all but the arrays
            np.testing.assert_array_equal(with_maps.pixels, expected.pixels)
            np.testing.assert_array_equal(with_maps.activation_map, expected.activation_map)
            path = await workers.classify(model, example("digit"), DEFAULT_LIMITS)
            assert (path, path.pixels) == (expected, None)
            several = await workers.classify_paths(model, [example("digit"), Path("nowhere.png")], DEFAULT_LIMITS)
            assert several[0] == expected
            assert isinstance(several[1], FileNotFoundError)

    run(test)


def test_errors_about_pictures_arrive_with_their_text_and_values() -> None:
    async def test() -> None:
        async with started(1) as (workers, model):
            for data, limits in ((b"", DEFAULT_LIMITS), (b"a text", DEFAULT_LIMITS), (PICTURE, Limits(max_pixels=9))):
                with pytest.raises(PictureError) as expected:
                    load_classifier(BUNDLED / "digit").classify(data, limits)
                with pytest.raises(PictureError) as found:
                    await workers.classify(model, data, limits)
                assert type(found.value) is type(expected.value)
                assert (str(found.value), found.value.values) == (str(expected.value), expected.value.values)
            with pytest.raises(FileNotFoundError):
                await workers.classify(model, Path("nowhere.png"), DEFAULT_LIMITS)

    run(test)


def test_a_refused_picture_is_not_kept() -> None:
    """A failed future in its own traceback is a cycle, which lives until the garbage collector runs."""
    picture = bytes(bytearray(b"no picture" * 100))

    async def test() -> None:
        async with started(1) as (workers, model):
            pool = WorkerPool(workers, queue=1, timeout_s=60)
            before = sys.getrefcount(picture)
            for _ in range(5):
                with contextlib.suppress(PictureError):
                    await pool.classify(model, picture, DEFAULT_LIMITS, "ana")
            await asyncio.sleep(0)  # the event loop holds the last result until its next turn
            assert sys.getrefcount(picture) == before

    gc.disable()
    try:
        run(test)
    finally:
        gc.enable()


def test_a_worker_that_ends_costs_only_its_picture(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with started() as (workers, model):
            before = workers.pids
            for pid in before:
                os.kill(pid, signal.SIGSTOP)
            pictures = [workers.classify(model, PICTURE, DEFAULT_LIMITS) for _ in range(2)]
            await asyncio.sleep(0)  # both have one
            os.kill(before[0], signal.SIGKILL)
            os.kill(before[1], signal.SIGCONT)
            results = await asyncio.gather(*pictures, return_exceptions=True)
            assert [type(result) for result in sorted(results, key=str)].count(Prediction) == 1
            assert sum(isinstance(result, UnreadableImage) for result in results) == 1
            assert hashlib.sha256(PICTURE).hexdigest() in caplog.text
            await replaced(workers, before)
            assert (await workers.classify(model, PICTURE, DEFAULT_LIMITS)).label == "2"

    run(test)


def test_an_overdue_worker_is_killed_while_the_others_work_on() -> None:
    async def test() -> None:
        async with started(limit_s=0.5) as (workers, model):
            before = workers.pids
            os.kill(before[0], signal.SIGSTOP)
            results = await asyncio.gather(
                *(workers.classify(model, PICTURE, DEFAULT_LIMITS) for _ in range(20)), return_exceptions=True
            )
            assert sum(isinstance(result, Overdue) for result in results) == 1
            assert sum(isinstance(result, Prediction) for result in results) == 19
            await replaced(workers, before)
            assert workers.is_alive

    run(test)


def test_a_picture_behind_a_stuck_one_moves_to_another_worker() -> None:
    async def test() -> None:
        async with started(limit_s=60) as (workers, model):
            stuck = workers.pids[0]
            os.kill(stuck, signal.SIGSTOP)
            pictures = [workers.classify(model, PICTURE, DEFAULT_LIMITS) for _ in range(4)]  # two in each worker
            waiting = set(pictures)
            while len(waiting) > 1:  # all but the one in the stuck worker
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            os.kill(stuck, signal.SIGCONT)
            assert {prediction.label for prediction in await asyncio.gather(*pictures)} == {"2"}
            assert (await workers.classify(model, PICTURE, DEFAULT_LIMITS)).label == "2"

    run(test)


def test_the_picture_behind_one_that_ends_its_worker_is_classified() -> None:
    async def test() -> None:
        async with started(1) as (workers, model):
            pid = workers.pids[0]
            os.kill(pid, signal.SIGSTOP)
            first, second = (workers.classify(model, PICTURE, DEFAULT_LIMITS) for _ in range(2))
            await asyncio.sleep(0)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(UnreadableImage):
                await first
            assert (await second).label == "2"

    run(test)


def test_none_is_alive_when_all_are_overdue() -> None:
    async def test() -> None:
        async with started(1, limit_s=0.2) as (workers, model):
            os.kill(workers.pids[0], signal.SIGSTOP)
            with pytest.raises(Overdue):
                await workers.classify(model, PICTURE, DEFAULT_LIMITS)
            assert not workers.is_alive
            while not workers.is_alive:
                await asyncio.sleep(0.01)

    run(test)


def test_a_picture_that_needs_more_memory_than_allowed_is_refused_and_the_worker_lives() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(buffer, "PNG")

    async def test() -> None:
        async with started(1, memory_bytes=GIGABYTE // 2) as (workers, model):
            before = workers.pids
            with pytest.raises(PictureError):
                await workers.classify(model, buffer.getvalue(), DEFAULT_LIMITS)
            assert (await workers.classify(model, PICTURE, DEFAULT_LIMITS)).label == "2"
            assert workers.pids == before

    run(test)


def test_workers_are_replaced_also_after_the_process_that_forks_them_has_ended() -> None:
    async def test() -> None:
        async with started(1) as (workers, model):
            before = workers.pids
            workers._forking._process.kill()
            workers._forking._process.wait()
            os.kill(before[0], signal.SIGKILL)
            await replaced(workers, before)
            assert (await workers.classify(model, PICTURE, DEFAULT_LIMITS)).label == "2"

    run(test)


def test_a_model_that_was_loaded_later_reaches_all_workers_and_the_one_before_stays() -> None:
    async def test() -> None:
        async with started() as (workers, old):
            before = workers.pids
            new = await asyncio.to_thread(workers.load, BUNDLED / "digit", "a new revision")
            await workers.install(new)
            assert not set(before) & set(workers.pids)
            pictures = [workers.classify(model, PICTURE, DEFAULT_LIMITS) for model in (old, new) * 4]
            assert [prediction.label for prediction in await asyncio.gather(*pictures)] == ["2"] * 8

    run(test)


def not_a_network(_: bytes) -> bytes:
    return b"TFL3" * 1000


def crashing(network: bytes) -> bytes:
    """Replace the index of a tensor by -1: LiteRT reads outside its memory and the process ends with SIGSEGV."""
    assert network[INDEX : INDEX + 4] != b"\xff\xff\xff\xff"
    return network[:INDEX] + b"\xff\xff\xff\xff" + network[INDEX + 4 :]


@pytest.mark.parametrize(
    ("damage", "reason"), [(not_a_network, "export the bundle again"), (crashing, "ends the process that loads it")]
)
def test_a_bad_network_is_refused_and_nothing_else_changes(
    damage: Callable[[bytes], bytes], reason: str, tmp_path: Path
) -> None:
    damaged = shutil.copytree(BUNDLED / "digit", tmp_path / "digit")
    (damaged / bundle.MODEL_NAME).write_bytes(damage((damaged / bundle.MODEL_NAME).read_bytes()))
    reseal(damaged)

    async def test() -> None:
        async with started(1) as (workers, model):
            before = workers.pids
            with pytest.raises(BundleError, match=reason):
                await asyncio.to_thread(workers.load, damaged)
            assert workers.pids == before
            assert (await workers.classify(model, PICTURE, DEFAULT_LIMITS)).label == "2"

    run(test)


def test_nothing_outlives_a_server_that_is_killed() -> None:
    """Also a worker that is busy, or stopped, ends with it."""
    script = """
import asyncio, sys, time
from models.catalog import BUNDLED
from models.workers.processes import WorkerProcesses
workers = WorkerProcesses(2, 60, 1_500_000_000)
workers.load(BUNDLED / "digit")
async def main():
    await workers.start()
    print(*workers.pids, workers._forking._process.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        pids = [int(word) for word in server.stdout.readline().split()]
        assert len(pids) == 3
        os.kill(pids[0], signal.SIGSTOP)
        server.kill()
    deadline = time.monotonic() + 60
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            while time.monotonic() < deadline and not _is_zombie(pid):
                os.kill(pid, 0)
                time.sleep(0.01)
            assert _is_zombie(pid), f"process {pid} is still there"


def _is_zombie(pid: int) -> bool:
    """Return True when a process has ended and only waits to be reaped: in a container nobody may do so."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
