"""The catalog of models in a process: bundled ones, ones trained on this machine, and ones named in the settings."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from models import bundle
from models.bundle import BundleInfo, Presentation
from models.classifier import Classifier
from models.errors import BundleError, HubError, ModelNotLoaded, UnknownTask
from models.hub import pulling
from models.hub.pulling import LocalCopy
from models.hub.source import Repository, Source
from models.loading import load_classifier
from models.model import Model
from models.settings import PULL_LIMIT_S
from models.tasks import PRESENTATIONS, presentation_of

BUNDLED = Path(__file__).parent / "bundled"
TASKS = tuple(PRESENTATIONS)  # of the bundled models
Loader = Callable[[Path, str | None], Model]  # of the bundle in a directory, with the revision to report
RUNS = Path("runs")  # where `python -m train` writes its runs, in the working directory


@dataclass(frozen=True, slots=True)
class Fallback:
    """A repository whose model could not be served, with the error. Another model is served in its place."""

    wanted: Repository
    error: BundleError | HubError


@dataclass(frozen=True, slots=True)
class Entry:
    """A task with its model, or with the error that kept the model from loading.

    `source` is a directory, or `USER/NAME@COMMIT` for a model from the Hub.
    """

    task: str
    source: str
    loaded: Model | None
    error: str | None = None
    copy: LocalCopy | None = None  # of a model from the Hub
    fallback: Fallback | None = None

    @property
    def model(self) -> Model:
        """The model. Raises ModelNotLoaded."""
        if self.loaded is None:
            raise ModelNotLoaded(self.task, self.error)
        return self.loaded

    @property
    def info(self) -> BundleInfo | None:
        """The description of the model, or None when it could not be loaded."""
        return self.loaded.info if self.loaded else None

    @property
    def presentation(self) -> Presentation:
        """The texts of the task, also when its model could not be loaded."""
        return presentation_of(self.task, self.info)

    @property
    def origin(self) -> Literal["bundled", "hub", "local"]:
        """The kind of source."""
        if self.copy:
            return "hub"
        return "bundled" if Path(self.source) == BUNDLED / self.task else "local"


@dataclass(slots=True)
class Catalog:
    """The models of a process, in the order in which people see them. `put` replaces one of them."""

    entries: tuple[Entry, ...]
    sources: Mapping[str, Source] = field(default_factory=dict)  # by task
    runs: Path | None = None
    limit_s: float = PULL_LIMIT_S
    load_model: Loader = load_classifier

    @classmethod
    def load(
        cls,
        sources: Mapping[str, Source] | None = None,
        runs: Path | None = None,
        limit_s: float = PULL_LIMIT_S,
        load_model: Loader = load_classifier,
    ) -> "Catalog":
        """Load the bundled models, and for other tasks the newest bundle in `runs`.

        `sources` maps a task to the directory or repository of its model. A run of a bundled task is used only when
        `sources` names it: an experiment does not replace the shipped model.

        No error stops the load. A directory with a damaged bundle gives an entry with the error. When the Hub does not
        deliver a valid copy within `limit_s` seconds, the last verified copy is loaded, else the bundled model.
        `load_model` loads a bundle; by default into a `Classifier` of this process.
        """
        catalog = cls((), sources or {}, runs, limit_s, load_model)
        wanted = catalog._sources_by_task()
        with ThreadPoolExecutor(len(wanted)) as pool:  # in parallel: one slow repository does not delay the others
            catalog.entries = tuple(pool.map(catalog._load, wanted.keys(), wanted.values()))
        return catalog

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task, also those whose model could not be loaded."""
        return tuple(entry.task for entry in self.entries)

    def entry(self, task: str) -> Entry:
        """Return the entry of a task. Raises UnknownTask."""
        for entry in self.entries:
            if entry.task == task:
                return entry
        raise UnknownTask(task, self.tasks)

    def get(self, task: str) -> Classifier:
        """Return the classifier of a task, of a catalog that was loaded with `load_classifier`.

        Raises UnknownTask or ModelNotLoaded.
        """
        model = self.entry(task).model
        if not isinstance(model, Classifier):
            raise TypeError(f"the model for {task!r} is in worker processes: classify with those")
        return model

    def load_candidate(self, task: str, repository: Repository | None = None) -> Entry:
        """Load a possible replacement of a task's model, without serving it.

        It comes from `repository`, else from the task's source. Branches and tags are resolved again, directories are
        read again, and there is no fallback. Raises HubError or BundleError.
        """
        source = repository or self._sources_by_task().get(task)
        if source is None:
            raise BundleError(f"there is no bundle for {task!r} any more: export one")
        return self._read(task, source)

    def put(self, entry: Entry) -> None:
        """Serve this entry for its task from now on. Callers that hold the old model can go on using it."""
        self.entries = tuple(entry if old.task == entry.task else old for old in self.entries)
        if entry.copy:
            pulling.remember(entry.copy)

    def _sources_by_task(self) -> dict[str, Source]:
        bundled: dict[str, Source] = {task: BUNDLED / task for task in TASKS}
        sources = (newest_bundles(self.runs) if self.runs else {}) | bundled | dict(self.sources)
        return {task: sources[task] for task in (*bundled, *sources)}  # the bundled ones first

    def _read(self, task: str, source: Source | LocalCopy) -> Entry:
        if isinstance(source, Repository):
            source = pulling.pull(source, task, self.limit_s)
        if isinstance(source, LocalCopy):
            model = self.load_model(source.directory, source.repository.revision)
            return Entry(task, str(source.repository), model, copy=source)
        model = self.load_model(source, None)
        if model.task != task:
            raise BundleError(f"{source} is a model for {model.task!r}, not for {task!r}: use that name")
        return Entry(task, str(source), model)

    def _load(self, task: str, source: Source | LocalCopy) -> Entry:
        try:
            entry = self._read(task, source)
        except (BundleError, HubError) as error:
            if isinstance(source, Repository):
                return self._load_fallback(task, Fallback(source, error))
            return Entry(task, str(source), None, str(error))
        if entry.copy:
            pulling.remember(entry.copy)
        return entry

    def _load_fallback(self, task: str, fallback: Fallback) -> Entry:
        last_copy = pulling.last_verified(fallback.wanted.repo_id, task)
        for source in (last_copy, BUNDLED / task if task in TASKS else None):
            entry = self._load(task, source) if source else None
            if entry and entry.loaded:
                return replace(entry, fallback=fallback)
        return Entry(task, str(fallback.wanted), None, str(fallback.error), fallback=fallback)


def newest_bundles(runs: Path) -> dict[str, Path]:
    """Return the newest bundle `runs/*/bundle` of each task, tasks in alphabetical order.

    A bundle without a readable task gets the name of its run: the person sees it in the list, with its error.
    """
    newest: dict[str, tuple[str, Path]] = {}
    for directory in sorted(runs.glob("*/bundle")):
        if directory.is_dir():
            task, created = _task_and_time(directory)
            newest[task] = max(newest.get(task, ("", directory)), (created, directory))
    return {task: newest[task][1] for task in sorted(newest)}


def _task_and_time(directory: Path) -> tuple[str, str]:
    """Read the task and the creation time (ISO 8601, UTC) of a bundle, before anything in it is verified."""
    try:
        raw = bundle.read_json(directory)
        if re.fullmatch(bundle.TASK, raw["task"]):
            return raw["task"], str(raw["created"])
    except (BundleError, LookupError, TypeError):
        pass
    run = re.sub(r"-\d{8}-\d{6}$", "", directory.parent.name)
    return run if re.fullmatch(bundle.TASK, run) else "run-" + re.sub("[^a-z0-9_-]", "-", run.lower())[:36], ""
