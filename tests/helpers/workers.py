"""Workers for tests: threads with the bundled digit model, and workers whose results the test decides."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from models.bundle import BundleInfo
from models.catalog import BUNDLED, Catalog
from models.images.decoding import Limits
from models.prediction import Prediction, Verdict
from models.workers.stored_model import StoredModel
from models.workers.threads import WorkerThreads
from serving.service import Service
from serving.settings import Settings
from serving.worker_pool import WorkerPool

DIGIT = BUNDLED / "digit"


def service_of(*tasks: str, queue: int = 1, timeout_s: float = 60.0) -> Service:
    """A service of some bundled models in one thread; the others are not available."""
    workers = WorkerThreads(1)

    def load_model(directory: Path, revision: str | None) -> StoredModel:
        return workers.load(directory, revision)

    catalog = Catalog.load(load_model=load_model)
    catalog.entries = tuple(entry for entry in catalog.entries if entry.task in tasks)
    return Service(catalog, Settings(), "digit", WorkerPool(workers, queue, timeout_s))


class HeldWorkers:
    """Workers that classify when the test says so; `begun` are the pictures that were handed to them."""

    is_alive = True

    def __init__(self, count: int = 1) -> None:
        self.count = self.places = count
        self.begun: list[bytes | Path] = []
        self.futures: list[asyncio.Future[Prediction]] = []
        self._on_end: list[Callable[[], None]] = []

    def load(self, directory: Path, revision: str | None = None) -> StoredModel:
        raise NotImplementedError

    async def start(self) -> None:
        """Do nothing."""

    async def install(self, model: StoredModel) -> None:
        """Do nothing."""

    def classify(
        self,
        _model: StoredModel,
        picture: bytes | Path,
        _limits: Limits,
        on_end: Callable[[], None],
        _with_maps: bool = False,
    ) -> asyncio.Future[Prediction]:
        """Begin a picture."""
        future: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self.begun.append(picture)
        self.futures.append(future)
        self._on_end.append(on_end)
        return future

    def finish(self, number: int = 0, error: BaseException | None = None) -> None:
        """End the work on the picture that began as this number."""
        future = self.futures[number]
        if error is not None and not future.done():
            future.set_exception(error)
        elif not future.done():
            future.set_result(SEVEN)
        self._on_end[number]()

    def close(self) -> None:
        """Do nothing."""


SEVEN = Prediction("digit", ("0", "7"), (0.0, 1.0), Verdict.CONFIDENT, 1)


def stored_digit() -> StoredModel:
    """The bundled model for digits, without its network."""
    info = BundleInfo.model_validate_json((DIGIT / "vistazo.json").read_text(encoding="utf-8"))
    return StoredModel(0, info, "a revision", b"")
