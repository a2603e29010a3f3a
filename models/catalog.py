"""Which models there are: the bundled ones, those that a person has trained, and those named instead."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models import bundle
from models.classifier import Classifier
from models.errors import BundleError, ModelNotLoaded, UnknownTask

BUNDLED = Path(__file__).parent / "bundled"
TASKS = ("pneumonia", "digit", "flower")
RUNS = Path("runs")  # where `python -m train` leaves its runs: beside the process


@dataclass(frozen=True, slots=True)
class Entry:
    """A task, where its model came from, and the model or the reason why it is not there."""

    task: str
    source: str
    classifier: Classifier | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The models of a process, in the order in which people see them."""

    entries: tuple[Entry, ...]

    @classmethod
    def load(
        cls, sources: Mapping[str, Path] | None = None, workers: int | None = None, runs: Path | None = None
    ) -> "Catalog":
        """Load the bundled models, and of other tasks the newest bundle in `runs`.

        `sources` maps a task to the bundle directory to use instead, or adds a task. A run of a bundled task is used
        only if named there: an experiment does not replace what ships.
        A bundle that does not check out leaves an entry with the reason: the others are loaded all the same.
        """
        bundled = {task: BUNDLED / task for task in TASKS}
        trained = newest_bundles(runs) if runs else {}
        directories = trained | bundled | dict(sources or {})
        directories = {task: directories[task] for task in (*bundled, *directories)}  # the bundled ones first
        return cls(tuple(_load(task, directory, workers) for task, directory in directories.items()))

    def get(self, task: str) -> Classifier:
        """The model of a task. Raises UnknownTask or ModelNotLoaded."""
        for entry in self.entries:
            if entry.task == task:
                if entry.classifier is None:
                    raise ModelNotLoaded(f"the model for {task!r} is not available: {entry.error}")
                return entry.classifier
        known = ", ".join(entry.task for entry in self.entries)
        raise UnknownTask(f"no model is called {task!r}: choose one of {known}")


def newest_bundles(runs: Path) -> dict[str, Path]:
    """The bundles `runs/*/bundle` by task, these in order; of several for a task the one that was made last.

    A bundle that does not say its task goes by the name of its run, so that it is missed and not overlooked.
    """
    newest: dict[str, tuple[str, Path]] = {}
    for directory in sorted(runs.glob("*/bundle")):
        if directory.is_dir():
            task, created = _headline(directory)
            newest[task] = max(newest.get(task, ("", directory)), (created, directory))
    return {task: newest[task][1] for task in sorted(newest)}


def _headline(directory: Path) -> tuple[str, str]:
    """What the bundle says of its task, and when it was made (ISO 8601, UTC), before anything in it is checked."""
    try:
        said = json.loads((directory / bundle.MANIFEST_NAME).read_text(encoding="utf-8"))
        if re.fullmatch(bundle.TASK, said["task"]):
            return said["task"], str(said["created"])
    except (OSError, ValueError, LookupError, TypeError):
        pass
    run = re.sub(r"-\d{8}-\d{6}$", "", directory.parent.name)
    return run if re.fullmatch(bundle.TASK, run) else "run-" + re.sub("[^a-z0-9_-]", "-", run.lower())[:36], ""


def _load(task: str, directory: Path, workers: int | None) -> Entry:
    try:
        classifier = Classifier.load(directory, workers)
        if classifier.task != task:
            raise BundleError(f"{directory} is a model for {classifier.task!r}, not for {task!r}: name it so")
    except BundleError as error:
        return Entry(task, str(directory), None, str(error))
    return Entry(task, str(directory), classifier)
