"""Which models there are: the bundled ones, and those that a person names instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.classifier import Classifier
from models.errors import BundleError, ModelNotLoaded, UnknownTask

BUNDLED = Path(__file__).parent / "bundled"
TASKS = ("pneumonia", "digit", "flower")


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
    def load(cls, sources: Mapping[str, Path] | None = None, workers: int | None = None) -> "Catalog":
        """Load the bundled models; `sources` maps a task to the bundle directory to use instead, or adds a task.

        A bundle that does not check out leaves an entry with the reason: the others are loaded all the same.
        """
        directories = {task: BUNDLED / task for task in TASKS} | dict(sources or {})
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


def _load(task: str, directory: Path, workers: int | None) -> Entry:
    try:
        classifier = Classifier.load(directory, workers)
        if classifier.task != task:
            raise BundleError(f"{directory} is a model for {classifier.task!r}, not for {task!r}: name it so")
    except BundleError as error:
        return Entry(task, str(directory), None, str(error))
    return Entry(task, str(directory), classifier)
