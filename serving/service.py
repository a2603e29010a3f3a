"""The classification service that the REST API and the page share."""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from models.catalog import Catalog, Entry
from models.model import Model
from models.prediction import Prediction
from models.workers.stored_model import StoredModel
from serving.events import Caller, ClassificationEvent, Subscriber, log_event
from serving.settings import Settings
from serving.worker_pool import WorkerPool

log = logging.getLogger("vistazo")


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction, and the milliseconds that it took, waiting time included."""

    prediction: Prediction
    elapsed_ms: float


@dataclass(slots=True)
class Service:
    """The models, the pool of workers that runs them, and the subscribers to events."""

    catalog: Catalog
    settings: Settings
    default_task: str
    pool: WorkerPool
    subscribers: list[Subscriber] = field(default_factory=lambda: [log_event])
    is_started: bool = False

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task, also those whose model could not be loaded."""
        return self.catalog.tasks

    @property
    def loaded_tasks(self) -> tuple[str, ...]:
        """The tasks whose model was loaded."""
        return tuple(entry.task for entry in self.catalog.entries if entry.loaded)

    def find(self, task: str) -> StoredModel:
        """Return the model of a task. Raises UnknownTask or ModelNotLoaded.

        A request finds its model once and keeps it: a reload in between must not mix two models in one response.
        """
        return cast(StoredModel, self.catalog.entry(task).model)  # the workers loaded it

    async def start(self) -> None:
        """Start the workers; each of them tries out every model before it gets work."""
        await self.pool.workers.start()
        self.is_started = True

    async def install(self, entry: Entry) -> None:
        """Serve another model for its task, as soon as all workers have it."""
        await self.pool.workers.install(cast(StoredModel, entry.model))
        self.catalog.put(entry)

    async def classify(
        self, model: StoredModel, picture: bytes | Path, caller: Caller, with_maps: bool = False
    ) -> Result:
        """Classify a picture, given as the bytes or the path of its file, with a model from `find`.

        `with_maps` adds the arrays of the prediction: the network's input and the class activation map.
        Publishes one ClassificationEvent to the subscribers, whatever happens. Raises PictureError or RequestError.
        """
        started = time.perf_counter()
        try:
            prediction = await self.pool.classify(model, picture, self.settings.limits, caller.origin, with_maps)
        except BaseException as error:
            self._publish(caller, model, started, error=error)
            raise
        elapsed_ms = self._publish(caller, model, started, prediction)
        return Result(prediction, elapsed_ms)

    def _publish(
        self,
        caller: Caller,
        model: Model,
        started: float,
        prediction: Prediction | None = None,
        error: BaseException | None = None,
    ) -> float:
        """Send the event to every subscriber and return its elapsed milliseconds."""
        elapsed_ms = (time.perf_counter() - started) * 1000
        event = ClassificationEvent(
            caller, model.task, model.info.version, model.revision, prediction, error, elapsed_ms
        )
        for subscriber in self.subscribers:
            try:
                subscriber(event)
            except Exception:  # a failing subscriber must not fail the request
                log.exception("a subscriber failed on the event of request %s", caller.request_id)
        return elapsed_ms
