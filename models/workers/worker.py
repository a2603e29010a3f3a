"""A worker: a process that decodes, prepares and classifies one picture at a time."""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from models.classifier import Classifier
from models.errors import BundleError, PictureError, UnreadableImage
from models.images.decoding import Limits
from models.loading import build_classifier
from models.workers import wire
from models.workers.stored_model import StoredModel
from models.workers.trial import try_out
from models.workers.wire import Message


def serve(connection: socket.socket, models: Sequence[StoredModel], memory_bytes: int) -> None:
    """Load and try out the models, then serve until the connection closes.

    The first message says `ready`, or which model was refused and why. `memory_bytes` limits the address space.
    """
    _limit(memory_bytes)
    _silence()
    classifiers: dict[int, Classifier] = {}
    for model in models:
        try:
            classifiers[model.key] = classifier = build_classifier(model.info, model.network, 1, model.revision)
            try_out(classifier)
        except BundleError as error:
            wire.send(connection, {"refused": model.key, "text": str(error)})
            return
    wire.send(connection, {"ready": os.getpid()})
    receiver = wire.Receiver(connection)
    while (message := receiver.receive()) is not None:
        fields, arrays = _answer(message, classifiers)
        del message  # the picture is not kept while the worker waits for the next one
        wire.send(connection, fields, *arrays)


def _answer(message: Message, classifiers: dict[int, Classifier]) -> tuple[dict[str, Any], list[memoryview]]:
    fields = message.fields
    classifier = classifiers[fields["model"]]
    limits = Limits(*fields["limits"])
    if "paths" in fields:
        results = [_classify(classifier, path, b"", limits, with_maps=False)[0] for path in fields["paths"]]
        return {"results": results}, []
    return _classify(classifier, fields.get("path"), message.body, limits, fields["maps"])


def _classify(
    classifier: Classifier, path: str | None, data: bytes | memoryview, limits: Limits, with_maps: bool
) -> tuple[dict[str, Any], list[memoryview]]:
    try:
        picture = bytes(data) if path is None else _read(path)
        return wire.prediction_message(classifier.classify(picture, limits), with_maps)
    except PictureError as error:
        return wire.error_fields(error), []
    except MemoryError:
        return wire.error_fields(UnreadableImage()), []
    except OSError as error:
        return {"unreadable": error.errno, "text": error.strerror}, []
    except Exception:  # a fault of ours: the server logs it and answers 500
        return {"fault": _fault()}, []


def _read(path: str) -> bytes:
    """Read a file with four system calls; Python's own functions take twice as many, a twentieth of a small picture."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, size)
        while len(data) < size and (more := os.read(descriptor, size - len(data))):  # Linux reads 2 GB at a time
            data += more
        return data
    finally:
        os.close(descriptor)


def _fault() -> str:
    return traceback.format_exc(limit=-8)


def _limit(memory_bytes: int) -> None:
    """Limit the address space, write no core files, and be the first to go when the machine runs out of memory."""
    import resource  # noqa: PLC0415  (Windows does not have it, nor these workers)

    with suppress(ValueError, OSError):  # macOS refuses some limits
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _silence() -> None:
    """Discard what decoders write to stderr: libtiff writes 40 times the size of some pictures."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def ignore_signals() -> None:
    """Leave Ctrl-C and SIGTERM, which reach the whole group of processes, to the server: it finishes its requests."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def run_and_exit(connection: socket.socket, models: Sequence[StoredModel], memory_bytes: int) -> None:
    """Run a worker in a forked process and end that process. The server's end of the connection may be gone."""
    status = 1
    try:
        with suppress(ConnectionError):
            serve(connection, models, memory_bytes)
            status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)  # without the exit handlers of the process that was forked
