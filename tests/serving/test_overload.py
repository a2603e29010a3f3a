"""Responses of a server that is overloaded, too slow, or broken. Without the page."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from models.catalog import Catalog, Entry
from serving.api import app
from serving.service import Service
from serving.settings import Settings
from serving.worker_pool import WorkerPool
from tests.helpers.project import example
from tests.helpers.workers import DIGIT, HeldWorkers, service_of, stored_digit


@dataclass
class Caller:
    """A client of an API whose service the test can reach into."""

    service: Service
    client: httpx.AsyncClient

    async def predict(self) -> httpx.Response:
        """Send the example."""
        return await self.client.post("/predict", files={"file": ("a.png", example("digit").read_bytes())})


@asynccontextmanager
async def calling(service: Service) -> AsyncIterator[Caller]:
    transport = httpx.ASGITransport(app.build(service), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Caller(service, client)


@pytest.fixture
def service() -> Service:
    return service_of("digit")


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def held() -> tuple[HeldWorkers, Service]:
    """A service with one worker, no queue, and a model that classifies when the test says so."""
    workers = HeldWorkers()
    catalog = Catalog((Entry("digit", str(DIGIT), stored_digit()),))
    return workers, Service(catalog, Settings(), "digit", WorkerPool(workers, queue=0, timeout_s=30))


def test_a_full_queue_is_503_with_retry_after_and_then_answers_again() -> None:
    async def test() -> None:
        workers, service = held()
        async with calling(service) as caller:
            working = asyncio.create_task(caller.predict())
            while not workers.begun:
                await asyncio.sleep(0)
            refused = await caller.predict()
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert int(refused.headers["Retry-After"]) >= 1
            workers.finish(0)
            assert (await working).status_code == 200
            again = asyncio.create_task(caller.predict())
            while len(workers.begun) < 2:
                await asyncio.sleep(0)
            workers.finish(1)
            assert (await again).status_code == 200

    run(test)


def test_too_slow_is_504() -> None:
    async def test() -> None:
        async with calling(service_of("digit", timeout_s=1e-6)) as caller:
            late = await caller.predict()
            assert (late.status_code, late.json()["code"]) == (504, "timeout")

    run(test)


def test_a_fault_of_ours_is_500_without_details(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        workers, service = held()
        async with calling(service) as caller:
            failing = asyncio.create_task(caller.predict())
            while not workers.begun:
                await asyncio.sleep(0)
            workers.finish(0, RuntimeError("secret path /home/somebody"))
            failed = await failing
            assert (failed.status_code, failed.json()["code"]) == (500, "internal_error")
            assert "secret" not in failed.text
            assert failed.headers["X-Request-ID"] == failed.json()["request_id"]
            assert failed.json()["request_id"] in caplog.text
            assert "secret path" in caplog.text

    run(test)


def test_not_ready_before_the_workers_have_started_and_when_none_is_alive() -> None:
    async def test() -> None:
        workers, service = held()
        async with calling(service) as caller:
            cold = await caller.client.get("/health/ready")
            assert (cold.status_code, cold.json()["status"]) == (503, "not_ready")
            assert "preparando" in cold.json()["reason"]
            assert (await caller.client.get("/health/live")).status_code == 200
            await caller.service.start()
            assert (await caller.client.get("/health/ready")).status_code == 200
            workers.is_alive = False
            dead = await caller.client.get("/health/ready")
            assert dead.status_code == 503
            assert "reemplazando" in dead.json()["reason"]

    run(test)


def test_not_ready_without_any_model() -> None:
    async def test() -> None:
        _, service = held()
        service.catalog.entries = (Entry("digit", "nowhere", None, "damaged"),)
        async with calling(service) as caller:
            await caller.service.start()
            assert (await caller.client.get("/health/ready")).status_code == 503
            refused = await caller.predict()
            assert (refused.status_code, refused.json()["code"]) == (503, "model_not_loaded")

    run(test)


def test_a_picture_never_touches_the_disk(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def to_disk(_: object) -> None:
        raise AssertionError("the upload was written to a file")

    async def test() -> None:
        monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", to_disk)
        async with calling(service) as caller:
            long = example("digit").read_bytes() + bytes(3_000_000)  # what follows a PNG's end is ignored
            answered = await caller.client.post("/predict", files={"file": ("a.png", long)})
            assert answered.status_code == 200

    run(test)


def test_a_path_cannot_forge_a_line_of_the_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        with caplog.at_level("INFO", "vistazo"):
            async with calling(service) as caller:
                await caller.client.get("/models/a%0aforged")
        assert "a%0aforged" in caplog.text
        assert "\nforged" not in caplog.text

    run(test)
