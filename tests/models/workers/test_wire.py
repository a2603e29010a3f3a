"""Messages between the server and its workers: a worker that a picture has taken over may send anything."""

import random
import socket
import struct
import threading
from collections import deque

import numpy as np
import orjson
import pytest

from models.errors import EmptyFile, PictureError, TooLarge, TooManyPixels, UnsupportedType
from models.prediction import Prediction, Reason, Verdict
from models.workers import wire
from models.workers.wire import BrokenMessage, Message
from tests.helpers.workers import stored_digit

INFO = stored_digit().info
LABELS = INFO.label_ids


def prediction(verdict: Verdict = Verdict.CONFIDENT, reason: Reason | None = None) -> Prediction:
    index = None if verdict is Verdict.REJECTED else 1
    pixels = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28, 1)
    activation_map = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
    return Prediction(INFO.task, LABELS, (0.1,) * 10, verdict, index, reason, pixels, activation_map)


def sent(value: Prediction, with_maps: bool) -> Message:
    """Send a prediction over a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        fields, arrays = wire.prediction_message(value, with_maps)
        wire.send(ours, fields, *arrays)
        message = wire.receive(theirs)
    assert message is not None
    return message


@pytest.mark.parametrize(("verdict", "reason"), [(Verdict.CONFIDENT, None), (Verdict.REJECTED, Reason.UNFAMILIAR)])
def test_a_prediction_arrives_as_it_was(verdict: Verdict, reason: Reason | None) -> None:
    expected = prediction(verdict, reason)
    found = wire.parse_prediction(sent(expected, with_maps=True), INFO)
    assert found == expected
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    np.testing.assert_array_equal(found.activation_map, expected.activation_map)
    assert wire.parse_prediction(sent(expected, with_maps=False), INFO).pixels is None


@pytest.mark.parametrize("error", [TooLarge(5, 7), TooManyPixels(9, (3, 4)), UnsupportedType("PNG"), EmptyFile()])
def test_an_error_arrives_as_it_was(error: PictureError) -> None:
    found = wire.parse_error(orjson.loads(orjson.dumps(wire.error_fields(error))))
    assert type(found) is type(error)
    assert (str(found), found.values, found.code) == (str(error), error.values, error.code)


@pytest.mark.parametrize("name", ["VistazoError", "BundleError", "Exception", "os", "__name__", ""])
def test_only_errors_about_pictures_are_built(name: str) -> None:
    with pytest.raises(BrokenMessage):
        wire.parse_error({"error": name, "text": ""})


def test_an_absurd_length_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BrokenMessage, match="bytes"):
        wire.lengths(struct.pack("!II", 2**32 - 1, 2**32 - 1))


def test_any_change_of_a_message_gives_a_prediction_or_a_broken_message() -> None:
    """2,000 mutations with a fixed seed."""
    fields, arrays = wire.prediction_message(prediction(), with_maps=True)
    text, body = orjson.dumps(fields), b"".join(arrays)
    randomness = random.Random(0)
    broken = 0
    for _ in range(2000):
        mutated = bytearray(text)
        for _ in range(randomness.randint(1, 4)):
            mutated[randomness.randrange(len(mutated))] = randomness.randrange(256)
        try:
            wire.parse_prediction(wire.parse(bytes(mutated), body[: randomness.randrange(len(body) + 1)]), INFO)
        except BrokenMessage:
            broken += 1
    assert broken > 1000


def test_a_connection_that_ends_in_a_message_is_no_message() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(wire.pack({"ready": 1}, 10) + b"12345")
        assert wire.receive(theirs) is None


def test_messages_that_arrive_together_or_in_pieces_are_read_one_by_one() -> None:
    stream = b"".join(wire.pack({"number": number}, number) + bytes([number]) * number for number in range(50))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        receiver = wire.Receiver(theirs)
        for size in (len(stream), 7):
            pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
            sender = threading.Thread(target=deque, args=(map(ours.sendall, pieces), 0))
            sender.start()
            for number in range(50):
                message = receiver.receive()
                assert message is not None
                assert (message.fields, bytes(message.body)) == ({"number": number}, bytes([number]) * number)
            sender.join()


def test_a_large_picture_is_read_to_its_end() -> None:
    ours, theirs = socket.socketpair()
    picture = bytes(range(256)) * 4000
    with ours, theirs:
        sender = threading.Thread(target=wire.send, args=(ours, {"model": 1}, picture))
        sender.start()
        message = wire.Receiver(theirs).receive()
        sender.join()
    assert message is not None
    assert message.body == picture
