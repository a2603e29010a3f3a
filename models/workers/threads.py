"""Workers in threads of this process: for debugging, notebooks, and Windows, which cannot fork.

A thread cannot be limited in memory, nor ended: use it where the pictures come from oneself.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from models.classifier import Classifier
from models.cores import available_cores
from models.errors import PictureError
from models.images.decoding import Limits
from models.loading import build_classifier
from models.prediction import Prediction
from models.workers import stored_model
from models.workers.job import nothing
from models.workers.stored_model import StoredModel
from models.workers.trial import try_out


class WorkerThreads:
    """Classifies pictures in `count` threads (default: one a core), like `WorkerProcesses` but without its limits."""

    is_alive = True

    def __init__(self, count: int | None = None) -> None:
        self.count = self.places = count or available_cores()
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="worker")
        self._classifiers: dict[int, Classifier] = {}

    def load(self, directory: Path, revision: str | None = None) -> StoredModel:
        """Read, verify and try out a bundle. Raises BundleError."""
        model = stored_model.read(directory, revision)
        classifier = build_classifier(model.info, model.network, self.count, model.revision)
        try_out(classifier)
        self._classifiers[model.key] = classifier
        return model

    async def start(self) -> None:
        """Do nothing: threads start with their work."""

    async def install(self, model: StoredModel) -> None:
        """Do nothing: threads share the models."""

    def classify(
        self,
        model: StoredModel,
        picture: bytes | Path,
        limits: Limits,
        on_end: Callable[[], None] = nothing,
        with_maps: bool = False,  # noqa: ARG002
    ) -> asyncio.Future[Prediction]:
        """Classify a picture, given as the bytes or the path of its file. Its arrays are always there.

        `on_end` is called once, when the work has ended: later than the future, when that is cancelled.
        """
        classifier = self._classifiers[model.key]

        def work() -> Prediction:
            return classifier.classify(picture.read_bytes() if isinstance(picture, Path) else picture, limits)

        loop = asyncio.get_running_loop()

        def ended(_: object) -> None:
            with suppress(RuntimeError):  # the event loop has ended before the thread
                loop.call_soon_threadsafe(on_end)

        future = self._threads.submit(work)
        future.add_done_callback(ended)
        return asyncio.wrap_future(future)

    async def classify_paths(
        self, model: StoredModel, paths: Sequence[Path], limits: Limits
    ) -> list[Prediction | Exception]:
        """Classify several files, without arrays."""
        results: list[Prediction | Exception] = []
        for path in paths:
            try:
                results.append(await self.classify(model, path, limits))
            except (PictureError, OSError) as error:
                results.append(error)
        return results

    def close(self) -> None:
        """Wait for the work in progress, and drop the rest."""
        self._threads.shutdown(cancel_futures=True)
