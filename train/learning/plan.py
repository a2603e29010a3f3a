"""What an unfinished run was asked to do: `RUN/unfinished/plan.json`, there from the start of training to its end.

`--resume` finds the run by it and need not be told the recipe again.
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

UNFINISHED = "unfinished"  # the folder within the run's directory
PLAN_NAME = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `plan.json` says."""

    recipe: Recipe
    task_dir: str
    manifest_sha256: str
    weights: str | None  # the backbone's file
    tensorboard: bool
    source_commit: str
    backend: str

    def write(self, directory: Path) -> None:
        """Declare the run in `directory` unfinished."""
        folder = directory / UNFINISHED
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / PLAN_NAME) as stream:
            stream.write(json.dumps(asdict(self), indent=2, ensure_ascii=False).encode())


def read(directory: Path) -> Plan:
    """The plan of the unfinished run in `directory`. Raises RunError when there is none."""
    path = directory / UNFINISHED / PLAN_NAME
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Plan(recipe=recipe.from_stored(values.pop("recipe")), **values)
    except FileNotFoundError as error:
        raise RunError(f"{directory} is no unfinished run: start one without --resume") from error
    except (OSError, ValueError, KeyError, TypeError, RecipeError) as error:
        raise RunError(f"{path} is not a plan of this version ({error}): start anew without --resume") from error


def agree(directory: Path, chosen: Mapping[str, Any], tensorboard: bool) -> None:
    """Raise RecipeError when the command line asks a run that is to be resumed for something else than it does."""
    plan = read(directory)
    own = plan.recipe.as_dict()
    other = [name for name, value in chosen.items() if value is not None and not _same(value, own[name])]
    if tensorboard and not plan.tensorboard:
        other.append("tensorboard")
    if other:
        raise RecipeError(
            f"{directory} was begun with another {', '.join(other)}: leave it out to go on, or --resume to start anew"
        )


def _same(asked: Any, own: Any) -> bool:
    """Whether what is asked for is what there is; of augmentation, only a part is asked for."""
    return all(own[name] == value for name, value in asked.items()) if isinstance(asked, dict) else bool(asked == own)


def interrupted(directory: Path, runs_dir: Path, task: str) -> str:
    """What to say to the person who pressed Ctrl-C."""
    if not (directory / UNFINISHED / PLAN_NAME).exists():
        return "interrupted: run the command again"
    command = f"python -m train fit {task} --resume" + ("" if runs_dir == Path("runs") else f" --runs-dir {runs_dir}")
    best = f"; the best epoch so far is in {directory} and can be exported" if (directory / RUN_NAME).exists() else ""
    return f"interrupted: go on with `{command}`{best}"


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep other processes from training the same run meanwhile. Raises RunError when one already does."""
    lock = FileLock(directory / UNFINISHED / "lock")
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise RunError(f"another process is training {directory}: wait for it, or stop it") from error
    try:
        yield
    finally:
        lock.release()


def newest_unfinished(runs_dir: Path, task: str) -> Path:
    """The directory of the unfinished run of `task` that began last. Raises RunError when there is none."""
    plans = sorted(runs_dir.glob(f"*/{UNFINISHED}/{PLAN_NAME}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in plans:
        directory = path.parent.parent
        if read(directory).recipe.task == task:
            return directory
    raise RunError(f"no run of {task} in {runs_dir} is unfinished: start one without --resume")
