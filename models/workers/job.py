"""One job of a worker: a picture, or the paths of several, and the delivery of its result."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.errors import PictureError, VistazoError
from models.images.decoding import Limits
from models.prediction import Prediction
from models.workers import wire
from models.workers.stored_model import StoredModel


class Overdue(VistazoError):
    """A picture was not classified within the limit of one picture; its worker was killed."""


class WorkerFault(VistazoError):
    """An unexpected error in a worker; the text is its traceback, for the log only."""


def nothing() -> None:
    """Do nothing at the end of a job."""


@dataclass(slots=True, eq=False)
class Job:
    """A message to a worker (`fields`, `picture`), and the function that reads its result (`parse`).

    The worker is killed after `limit_s` seconds. `on_end` is called once, when the work has ended: later than `done`,
    when that is cancelled.
    """

    model: StoredModel
    fields: dict[str, Any]
    picture: bytes
    parse: Callable[[wire.Message], Any]
    limit_s: float
    on_end: Callable[[], None]
    done: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    has_ended: bool = False

    @property
    def is_small(self) -> bool:
        """True for what is expected to take milliseconds."""
        return len(self.picture) <= wire.JOIN_BYTES and "paths" not in self.fields and "path" not in self.fields

    @property
    def picture_hash(self) -> str:
        """The SHA-256 of the picture, for the log."""
        if self.picture:
            return hashlib.sha256(self.picture).hexdigest()
        with suppress(OSError, KeyError), Path(self.fields["path"]).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        return "(several, or unreadable)"

    def end(self, result: Any = None, error: Exception | None = None) -> None:
        """Deliver the result, if somebody still waits for it. A job that two workers have ends once."""
        if self.has_ended:
            return
        self.has_ended = True
        if not self.done.done():
            if error is None:
                self.done.set_result(result)
            else:
                self.done.set_exception(error)
        self.on_end()


def picture_job(
    model: StoredModel,
    picture: bytes | Path,
    limits: Limits,
    with_maps: bool,
    limit_s: float,
    on_end: Callable[[], None],
) -> Job:
    """Return the job of one picture, given as the bytes or the path of its file."""
    fields: dict[str, Any] = {"model": model.key, "limits": wire.limits_fields(limits), "maps": with_maps}
    data = b""
    if isinstance(picture, Path):
        fields["path"] = str(picture.absolute())
    else:
        data = picture

    def parse(message: wire.Message) -> Prediction:
        return _outcome(message.fields, message, model)

    return Job(model, fields, data, parse, limit_s, on_end)


def paths_job(model: StoredModel, paths: Sequence[Path], limits: Limits, limit_s: float) -> Job:
    """Return the job of several files. Its result has a prediction or an error for each."""
    names = [os.fsdecode(path.absolute()) for path in paths]
    fields = {"model": model.key, "limits": wire.limits_fields(limits), "paths": names}

    def parse(message: wire.Message) -> list[Prediction | Exception]:
        results: list[Prediction | Exception] = []
        for result in message.fields["results"]:
            try:
                results.append(_outcome(result, wire.Message(result), model))
            except (PictureError, OSError) as error:
                results.append(error)
        return results

    return Job(model, fields, b"", parse, limit_s, nothing)


def _outcome(fields: dict[str, Any], message: wire.Message, model: StoredModel) -> Prediction:
    """Return the prediction of a result, or raise its error."""
    if "verdict" in fields:
        return wire.parse_prediction(message, model.info)
    if "error" in fields:
        raise wire.parse_error(fields)
    if "unreadable" in fields:
        number = fields["unreadable"]
        raise OSError(number or errno.EIO, str(fields.get("text")))  # 2 becomes FileNotFoundError
    raise WorkerFault(str(fields.get("fault")))
