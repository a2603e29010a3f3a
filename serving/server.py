"""The server: the REST app with the page mounted on it, and the process that runs both."""

import os
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from models.catalog import Catalog
from models.errors import VistazoError
from serving.api import app as api
from serving.api.upload import ENVELOPE_BYTES
from serving.http_server import BoundedHttp, HttpServer
from serving.service import Service
from serving.settings import Settings
from serving.ui import page
from serving.worker_pool import WorkerPool, Workers

DRAIN_S = 30  # after SIGTERM, for requests in progress


class PortTaken(VistazoError):
    """The port cannot be used, usually because another program listens on it."""


def listen(host: str, port: int) -> socket.socket:
    """Open the port before anything slow begins. Raises PortTaken."""
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise PortTaken(
            f"port {port} of {host} cannot be used ({os.strerror(error.errno or 0)}): "
            f"stop the program that uses it, or choose another port with --port"
        ) from None


def build_app(
    catalog: Catalog,
    workers: Workers,
    settings: Settings,
    default_task: str,
    address: str,
    port: int,
    on_ready: Callable[[], None],
) -> FastAPI:
    """Return the ASGI app for the models of `catalog`, which `workers` loaded. People reach it at `address`.

    `port` tells the servers of one machine apart. `on_ready` is called when the workers are ready.
    """
    service = Service(catalog, settings, default_task, WorkerPool(workers, settings.queue, settings.timeout_s))
    app = api.build(service, on_ready)
    page.mount(app, service, address, port, settings.max_bytes + ENVELOPE_BYTES)
    return app


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the requests in progress."""
    pool: WorkerPool = app.state.service.pool
    config = uvicorn.Config(
        app, http=BoundedHttp, log_level="warning", access_log=False, timeout_graceful_shutdown=DRAIN_S
    )
    HttpServer(config, app.state.streams, lambda: pool.used_slots > 0).run(sockets=[listener])
