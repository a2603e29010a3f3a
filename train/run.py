"""A run directory: everything that one `fit` leaves behind.

run.json                                      task, recipe, data, source commit, machine, minutes
history.csv, curves.png                       one line an epoch, and its drawing
tensorboard/                                  where it was asked for
unfinished/                                   until training has ended: see plan.py and checkpoint.py in train/learning
config.json, metadata.json, model.weights.h5  the best network, in Keras' own directory layout
"""

import json
import os
import platform
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
    """What `run.json` says."""

    recipe: Recipe
    data_dir: str  # the task's folder, with its manifest
    manifest_sha256: str
    source_commit: str
    backend: str
    machine: str
    minutes: float
    best_epoch: int
    validation: dict[str, float]
    images_per_second: float | None = None  # while learning, validation left out; runs of older versions have none

    def write(self, directory: Path) -> None:
        """Write `run.json`, whole or not at all."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        with atomic_write(directory / RUN_NAME) as stream:
            stream.write(text.encode())


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A file to write that is there under its name only once all of it is on the disk; until then an older one is."""
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
    """Read `run.json`. Raises RunError when there is none or it is not one of ours."""
    path = directory / RUN_NAME
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Run(recipe=recipe.from_stored(values.pop("recipe")), **values)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}): name the directory that `fit` printed") from error
    except (ValueError, KeyError, TypeError, RecipeError) as error:
        raise RunError(f"{path} is not a run of this version ({error}): fit again") from error


def source_commit() -> str:
    """The commit of the code that trains, with `+changes` when it differs from it, or `unknown` outside git."""
    try:
        commit, changed = (
            subprocess.run(  # noqa: S603 (fixed words)
                ["git", *words],  # noqa: S607 (whichever git the person has)
                cwd=Path(__file__).parent,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", ".", "../models"])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+changes" if changed else "")


def machine() -> str:
    """The machine in words: architecture and cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
