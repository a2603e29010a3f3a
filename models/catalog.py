"""Which models there are: the bundled ones, those that a person has trained, and those named instead."""

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from models import bundle
from models.classifier import Classifier
from models.errors import BundleError, HubError, ModelNotLoaded, UnknownTask
from models.hub import pulling
from models.hub.pulling import Copy
from models.hub.source import Repository, Source

BUNDLED = Path(__file__).parent / "bundled"
TASKS = ("pneumonia", "digit", "flower")
RUNS = Path("runs")  # where `python -m train` leaves its runs: beside the process


@dataclass(frozen=True, slots=True)
class Fallback:
    """What was asked for, and why it is not what is served."""

    asked: Repository
    error: BundleError | HubError


@dataclass(frozen=True, slots=True)
class Entry:
    """A task, where its model came from, and the model or the reason why it is not there.

    `source` is a directory, or `USER/NAME@COMMIT` for a model from the Hub.
    """

    task: str
    source: str
    classifier: Classifier | None
    error: str | None = None
    copy: Copy | None = None  # of a model from the Hub
    fallback: Fallback | None = None

    @property
    def model(self) -> Classifier:
        """The model. Raises ModelNotLoaded."""
        if self.classifier is None:
            raise ModelNotLoaded(f"the model for {self.task!r} is not available: {self.error}")
        return self.classifier

    @property
    def origin(self) -> Literal["bundled", "hub", "local"]:
        """What kind of place the model came from."""
        if self.copy:
            return "hub"
        return "bundled" if Path(self.source) == BUNDLED / self.task else "local"


@dataclass(slots=True)
class Catalog:
    """The models of a process, in the order in which people see them. `put` is how one of them changes."""

    entries: tuple[Entry, ...]
    sources: Mapping[str, Source] = field(default_factory=dict)  # by task: what to use instead or besides
    workers: int | None = None
    runs: Path | None = None
    limit_s: float = pulling.LIMIT_S

    @classmethod
    def load(
        cls,
        sources: Mapping[str, Source] | None = None,
        workers: int | None = None,
        runs: Path | None = None,
        limit_s: float = pulling.LIMIT_S,
    ) -> "Catalog":
        """Load the bundled models, and of other tasks the newest bundle in `runs`.

        `sources` maps a task to the directory or repository to use instead, or adds a task. A run of a bundled task is
        used only if named there: an experiment does not replace what ships.
        A directory that does not check out leaves an entry with the reason. Where the Hub does not give a sound copy
        within `limit_s` seconds, the one that was used last is taken, else the bundled model, else there is an entry
        with the reason. The others are loaded all the same.
        """
        catalog = cls((), sources or {}, workers, runs, limit_s)
        places = catalog._places()
        with ThreadPoolExecutor(len(places)) as pool:  # side by side, so that one slow repository is all that is slow
            catalog.entries = tuple(pool.map(catalog._load, places.keys(), places.values()))
        return catalog

    def entry(self, task: str) -> Entry:
        """What there is of a task. Raises UnknownTask."""
        for entry in self.entries:
            if entry.task == task:
                return entry
        known = ", ".join(entry.task for entry in self.entries)
        raise UnknownTask(f"no model is called {task!r}: choose one of {known}")

    def get(self, task: str) -> Classifier:
        """The model of a task. Raises UnknownTask or ModelNotLoaded."""
        return self.entry(task).model

    def candidate(self, task: str, repository: Repository | None = None) -> Entry:
        """Load a model beside the one that is served: `repository`, else from where that task's model comes.

        Branches and tags are looked up anew, directories read anew; nothing is taken instead. Raises HubError or
        BundleError.
        """
        place = repository or self._places().get(task)
        if place is None:
            raise BundleError(f"there is no bundle for {task!r} any more: export one")
        return self._read(task, place)

    def put(self, entry: Entry) -> None:
        """Serve this entry of its task from now on. Who holds the old model may go on using it."""
        self.entries = tuple(entry if old.task == entry.task else old for old in self.entries)
        if entry.copy:
            pulling.remember(entry.copy)

    def _places(self) -> dict[str, Source]:
        bundled: dict[str, Source] = {task: BUNDLED / task for task in TASKS}
        places = (newest_bundles(self.runs) if self.runs else {}) | bundled | dict(self.sources)
        return {task: places[task] for task in (*bundled, *places)}  # the bundled ones first

    def _read(self, task: str, place: Source | Copy) -> Entry:
        if isinstance(place, Repository):
            place = pulling.pull(place, task, self.limit_s)
        if isinstance(place, Copy):
            classifier = Classifier.load(place.directory, self.workers, place.repository.revision)
            return Entry(task, str(place.repository), classifier, copy=place)
        classifier = Classifier.load(place, self.workers)
        if classifier.task != task:
            raise BundleError(f"{place} is a model for {classifier.task!r}, not for {task!r}: name it so")
        return Entry(task, str(place), classifier)

    def _load(self, task: str, place: Source | Copy) -> Entry:
        try:
            entry = self._read(task, place)
        except (BundleError, HubError) as error:
            if isinstance(place, Repository):
                return self._load_instead(task, Fallback(place, error))
            return Entry(task, str(place), None, str(error))
        if entry.copy:
            pulling.remember(entry.copy)
        return entry

    def _load_instead(self, task: str, fallback: Fallback) -> Entry:
        for place in (pulling.last_verified(fallback.asked.repo_id, task), BUNDLED / task if task in TASKS else None):
            entry = self._load(task, place) if place else None
            if entry and entry.classifier:
                return replace(entry, fallback=fallback)
        return Entry(task, str(fallback.asked), None, str(fallback.error), fallback=fallback)


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
        said = json.loads((directory / bundle.INFO_NAME).read_text(encoding="utf-8"))
        if re.fullmatch(bundle.TASK, said["task"]):
            return said["task"], str(said["created"])
    except (OSError, ValueError, LookupError, TypeError):
        pass
    run = re.sub(r"-\d{8}-\d{6}$", "", directory.parent.name)
    return run if re.fullmatch(bundle.TASK, run) else "run-" + re.sub("[^a-z0-9_-]", "-", run.lower())[:36], ""
