"""New models for a running server: loaded and checked beside the old ones, then served in their place."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from models import errors as faults
from models.catalog import Entry
from models.hub.source import Repository
from serving.errors import ApiError, HubFailed, ModelRefused, NoSuchTask
from serving.service import Service

log = logging.getLogger("vistazo")


class Reloader:
    """Changes the models of `service`, one at a time: while it does, a model is in memory twice."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._turn = asyncio.Lock()

    async def reload(self, task: str, repository: Repository | None = None) -> Entry:
        """Serve a model that is loaded anew from `repository`, else from where that task's model comes.

        What is in flight ends on the old model. Raises NoSuchTask, and ModelRefused or HubFailed: nothing changed then.
        """
        async with self._turn:
            try:
                old = self._service.catalog.entry(task)
                new = await asyncio.to_thread(self._candidate, task, repository)
            except faults.UnknownTask:
                raise NoSuchTask(task=task, tasks=", ".join(self._service.tasks)) from None
            except ApiError as error:
                log.warning("the model %r was not changed: %s", task, error.values["reason"])
                raise
            self._service.catalog.put(new)
            self._service.failed.discard(task)
            self._service.warm.add(task)
        log.info("the model %r was changed: %s; before: %s", task, _name(new), _name(old))
        return new

    async def reload_all(self) -> None:
        """The same for every task; of those that did not change the log says why."""
        for task in self._service.tasks:
            with suppress(ApiError):
                await self.reload(task)

    @contextmanager
    def on_hangup(self) -> Iterator[None]:
        """Within this context SIGHUP means to reload all, where there is such a signal.

        When the terminal that the server was started from is closed, it still means to stop.
        """
        if not hasattr(signal, "SIGHUP"):
            yield
            return
        loop = asyncio.get_running_loop()
        at_terminal = os.isatty(0)
        running: set[asyncio.Task[None]] = set()  # the loop alone would let go of them

        def hang_up() -> None:
            if at_terminal and not os.isatty(0):
                signal.raise_signal(signal.SIGTERM)
                return
            task = loop.create_task(self.reload_all())
            running.add(task)
            task.add_done_callback(running.discard)

        loop.add_signal_handler(signal.SIGHUP, hang_up)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    def _candidate(self, task: str, repository: Repository | None) -> Entry:
        try:
            entry = self._service.catalog.candidate(task, repository)
            self._service.try_out(entry.model)
        except faults.HubError as error:
            raise HubFailed(task=task, reason=error) from error
        except faults.BundleError as error:
            raise ModelRefused(task=task, reason=error) from error
        except Exception as error:  # whatever it is: it would happen to visitors
            log.exception("the new model %r failed its check", task)
            raise ModelRefused(task=task, reason="it failed the start-up check") from error
        return entry


def _name(entry: Entry) -> str:
    if entry.classifier is None:
        return "none"
    return f"{entry.source}, version {entry.classifier.info.version}"
