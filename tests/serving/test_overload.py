"""Responses of a server that is overloaded, too slow, or broken. Without the page."""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from models.catalog import BUNDLED, Catalog, Entry
from models.loading import load_classifier
from serving.api import app
from serving.service import Service
from serving.settings import Settings
from serving.worker_pool import WorkerPool
from tests.helpers.project import example


@dataclass
class Caller:
    """A client of an API whose service the test can reach into."""

    service: Service
    client: httpx.AsyncClient

    async def predict(self) -> httpx.Response:
        """Send the example."""
        return await self.client.post("/predict", files={"file": ("a.png", example("digit").read_bytes())})


@asynccontextmanager
async def calling(catalog: Catalog, pool: WorkerPool) -> AsyncIterator[Caller]:
    service = Service(catalog, Settings(), "digit", pool)
    transport = httpx.ASGITransport(app.build(service), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Caller(service, client)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    directory = BUNDLED / "digit"
    return Catalog((Entry("digit", str(directory), load_classifier(directory, 1)),))


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def test_a_full_queue_is_503_with_retry_after_and_then_answers_again(catalog: Catalog) -> None:
    async def test() -> None:
        begun, release = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            release.wait(30)

        async with calling(catalog, WorkerPool(workers=1, queue=0, timeout_s=30)) as caller:
            working = asyncio.create_task(caller.service.pool.run(work))
            await asyncio.to_thread(begun.wait, 30)
            refused = await caller.predict()
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert int(refused.headers["Retry-After"]) >= 1
            release.set()
            await working
            assert (await caller.predict()).status_code == 200

    run(test)


def test_too_slow_is_504(catalog: Catalog) -> None:
    async def test() -> None:
        async with calling(catalog, WorkerPool(workers=1, queue=1, timeout_s=1e-6)) as caller:
            late = await caller.predict()
            assert (late.status_code, late.json()["code"]) == (504, "timeout")

    run(test)


def test_a_fault_of_ours_is_500_without_details(catalog: Catalog, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(WorkerPool):
        async def run(self, *_: object, **__: object) -> object:  # type: ignore[override]
            raise RuntimeError("secret path /home/somebody")

    async def test() -> None:
        async with calling(catalog, Broken(workers=1, queue=1, timeout_s=30)) as caller:
            failed = await caller.predict()
            assert (failed.status_code, failed.json()["code"]) == (500, "internal_error")
            assert "secret" not in failed.text
            assert failed.headers["X-Request-ID"] == failed.json()["request_id"]
            assert failed.json()["request_id"] in caplog.text
            assert "secret path" in caplog.text

    run(test)


def test_not_ready_before_the_models_answered_and_after_they_failed_to(catalog: Catalog) -> None:
    async def test() -> None:
        async with calling(catalog, WorkerPool(workers=1, queue=1, timeout_s=30)) as caller:
            cold = await caller.client.get("/health/ready")
            assert (cold.status_code, cold.json()["status"]) == (503, "not_ready")
            assert "preparando" in cold.json()["reason"]
            assert (await caller.client.get("/health/live")).status_code == 200
            await caller.service.warm_up()
            assert (await caller.client.get("/health/ready")).status_code == 200

        async with calling(catalog, WorkerPool(workers=1, queue=1, timeout_s=1e-6)) as caller:
            await caller.service.warm_up()
            failed = await caller.client.get("/health/ready")
            assert failed.status_code == 503
            assert "digit" in failed.json()["reason"]

    run(test)


def test_not_ready_without_any_model() -> None:
    async def test() -> None:
        empty = Catalog((Entry("digit", "nowhere", None, "damaged"),))
        async with calling(empty, WorkerPool(workers=1, queue=1, timeout_s=30)) as caller:
            await caller.service.warm_up()
            assert (await caller.client.get("/health/ready")).status_code == 503
            refused = await caller.predict()
            assert (refused.status_code, refused.json()["code"]) == (503, "model_not_loaded")

    run(test)


def test_a_picture_never_touches_the_disk(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    def to_disk(_: object) -> None:
        raise AssertionError("the upload was written to a file")

    async def test() -> None:
        monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", to_disk)
        async with calling(catalog, WorkerPool(workers=1, queue=1, timeout_s=30)) as caller:
            long = example("digit").read_bytes() + bytes(3_000_000)  # what follows a PNG's end is ignored
            answered = await caller.client.post("/predict", files={"file": ("a.png", long)})
            assert answered.status_code == 200

    run(test)


def test_a_path_cannot_forge_a_line_of_the_log(catalog: Catalog, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        with caplog.at_level("INFO", "vistazo"):
            async with calling(catalog, WorkerPool(workers=1, queue=1, timeout_s=30)) as caller:
                await caller.client.get("/models/a%0aforged")
        assert "a%0aforged" in caplog.text
        assert "\nforged" not in caplog.text

    run(test)
