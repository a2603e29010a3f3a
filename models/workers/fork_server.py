"""The process that workers are forked from: Python, NumPy, OpenCV, LiteRT and the models are in its memory already.

A new worker takes milliseconds and shares that memory. This process never sees a picture. It obeys the messages of the
server on a socket, one way:

{"add": …}             keep a model; the body is its network
{"drop": key}          forget a model
{"fork": number, …}    fork worker `number` with some models; its end of the connection comes with the message
{"kill": number}       end a worker at once

When the socket closes, because the server has ended in whatever way, all workers are killed.
"""

import gc
import os
import signal
import socket
import sys
from contextlib import suppress

from models.workers import wire, worker
from models.workers.stored_model import StoredModel


def main(control: socket.socket) -> None:
    """Obey the server until it closes the connection."""
    worker.ignore_signals()
    models: dict[int, StoredModel] = {}
    workers: dict[int, int] = {}  # process identifiers by number

    def reap(*_: object) -> None:
        with suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                ended.append(pid)

    ended: list[int] = []
    signal.signal(signal.SIGCHLD, reap)
    gc.freeze()  # the collector of a worker does not touch, and so copy, the shared memory
    while (message := wire.receive(control)) is not None:
        workers = {number: pid for number, pid in workers.items() if pid not in ended}
        ended.clear()
        match message.fields:
            case {"add": dict()}:
                model = StoredModel.parse(wire.Message(message.fields["add"], message.body))
                models[model.key] = model
            case {"drop": int(key)}:
                models.pop(key, None)
            case {"fork": int(number), "models": list(keys), "memory_bytes": int(memory_bytes)}:
                _, (descriptor,), _, _ = socket.recv_fds(control, 1, 1)
                pid = os.fork()
                if pid == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    control.close()
                    chosen = [models[key] for key in keys if key in models]
                    worker.run_and_exit(socket.socket(fileno=descriptor), chosen, memory_bytes)
                os.close(descriptor)
                workers[number] = pid
            case {"kill": int(number)}:
                _kill(workers.get(number))
    for pid in workers.values():
        _kill(pid)


def _kill(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
