"""Unfinished runs: find one to resume, check it against the command line, and lock it.

`RUN/unfinished/plan.json` exists from the start of training to its end. It has every argument of `fit`, so `--resume`
needs none of them. This module imports no Keras, so that the command line can report wrong arguments at once.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from train import recipe
from train.errors import RecipeError, RunError
from train.recipe import Recipe
from train.run import RUN_NAME, atomic_write

UNFINISHED = "unfinished"  # the folder in the run's directory
PLAN_NAME = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """The arguments of a run, as stored in `plan.json`."""

    recipe: Recipe
    task_dir: str
    manifest_sha256: str
    weights: str | None  # the backbone's file
    tensorboard: bool
    source_commit: str
    backend: str

    def write(self, directory: Path) -> None:
        """Write `plan.json`, which marks the run in `directory` as unfinished."""
        folder = directory / UNFINISHED
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / PLAN_NAME) as stream:
            stream.write(json.dumps(asdict(self), indent=2, ensure_ascii=False).encode())


def read_plan(directory: Path) -> Plan:
    """Read the plan of the unfinished run in `directory`. Raises RunError when there is none."""
    path = directory / UNFINISHED / PLAN_NAME
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Plan(recipe=recipe.from_stored(values.pop("recipe")), **values)
    except FileNotFoundError as error:
        raise RunError(f"{directory} is not an unfinished run: start one without --resume") from error
    except (OSError, ValueError, KeyError, TypeError, RecipeError) as error:
        raise RunError(f"{path} cannot be read by this version ({error}): start a run without --resume") from error


def newest_unfinished(runs_dir: Path, task: str) -> Path:
    """Return the directory of the newest unfinished run of `task`. Raises RunError when there is none."""
    plans = sorted(runs_dir.glob(f"*/{UNFINISHED}/{PLAN_NAME}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in plans:
        directory = path.parent.parent
        if read_plan(directory).recipe.task == task:
            return directory
    raise RunError(f"{runs_dir} has no unfinished run of {task}: start one without --resume")


def check_same_choices(directory: Path, overrides: Mapping[str, Any], tensorboard: bool) -> None:
    """Raise RecipeError when the `overrides` of the command line differ from the unfinished run's recipe."""
    plan = read_plan(directory)
    stored = plan.recipe.as_dict()
    different = [key for key, value in overrides.items() if value is not None and not _is_same(value, stored[key])]
    if tensorboard and not plan.tensorboard:
        different.append("tensorboard")
    if different:
        raise RecipeError(
            f"{directory} was started with another {', '.join(different)}: omit it to resume the run, or omit --resume "
            "to start a new one"
        )


def _is_same(given: Any, stored: Any) -> bool:
    """Compare a value with the stored one. Of a dict such as the augmentation, only the given keys count."""
    if isinstance(given, dict):
        return all(stored[key] == value for key, value in given.items())
    return bool(given == stored)


def interruption_message(directory: Path, runs_dir: Path, task: str) -> str:
    """Return the message for a person who pressed Ctrl-C."""
    if not (directory / UNFINISHED / PLAN_NAME).exists():
        return "interrupted: run the command again"
    command = f"python -m train fit {task} --resume" + ("" if runs_dir == Path("runs") else f" --runs-dir {runs_dir}")
    best = f"; the best epoch so far is in {directory} and can be exported" if (directory / RUN_NAME).exists() else ""
    return f"interrupted: resume with `{command}`{best}"


@contextmanager
def lock_run(directory: Path) -> Iterator[None]:
    """Prevent other processes from training the same run. Raises RunError when one already does."""
    lock = FileLock(directory / UNFINISHED / "lock")
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise RunError(f"another process is training {directory}: wait for it, or stop it") from error
    try:
        yield
    finally:
        lock.release()
