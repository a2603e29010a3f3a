"""Every classification ends in one event, which reaches every subscriber."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from models.errors import UnsupportedType
from serving.errors import Busy
from serving.events import Caller, ClassificationEvent
from serving.service import Service
from tests.helpers.project import example
from tests.helpers.workers import service_of

ANA = Caller("request-1", "es", "api", key_name="ana")


def events_of(
    service: Service, pictures: list[bytes], *others: Callable[[ClassificationEvent], None]
) -> list[ClassificationEvent]:
    """Classify the pictures one after another, and return what a subscriber got."""
    events: list[ClassificationEvent] = []
    service.subscribers = [*others, events.append]

    async def classify() -> None:
        for picture in pictures:
            with contextlib.suppress(UnsupportedType, Busy):
                await service.classify(service.find("digit"), picture, ANA)

    asyncio.run(classify())
    return events


def test_a_prediction_and_an_error_are_one_event_each() -> None:
    service = service_of("digit")
    seven, text = example("digit").read_bytes(), b"not a picture"
    answered, refused = events_of(service, [seven, text])
    model = service.find("digit")
    assert answered.caller == refused.caller == ANA
    assert (answered.task, answered.version) == ("digit", model.info.version)
    assert answered.revision == model.revision
    assert answered.prediction is not None
    assert (answered.outcome, answered.error) == ("confident", None)
    assert answered.elapsed_ms > 0
    assert (refused.outcome, refused.prediction) == ("unsupported_type", None)


def test_a_refusal_of_the_queue_is_an_event_too() -> None:
    (refused,) = events_of(service_of("digit", queue=-1), [example("digit").read_bytes()])
    assert refused.outcome == "busy"


def test_a_failing_subscriber_fails_neither_the_request_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: ClassificationEvent) -> None:
        raise RuntimeError("the history is full")

    (event,) = events_of(service_of("digit"), [example("digit").read_bytes()], broken)
    assert event.outcome == "confident"
    assert "the history is full" in caplog.text


def test_a_caller_who_goes_away_is_an_event_too() -> None:
    events: list[ClassificationEvent] = []
    service = service_of("digit")
    service.subscribers = [events.append]

    async def leave() -> None:
        picture = example("digit").read_bytes()
        request = asyncio.create_task(service.classify(service.find("digit"), picture, ANA))
        await asyncio.sleep(0)  # the request has started
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    asyncio.run(leave())
    assert [event.outcome for event in events] == ["cancelled"]
