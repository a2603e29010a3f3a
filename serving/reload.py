"""Reloading of models in a running server: a new model is loaded and tested, then served in place of the old one."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from models.catalog import Entry
from models.errors import BundleError, HubError
from models.hub.source import Repository
from serving.errors import HubFailed, ModelRefused, RequestError
from serving.service import Service

log = logging.getLogger("vistazo")


class Reloader:
    """Replaces the models of `service`, one at a time: during a reload a model is in memory twice."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = asyncio.Lock()

    async def reload(self, task: str, repository: Repository | None = None) -> Entry:
        """Load a model from `repository`, else from the task's source, test it, and serve it from now on.

        Requests in progress end with the old model. Raises UnknownTask, and ModelRefused or HubFailed when the old
        model stays.
        """
        async with self._lock:
            old = self._service.catalog.entry(task)
            try:
                new = await asyncio.to_thread(self._load_candidate, task, repository)
            except RequestError as error:
                log.warning("the model %r was not changed: %s", task, error.values["reason"])
                raise
            await self._service.install(new)
        log.info("the model %r was changed: %s; before: %s", task, _description(new), _description(old))
        return new

    async def reload_all(self) -> None:
        """Reload every task. The log has the reason for each model that stays."""
        for task in self._service.tasks:
            with suppress(RequestError):
                await self.reload(task)

    @contextmanager
    def on_sighup(self) -> Iterator[None]:
        """Reload all models on SIGHUP inside this context, on systems that have that signal.

        When the terminal of the server was closed, SIGHUP still stops the server.
        """
        if not hasattr(signal, "SIGHUP"):
            yield
            return
        loop = asyncio.get_running_loop()
        at_terminal = os.isatty(0)
        running: set[asyncio.Task[None]] = set()  # the event loop keeps only weak references

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

    def _load_candidate(self, task: str, repository: Repository | None) -> Entry:
        try:
            return self._service.catalog.load_candidate(task, repository)
        except HubError as error:
            raise HubFailed(task=task, reason=error) from error
        except BundleError as error:
            raise ModelRefused(task=task, reason=error) from error
        except Exception as error:  # any error here would happen to visitors
            log.exception("the new model %r failed its check", task)
            raise ModelRefused(task=task, reason="it failed the start-up check") from error


def _description(entry: Entry) -> str:
    if entry.loaded is None:
        return "none"
    return f"{entry.source}, version {entry.loaded.info.version}"
