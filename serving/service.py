"""Answering about a picture: what the REST routes and the page have in common."""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from models import errors as faults
from models.catalog import Catalog
from models.classifier import Classifier
from models.prediction import Prediction
from serving.errors import (
    ApiError,
    BrokenPicture,
    EmptyPicture,
    ExpiredFile,
    NoSuchTask,
    NotAPicture,
    NotLoaded,
    TooManyBytes,
    TooManyPixels,
)
from serving.samples import trial
from serving.settings import Settings
from serving.worker_pool import Runner

log = logging.getLogger("vistazo")


@dataclass(slots=True)
class Service:
    """The models, the threads that run them, and whether they are warm."""

    catalog: Catalog
    settings: Settings
    default_task: str
    runner: Runner
    warm: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task, also those whose model could not be loaded."""
        return tuple(entry.task for entry in self.catalog.entries)

    @property
    def loaded(self) -> tuple[str, ...]:
        """The tasks whose model was loaded."""
        return tuple(entry.task for entry in self.catalog.entries if entry.classifier)

    def find(self, task: str) -> Classifier:
        """The model of a task. Raises NoSuchTask or NotLoaded."""
        try:
            return self.catalog.get(task)
        except faults.UnknownTask:
            raise NoSuchTask(task=task, tasks=", ".join(self.tasks)) from None
        except faults.ModelNotLoaded:
            raise NotLoaded(task=task) from None

    async def classify(
        self, classifier: Classifier, picture: bytes | Path, request_id: str
    ) -> tuple[Prediction, float]:
        """Answer about a picture, given as the bytes of its file or as where these lie, with a model from `find`.

        Returns the prediction and the milliseconds that it took, waiting included. Raises ApiError.
        """
        started = time.perf_counter()
        try:
            prediction = await self.runner.run(_classify, classifier, picture, self.settings)
        except faults.PictureError as error:
            raise self._translate(error) from error
        elapsed_ms = (time.perf_counter() - started) * 1000
        log.info("%s %s %s %.1f ms", request_id, classifier.task, prediction.verdict.value, elapsed_ms)
        return prediction, elapsed_ms

    async def warm_up(self) -> None:
        """Let each loaded model answer about a picture of its kind, so that the first visitor does not wait for it."""
        for task in self.loaded:
            try:
                await self.classify(self.find(task), trial(task), "warm-up")
                self.warm.add(task)
            except Exception:  # whatever it is: this model is not ready, and the others may be
                log.exception("the model %r failed its start-up check", task)
                self.failed.add(task)

    def try_out(self, classifier: Classifier) -> None:
        """Let a model that is not served yet answer about a picture; whatever it raises speaks against it.

        To be called in a thread, and not in the runner's: that its queue is full says nothing against a model.
        """
        _classify(classifier, trial(classifier.task), self.settings)

    def _translate(self, error: faults.PictureError) -> ApiError:
        match error:
            case faults.EmptyFile():
                return EmptyPicture()
            case faults.TooLarge():
                return too_large(self.settings)
            case faults.UnsupportedType():
                return NotAPicture()
            case faults.TooManyPixels():
                return TooManyPixels(megapixels=f"{self.settings.max_pixels / 1e6:g}")
            case _:
                return BrokenPicture()


def too_large(settings: Settings) -> TooManyBytes:
    """The error for more bytes than the limit."""
    return TooManyBytes(megabytes=f"{settings.max_bytes / 1e6:g}")


def _classify(classifier: Classifier, picture: bytes | Path, settings: Settings) -> Prediction:
    """In a thread: also the reading of the file, which may be slow."""
    if isinstance(picture, Path):
        try:
            picture = picture.read_bytes()
        except FileNotFoundError:
            raise ExpiredFile from None
    return classifier.classify(picture, settings.limits)
