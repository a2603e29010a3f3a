"""Serve Vistazo: settings → catalog → server. A Hugging Face Space runs this file too."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from models.errors import UnknownTask, VistazoError
from serving import logs
from serving import settings as configuration

ON_A_SPACE = "SPACE_ID" in os.environ
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  (a Space is reached from outside)
HOST, PORT = (EVERY_ADDRESS, 7860) if ON_A_SPACE else ("127.0.0.1", 5000)


def main(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 allows other machines.")] = HOST,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = PORT,
    task: Annotated[str, typer.Option(help="Task of POST /predict.")] = "digit",
    workers: Annotated[
        int | None,
        typer.Option(
            help="Worker processes, each with one core; 0 classifies in threads of the server, without limits of "
            "memory and time. Default: one a core, and 0 on Windows.",
            min=0,
            max=256,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the page and the API until Ctrl-C."""
    logs.configure()
    try:
        run(host, port, task, workers)
    except VistazoError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)


def run(host: str, port: int, task: str, workers: int | None) -> None:
    """Start the server and return when it has stopped. Raises VistazoError when it cannot start."""
    settings = configuration.load()

    # After the settings: huggingface_hub reads its own from the environment when it is imported.
    from models.catalog import RUNS, Catalog  # noqa: PLC0415
    from models.workers.start import start_workers  # noqa: PLC0415

    processes = start_workers(workers, settings.work_s, settings.worker_mb)
    with ThreadPoolExecutor(1) as thread:
        loading = thread.submit(Catalog.load, settings.models, RUNS, settings.hub_timeout_s, processes.load)
        from serving import server  # noqa: PLC0415  (Gradio takes a second to import: the models load meanwhile)
    catalog = loading.result()
    if task not in catalog.tasks:
        raise UnknownTask(task, catalog.tasks)
    for entry in catalog.entries:
        if entry.error:
            typer.echo(f"Warning: {entry.task} is not available: {entry.error}", err=True)
        elif entry.fallback:
            instead = f"{entry.source} is served instead of {entry.fallback.wanted}"
            typer.echo(f"Warning: {entry.task}: {instead}: {entry.fallback.error}", err=True)

    listener = server.listen(host, port)
    address = f"http://{'127.0.0.1' if host == EVERY_ADDRESS else host}:{port}"
    if ON_A_SPACE:
        address = f"https://{os.environ.get('SPACE_HOST', host)}"
    app = server.build_app(
        catalog, processes, settings, task, address, port, lambda: typer.echo(f"Vistazo is ready: {address}")
    )
    server.serve(app, listener)


if __name__ == "__main__":
    typer.run(main)
