"""The classification service that the REST API and the page share."""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from models.catalog import Catalog
from models.classifier import Classifier
from models.images.decoding import Limits
from models.prediction import Prediction
from serving.errors import ExpiredFile
from serving.events import Caller, ClassificationEvent, Subscriber, log_event
from serving.i18n.language import DEFAULT
from serving.samples import trial_picture
from serving.settings import Settings
from serving.worker_pool import WorkerPool

log = logging.getLogger("vistazo")

WARM_UP = Caller("warm-up", DEFAULT, "warm-up")


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction, and the milliseconds that it took, waiting time included."""

    prediction: Prediction
    elapsed_ms: float


@dataclass(slots=True)
class Service:
    """The models, the pool that runs them, the subscribers to events, and the state of the warm-up."""

    catalog: Catalog
    settings: Settings
    default_task: str
    pool: WorkerPool
    subscribers: list[Subscriber] = field(default_factory=lambda: [log_event])
    warm: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task, also those whose model could not be loaded."""
        return self.catalog.tasks

    @property
    def loaded_tasks(self) -> tuple[str, ...]:
        """The tasks whose model was loaded."""
        return tuple(entry.task for entry in self.catalog.entries if entry.classifier)

    def find(self, task: str) -> Classifier:
        """Return the model of a task. Raises UnknownTask or ModelNotLoaded.

        A request finds its model once and keeps it: a reload in between must not mix two models in one response.
        """
        return self.catalog.get(task)

    async def classify(self, classifier: Classifier, picture: bytes | Path, caller: Caller) -> Result:
        """Classify a picture, given as the bytes or the path of its file, with a model from `find`.

        Publishes one ClassificationEvent to the subscribers, whatever happens. Raises PictureError or RequestError.
        """
        started = time.perf_counter()
        try:
            prediction = await self.pool.run(_classify, classifier, picture, self.settings.limits)
        except BaseException as error:
            self._publish(caller, classifier, started, error=error)
            raise
        elapsed_ms = self._publish(caller, classifier, started, prediction)
        return Result(prediction, elapsed_ms)

    async def warm_up(self) -> None:
        """Classify a test picture with each loaded model: the first visitor does not wait for the first inference."""
        for task in self.loaded_tasks:
            try:
                await self.classify(self.find(task), trial_picture(task), WARM_UP)
                self.warm.add(task)
            except Exception:  # any error: this model is not ready, the others may be
                log.exception("the model %r failed its start-up check", task)
                self.failed.add(task)

    def try_out(self, classifier: Classifier) -> None:
        """Classify a test picture with a model that is not served yet. Raises whatever the model raises.

        Call it in a thread, outside the pool: a full queue is no reason to refuse a model.
        """
        _classify(classifier, trial_picture(classifier.task), self.settings.limits)

    def _publish(
        self,
        caller: Caller,
        classifier: Classifier,
        started: float,
        prediction: Prediction | None = None,
        error: BaseException | None = None,
    ) -> float:
        """Send the event to every subscriber and return its elapsed milliseconds."""
        elapsed_ms = (time.perf_counter() - started) * 1000
        event = ClassificationEvent(
            caller, classifier.task, classifier.info.version, classifier.revision, prediction, error, elapsed_ms
        )
        for subscriber in self.subscribers:
            try:
                subscriber(event)
            except Exception:  # a failing subscriber must not fail the request
                log.exception("a subscriber failed on the event of request %s", caller.request_id)
        return elapsed_ms


def _classify(classifier: Classifier, picture: bytes | Path, limits: Limits) -> Prediction:
    """Read and classify a picture, in a thread: a slow disk does not block the event loop."""
    if isinstance(picture, Path):
        try:
            picture = picture.read_bytes()
        except FileNotFoundError:
            raise ExpiredFile from None
    return classifier.classify(picture, limits)
