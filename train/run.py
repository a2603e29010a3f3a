"""A run directory: everything that `fit` writes.

run.json                                      recipe, data, source commit, machine, duration, validation metrics
history.csv, curves.png                       the metrics of each epoch, one line per epoch, and their plot
tensorboard/                                  only with --tensorboard
unfinished/                                   until the training ends: see unfinished_run.py and checkpoint.py
config.json, metadata.json, model.weights.h5  the best network, in Keras' own directory layout
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from train import recipe
from train.errors import RecipeError, RunError
from train.recipe import Recipe

RUN_NAME = "run.json"
HISTORY_NAME = "history.csv"
CURVES_NAME = "curves.png"


@dataclass(frozen=True, slots=True)
class Run:
    """The contents of `run.json`."""

    recipe: Recipe
    data_dir: str  # the task's folder, with its manifest
    manifest_sha256: str
    source_commit: str
    backend: str
    machine: str
    minutes: float
    best_epoch: int  # counted from 0
    validation: dict[str, float]  # metrics of the best epoch
    images_per_second: float | None = None  # during training, without validation; None in runs of older versions

    def write(self, directory: Path) -> None:
        """Write `run.json` atomically."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        with atomic_write(directory / RUN_NAME) as stream:
            stream.write(text.encode())


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write, and put it in the place of `path` when all of it is on disk.

    After an error or a crash, an older file is still there, unchanged.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def read(directory: Path) -> Run:
    """Read `run.json`. Raises RunError when it is missing or another version wrote it."""
    path = directory / RUN_NAME
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Run(recipe=recipe.from_stored(values.pop("recipe")), **values)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}): name the directory that `fit` printed") from error
    except (ValueError, KeyError, TypeError, RecipeError) as error:
        raise RunError(f"{path} cannot be read by this version ({error}): run `fit` again") from error


def source_commit() -> str:
    """Return the commit of the code, with `+changes` if files differ from it, or `unknown` outside a git checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", ".", "../models")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+changes" if changed else "")


def machine() -> str:
    """Return a description of the machine: system, architecture and cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def _git(*arguments: str) -> str:
    """Return the output of a git command. Raises OSError when git is missing, CalledProcessError when it fails."""
    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError("git is not installed")
    done = subprocess.run([program, *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()
