"""The worker processes of a server: started, killed when they are overdue, replaced when they end."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from models.errors import BundleError, VistazoError
from models.images.decoding import Limits
from models.prediction import Prediction
from models.workers import stored_model, wire
from models.workers.connection import DEPTH, WorkerConnection
from models.workers.forking import Forking
from models.workers.job import Job, nothing, paths_job, picture_job
from models.workers.stored_model import StoredModel

log = logging.getLogger("vistazo")

TRIAL_LIMIT_S = 60.0  # to load the models and try them out, on a slow machine
STEAL_S = 0.02  # a small picture takes less: one that waits longer behind another moves to another worker
MAX_DELAY_S = 10.0  # between two attempts to replace a worker that ends at its start


class WorkerProcesses:
    """`count` workers that classify one picture each at a time, in the order of the calls.

    A picture may take `limit_s` seconds: then its worker is killed and replaced, while the others work on. The address
    space of a worker is limited to `memory_bytes`.

    `load` may be called from any thread and before there is an event loop; everything else belongs to the event loop.
    """

    def __init__(self, count: int, limit_s: float, memory_bytes: int) -> None:
        self.count = count
        self.limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._forking = Forking()
        self._models: dict[int, StoredModel] = {}
        self._numbers = itertools.count(1)
        self._workers: set[WorkerConnection] = set()
        self._waiting: deque[Job] = deque()
        self._steal_timer: asyncio.TimerHandle | None = None
        self._failures = 0  # in a row, of workers that ended at their start
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self, directory: Path, revision: str | None = None) -> StoredModel:
        """Read and verify a bundle, and try it out in a worker of its own: loading a bad network may end the process.

        Raises BundleError.
        """
        model = stored_model.read(directory, revision)
        self._forking.add(model)
        try:
            self._try_out(model)
        except BundleError:
            self._forking.drop(model)
            raise
        self._models[model.key] = model
        return model

    def _try_out(self, model: StoredModel) -> None:
        number = next(self._numbers)
        with self._forking.fork(number, [model], self._memory_bytes) as connection:
            connection.settimeout(TRIAL_LIMIT_S)
            try:
                message = wire.receive(connection)
            except TimeoutError:
                self._forking.kill(number)
                raise BundleError(f"the model was not loaded and tried out in {TRIAL_LIMIT_S:g} s") from None
            except OSError:
                message = None
        if message is None:
            raise BundleError("the network ends the process that loads it: export the bundle again")
        if "ready" not in message.fields:
            raise BundleError(str(message.fields.get("text")))

    async def install(self, model: StoredModel) -> None:
        """Replace the workers one after another by workers that have a model that was loaded after the start.

        The model before it of the same task stays, for requests that found it.
        """
        same_task = [key for key, old in self._models.items() if old.task == model.task and old is not model]
        for key in same_task[:-1]:
            self._forking.drop(self._models.pop(key))
        for worker in [worker for worker in self._workers if model.key not in worker.keys]:
            await self._start_worker()
            worker.retire()

    @property
    def places(self) -> int:
        """The number of pictures that may be in workers at the same time: one in work and one behind it in each."""
        return DEPTH * self.count

    @property
    def is_alive(self) -> bool:
        """True when a worker can take a picture within the limit of one picture."""
        return any(worker.is_ready for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        """The process identifiers of the workers that are ready."""
        return [worker.pid for worker in self._workers if worker.is_ready]

    async def start(self) -> None:
        """Start the workers and return when each has loaded and tried out the models."""
        await asyncio.gather(*(self._start_worker() for _ in range(self.count)))

    async def _start_worker(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closed:
            number, models = next(self._numbers), list(self._models.values())
            worker = WorkerConnection(number, models, self._forking.kill, self._give_work, self._replace)
            try:
                connection = self._forking.fork(number, models, self._memory_bytes)
                connection.setblocking(False)
                await loop.create_unix_connection(lambda worker=worker: worker, sock=connection)  # type: ignore[misc]
                async with asyncio.timeout(TRIAL_LIMIT_S):
                    await worker.ready
            except (OSError, VistazoError) as error:  # TimeoutError is an OSError
                self._forking.kill(number)
                self._failures += 1
                delay_s = min(0.1 * 2**self._failures, MAX_DELAY_S)
                log.error("a worker did not start, the next attempt is in %.1f s: %s", delay_s, error)
                await asyncio.sleep(delay_s)
                continue
            self._failures = 0
            self._workers.add(worker)
            self._give_work()
            return

    def _replace(self, worker: WorkerConnection, jobs: Sequence[Job]) -> None:
        """Replace a worker that has ended, unless it was to end; its unfinished jobs are the next ones."""
        self._waiting.extendleft(reversed(jobs))
        if worker not in self._workers:
            return
        self._workers.discard(worker)
        if not self._closed and not worker.is_retired:
            task = asyncio.get_running_loop().create_task(self._start_worker())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._give_work()

    def classify(
        self,
        model: StoredModel,
        picture: bytes | Path,
        limits: Limits,
        on_end: Callable[[], None] = nothing,
        with_maps: bool = False,
    ) -> asyncio.Future[Prediction]:
        """Classify a picture, given as the bytes or the path of its file; `with_maps` adds the arrays.

        `on_end` is called once, when the work has ended: later than the future, when that is cancelled.

        The future raises PictureError, FileNotFoundError and other OSErrors of the path, Overdue, or WorkerFault. A
        picture that ends its worker is an UnreadableImage.
        """
        return self._submit(picture_job(model, picture, limits, with_maps, self.limit_s, on_end))

    def classify_paths(
        self, model: StoredModel, paths: Sequence[Path], limits: Limits
    ) -> asyncio.Future[list[Prediction | Exception]]:
        """Classify several files in one worker, without arrays.

        The future raises Overdue, or UnreadableImage when one of the pictures ended the worker: classify them one by
        one then.
        """
        return self._submit(paths_job(model, paths, limits, self.limit_s * len(paths)))

    def _submit(self, job: Job) -> asyncio.Future[Any]:
        self._waiting.append(job)
        self._give_work()
        return job.done

    def _give_work(self) -> None:
        while self._waiting:
            if self._waiting[0].done.done():  # its caller has left
                self._waiting.popleft().end()
                continue
            worker = self._worker_for(self._waiting[0])
            if worker is None:
                return
            worker.begin(self._waiting.popleft())
        self._steal()

    def _worker_for(self, job: Job) -> WorkerConnection | None:
        able = [worker for worker in self._workers if worker.is_ready and job.model.key in worker.keys]
        idle = next((worker for worker in able if not worker.jobs), None)
        return idle or next((worker for worker in able if job.is_small and worker.has_room), None)

    def _steal(self) -> None:
        """Give a picture that waits behind a slow one to an idle worker, too: the first result counts."""
        idle = next((worker for worker in self._workers if worker.is_ready and not worker.jobs), None)
        if idle is None or self._steal_timer is not None:
            return
        behind = [worker for worker in self._workers if len(worker.jobs) > 1]
        if not behind:
            return
        loop = asyncio.get_running_loop()
        for worker in behind:
            job = worker.jobs[-1]
            if loop.time() - worker.begun >= STEAL_S and job.model.key in idle.keys and not job.has_ended:
                idle.begin(job)
                return
        self._steal_timer = loop.call_later(STEAL_S, self._steal_later)

    def _steal_later(self) -> None:
        self._steal_timer = None
        self._give_work()

    def close(self) -> None:
        """End all workers. Work in progress is lost: close when there is none."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._steal_timer is not None:
            self._steal_timer.cancel()
        for worker in list(self._workers):
            worker.close()
        self._forking.close()
