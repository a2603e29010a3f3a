"""Messages between the server and its workers: JSON and raw bytes over a Unix socket.

Nothing is pickled in either direction: a decoder that a picture has taken over can send wrong values, but no code.

A message is two lengths, a JSON object, and bytes: a picture on the way to a worker, arrays on the way back.
"""

import socket
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from models import errors
from models.bundle import BundleInfo
from models.errors import PictureError, VistazoError
from models.images.decoding import Limits
from models.prediction import Prediction, Reason, Verdict

_LENGTHS = struct.Struct("!II")
HEADER_BYTES = _LENGTHS.size
JOIN_BYTES = 64 * 1024  # below it, a copy is cheaper than another system call
FD_MARK = b"F"  # the byte that a file descriptor travels with
# A picture's file and the arrays of one prediction are far smaller; a worker out of control must not fill the memory.
MAX_MESSAGE_BYTES = 512 * 1024 * 1024


class BrokenMessage(VistazoError):
    """The other side sent something that is not a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A JSON object and bytes."""

    fields: dict[str, Any]
    body: bytes | memoryview = b""


def pack(fields: dict[str, Any], body_bytes: int = 0) -> bytes:
    """Return the start of a message; the sender appends `body_bytes` bytes."""
    text = orjson.dumps(fields)
    return _LENGTHS.pack(len(text), body_bytes) + text


def lengths(header: bytes | memoryview) -> tuple[int, int]:
    """Return the lengths of the JSON and of the bytes. Raises BrokenMessage when they are absurd."""
    text, body = _LENGTHS.unpack(header)
    if text + body > MAX_MESSAGE_BYTES:
        raise BrokenMessage(f"a message of {text + body:,} bytes: at most {MAX_MESSAGE_BYTES:,} are allowed")
    return text, body


def parse(text: bytes | memoryview, body: bytes | memoryview) -> Message:
    """Return the message. Raises BrokenMessage when the text is not a JSON object."""
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BrokenMessage(f"a message that is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise BrokenMessage(f"a message with {type(fields).__name__} in place of an object")
    return Message(fields, body)


def send(connection: socket.socket, fields: dict[str, Any], *parts: bytes | memoryview) -> None:
    """Send a message on a blocking socket."""
    start = pack(fields, sum(len(part) for part in parts))
    if len(parts) == 1 and len(parts[0]) > JOIN_BYTES:
        connection.sendall(start)
        connection.sendall(parts[0])
    else:
        connection.sendall(b"".join((start, *parts)))


class Receiver:
    """Receives messages from a blocking socket. It reads ahead: a small message is one system call."""

    def __init__(self, connection: socket.socket, ahead_bytes: int = JOIN_BYTES) -> None:
        self._connection = connection
        self._ahead_bytes = ahead_bytes
        self._ahead = b""  # received, but part of the next message

    def receive(self) -> Message | None:
        """Return the next message, or None when the other side has closed the connection."""
        header = self._read(HEADER_BYTES)
        if header is None:
            return None
        text_bytes, body_bytes = lengths(header)
        text, body = self._read(text_bytes), self._read(body_bytes)
        return None if text is None or body is None else parse(text, body)

    def _read(self, count: int) -> bytes | memoryview | None:
        if len(self._ahead) < count <= self._ahead_bytes:
            self._ahead += self._connection.recv(self._ahead_bytes)
        if len(self._ahead) >= count:
            data, self._ahead = self._ahead[:count], self._ahead[count:]
            return data
        buffer = memoryview(bytearray(count))
        filled = len(self._ahead)
        buffer[:filled], self._ahead = self._ahead, b""
        while filled < count:
            received = self._connection.recv_into(buffer[filled:])
            if not received:
                return None
            filled += received
        return buffer


def receive(connection: socket.socket) -> Message | None:
    """Receive exactly one message from a blocking socket; None when the other side has closed it."""
    return Receiver(connection, ahead_bytes=0).receive()


def limits_fields(limits: Limits) -> list[int]:
    """Return the limits as JSON."""
    return [limits.max_bytes, limits.max_pixels]


def prediction_message(prediction: Prediction, with_maps: bool) -> tuple[dict[str, Any], list[memoryview]]:
    """Return a prediction as JSON and arrays; without maps the arrays stay in the worker."""
    fields: dict[str, Any] = {
        "probabilities": prediction.probabilities,
        "verdict": prediction.verdict.value,
        "index": prediction.index,
        "reason": prediction.reason.value if prediction.reason else None,
    }
    if not with_maps or prediction.pixels is None:
        return fields, []
    arrays = [np.ascontiguousarray(prediction.pixels)]
    if prediction.activation_map is not None:
        arrays.append(np.ascontiguousarray(prediction.activation_map, dtype=np.float32))
    return fields | {"shapes": [array.shape for array in arrays]}, [
        array.reshape(-1).view(np.uint8).data for array in arrays
    ]


def parse_prediction(message: Message, info: BundleInfo) -> Prediction:
    """Return the prediction of a worker for a model. Raises BrokenMessage when it does not fit the model."""
    fields, labels = message.fields, info.label_ids
    try:
        probabilities = tuple(map(float, fields["probabilities"]))
        index = fields["index"]
        if len(probabilities) != len(labels) or not (index is None or 0 <= int(index) < len(labels)):
            raise ValueError(f"{len(probabilities)} probabilities and index {index} for {len(labels)} labels")
        return Prediction(
            task=info.task,
            labels=labels,
            probabilities=probabilities,
            verdict=Verdict(fields["verdict"]),
            index=index,
            reason=Reason(fields["reason"]) if fields["reason"] else None,
            **_arrays(message),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise BrokenMessage(f"a message that is not a prediction: {error!r}") from None


def _arrays(message: Message) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    start = 0
    kinds: tuple[tuple[str, np.dtype[Any]], ...] = (("pixels", np.dtype("u1")), ("activation_map", np.dtype("f4")))
    for (name, kind), shape in zip(kinds, message.fields.get("shapes", ()), strict=False):
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(message.body, kind, count, start).reshape(shape)
        start += count * kind.itemsize
    return arrays


def error_fields(error: PictureError) -> dict[str, Any]:
    """Return an error about a picture as JSON."""
    return {"error": type(error).__name__, "text": str(error), "values": vars(error)}


def parse_error(fields: dict[str, Any]) -> PictureError:
    """Return the error about a picture. Raises BrokenMessage when there is no such error."""
    kind = getattr(errors, str(fields["error"]), None)
    if not (isinstance(kind, type) and issubclass(kind, PictureError)):
        raise BrokenMessage(f"a message with the unknown error {fields['error']!r}")
    error = kind.__new__(kind)  # the text is complete: the constructor would write it again
    Exception.__init__(error, str(fields.get("text", "")))
    vars(error).update(fields.get("values") or {})
    return error
