"""Run the project's commands in this process.

Starting Python and importing TensorFlow takes 6 s of processor time, calling the command takes none. Tests of signals,
of exit codes of the process itself, and of what is imported when, start a process instead.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import typer
from typer.testing import CliRunner

import models.__main__
import train.__main__
from tests.helpers.project import EXAMPLES, ROOT, environment

Finished = subprocess.CompletedProcess[str]


def run_train(*arguments: str, cwd: Path | None = None) -> Finished:
    """Run `python -m train` with the arguments, and with `cwd` as the working directory if given."""
    return _invoke(train.__main__.app, "python -m train", arguments, cwd, {})


def run_models(*arguments: str, cwd: Path = EXAMPLES) -> Finished:
    """Run `python -m models` with the arguments in `cwd`, by default a folder without the developer's `runs/`."""
    return _invoke(models.__main__.app, "python -m models", arguments, cwd, {"COLUMNS": "200"})


def start_models(*arguments: str, settings: Mapping[str, str]) -> Finished:
    """Run `python -m models` in a process. The client of the Hub reads its settings when it is imported."""
    env = environment(**{"PYTHONPATH": str(ROOT), "COLUMNS": "200", **settings})
    command = [sys.executable, "-m", "models", *arguments]
    return subprocess.run(command, cwd=EXAMPLES, env=env, capture_output=True, text=True, check=False)


def error_lines(finished: Finished) -> list[str]:
    """Return the lines on stderr apart from LiteRT's line about its delegate. Fails if there is a traceback."""
    assert "Traceback" not in finished.stderr
    return [line for line in finished.stderr.splitlines() if not line.startswith("INFO: Created TensorFlow Lite")]


def _invoke(
    app: typer.Typer, name: str, arguments: tuple[str, ...], cwd: Path | None, settings: Mapping[str, str]
) -> Finished:
    # Settings that the developer has for Vistazo must not decide a test: None removes a variable.
    environment = {name: None for name in os.environ if name.startswith("VISTAZO_")} | dict(settings)
    with contextlib.chdir(cwd or Path.cwd()):
        result = CliRunner().invoke(app, arguments, prog_name=name, env=environment, catch_exceptions=False)
    return Finished([name, *arguments], result.exit_code, result.stdout, result.stderr)
