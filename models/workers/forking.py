"""The server's end of the process that workers are forked from."""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from models.workers import wire
from models.workers.stored_model import StoredModel

log = logging.getLogger("vistazo")

ROOT = Path(__file__).parents[2]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # a worker has one core


class Forking:
    """The process that workers are forked from; it is started again when it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[int, StoredModel] = {}
        self._control, self._process = self._start()

    def _start(self) -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "models.workers.fork_server", str(theirs.fileno())],
                cwd=ROOT,
                env=os.environ | ONE_THREAD,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        return ours, process

    def add(self, model: StoredModel) -> None:
        """Keep a model for workers to come."""
        with self._lock:
            self._models[model.key] = model
            with suppress(OSError):  # it has ended: `fork` starts it again, with all models
                self._send_model(model)

    def drop(self, model: StoredModel) -> None:
        """Forget a model."""
        with self._lock:
            self._models.pop(model.key, None)
            with suppress(OSError):
                self._send({"drop": model.key})

    def fork(self, number: int, models: Sequence[StoredModel], memory_bytes: int) -> socket.socket:
        """Start a worker with some models, and return our end of its connection."""
        fields = {"fork": number, "models": [model.key for model in models], "memory_bytes": memory_bytes}
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                self._send_fork(fields, theirs)
            except OSError:
                log.error("the process that starts workers has ended; it is started again")
                self._end()
                self._control, self._process = self._start()
                for model in self._models.values():
                    self._send_model(model)
                self._send_fork(fields, theirs)
        return ours

    def kill(self, number: int) -> None:
        """Kill a worker."""
        with self._lock, suppress(OSError):
            self._send({"kill": number})

    def close(self) -> None:
        """Kill all workers and end."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send_model(self, model: StoredModel) -> None:
        self._send({"add": model.fields()}, model.network)

    def _send_fork(self, fields: dict[str, Any], descriptor: socket.socket) -> None:
        self._send(fields)
        socket.send_fds(self._control, [wire.FD_MARK], [descriptor.fileno()])

    def _send(self, fields: dict[str, Any], *parts: bytes) -> None:
        wire.send(self._control, fields, *parts)
