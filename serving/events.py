"""Callers, and the event that every classification ends with.

`Service.classify` publishes one event for each picture. Log, history, metrics and feedback subscribe to it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from models.errors import VistazoError
from models.prediction import Prediction
from serving.i18n.language import Language

log = logging.getLogger("vistazo")

Channel = Literal["api", "page", "client"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a picture: request, language, channel, and the name of the API key, if there was one.

    `origin` tells callers apart in the fair queue: an address, or a visitor of the page.
    """

    request_id: str
    language: Language
    channel: Channel
    origin: str = ""
    key_name: str | None = None


@dataclass(frozen=True, slots=True)
class ClassificationEvent:
    """The end of one classification: a prediction or an error. It never holds the uploaded file."""

    caller: Caller
    task: str
    version: str
    revision: str
    prediction: Prediction | None
    error: BaseException | None
    elapsed_ms: float  # waiting time included

    @property
    def outcome(self) -> str:
        """The verdict, or the code of the error; `cancelled` when the caller went away."""
        if self.prediction is not None:
            return self.prediction.verdict.value
        if isinstance(self.error, VistazoError):
            return self.error.code
        return "internal_error" if isinstance(self.error, Exception) else "cancelled"


Subscriber = Callable[[ClassificationEvent], None]


def log_event(event: ClassificationEvent) -> None:
    """Write the event as one line of the log."""
    log.info("%s %s %s %.1f ms", event.caller.request_id, event.task, event.outcome, event.elapsed_ms)
