"""The intake of bodies, without a network: the test is the client and decides when bytes arrive."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from models.errors import TooLarge
from serving.middleware.intake import Bounds, Intake


class Client:
    """One request to the middleware: `send` delivers bytes, `status` is the response so far."""

    def __init__(self, intake: Intake, method: str = "POST", headers: dict[str, str] | None = None) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": "/predict",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        }
        self.task = asyncio.create_task(intake(scope, self._messages.get, self._respond))

    def send(self, body: bytes, more_body: bool = True) -> None:
        """Deliver bytes."""
        self._messages.put_nowait({"type": "http.request", "body": body, "more_body": more_body})

    async def done(self) -> int:
        """Deliver the end of the body and return the status of the response."""
        self.send(b"", more_body=False)
        await asyncio.wait_for(self.task, 30)
        return self.status

    async def _respond(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and respond 200."""
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def intake(**bounds: Any) -> Intake:
    return Intake(read_all, 1000, TooLarge(1000), bounds=Bounds(**bounds))


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_body_that_does_not_arrive_in_time_is_408() -> None:
    async def test() -> None:
        client = Client(intake(body_s=0.02))
        client.send(b"a")
        await asyncio.wait_for(client.task, 30)
        assert client.status == 408
        assert client.headers[b"connection"] == b"close"

    run(test)


def test_the_deadline_is_of_the_whole_body_not_of_a_pause() -> None:
    async def test() -> None:
        client = Client(intake(body_s=0.1))
        while not client.task.done():
            client.send(b"a")
            await asyncio.sleep(0.01)
        assert client.status == 408

    run(test)


def test_declared_and_real_sizes_are_limited() -> None:
    async def test() -> None:
        declared = Client(intake(), headers={"Content-Length": "1001"})
        assert await declared.done() == 413
        lying = Client(intake(), headers={"Content-Length": "1"})
        lying.send(bytes(1001))
        assert await lying.done() == 413
        exact = Client(intake())
        exact.send(bytes(1000))
        assert await exact.done() == 200

    run(test)


def test_without_a_place_a_body_is_refused_before_it_is_read() -> None:
    async def test() -> None:
        full = intake(places=2)
        first, second = Client(full), Client(full)
        await settle()
        third = Client(full)
        assert await third.done() == 503
        assert third.headers[b"retry-after"]
        assert [await first.done(), await second.done()] == [200, 200]
        assert await Client(full).done() == 200

    run(test)


def test_the_body_that_has_arrived_for_the_longest_makes_room() -> None:
    async def test() -> None:
        full = intake(places=2, grace_s=0)
        held, younger = Client(full), Client(full)
        await settle()
        newcomer = Client(full)
        await settle()
        assert await newcomer.done() == 200
        assert await younger.done() == 200
        await asyncio.wait_for(held.task, 30)
        assert held.status == 408

    run(test)


def test_held_bytes_of_all_bodies_are_bounded() -> None:
    async def test() -> None:
        full = intake(held_bytes=1500, small_bytes=600)
        first = Client(full)
        first.send(bytes(1000))
        await settle()
        second = Client(full)
        second.send(bytes(1000))
        assert await second.done() == 503
        small = Client(full)
        small.send(bytes(600))
        assert await small.done() == 200, "who holds little is not refused for what others hold"
        assert await first.done() == 200
        assert full._held == 0

    run(test)


def test_a_server_that_could_not_classify_does_not_read() -> None:
    async def test() -> None:
        full = Intake(read_all, 1000, TooLarge(1000), is_full=lambda: True)
        assert await Client(full).done() == 503
        assert await Client(full, method="GET").done() == 200

    run(test)


def test_a_client_that_hangs_up_gives_its_place_and_bytes_back() -> None:
    async def test() -> None:
        full = intake(places=1)
        client = Client(full)
        client.send(bytes(500))
        await settle()
        client.task.cancel()
        await asyncio.gather(client.task, return_exceptions=True)
        assert full._held == 0
        assert await Client(full).done() == 200

    run(test)
