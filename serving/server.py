"""The server: the REST app with the page mounted beside it, and the process that runs both."""

import os
import socket
from collections.abc import Callable

import gradio as gr
import uvicorn
from fastapi import FastAPI

from models.catalog import Catalog
from models.classifier import default_workers
from models.errors import VistazoError
from serving.api import app as api
from serving.api import routes
from serving.api.upload import ENVELOPE_BYTES
from serving.service import Service
from serving.settings import Settings
from serving.ui import page
from serving.worker_pool import Runner

DRAIN_S = 10  # after SIGTERM, for what is in flight


class PortTaken(VistazoError):
    """Another program listens there."""


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything slow begins. Raises PortTaken."""
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise PortTaken(
            f"port {port} of {host} cannot be used ({os.strerror(error.errno or 0)}): "
            f"stop the program that uses it, or choose another port with --port"
        ) from None


def build_app(
    catalog: Catalog, settings: Settings, default_task: str, address: str, on_ready: Callable[[], None]
) -> FastAPI:
    """The ASGI app for the models of `catalog`, which people reach at `address`.

    `on_ready` is called when the start-up check has ended.
    """
    runner = Runner(default_workers(), settings.queue, settings.timeout_s)
    service = Service(catalog, settings, default_task, runner)
    app = api.build(service, on_ready)
    gr.mount_gradio_app(
        app,
        page.build(service, address),
        path="/",
        app_kwargs={"exception_handlers": {404: routes.page_not_found}},
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=settings.max_bytes + ENVELOPE_BYTES,  # Gradio speaks English only: ours speak first
        ssr_mode=False,
        theme=page.theme(),
        css_paths=page.CSS,
    )
    return app


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C; what is in flight then is finished first."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=DRAIN_S)
    uvicorn.Server(config).run(sockets=[listener])
