"""Pull a model from the Hub: at one commit, only what serving needs, and nothing that was not verified.

A commit that is in the library's cache is taken from there and nobody is asked. All else is fetched by a process of its
own: the library retries for minutes where the Hub is slow, and only a process can be ended.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from models import bundle
from models.errors import BundleError, HubError, HubStorage, HubUnreachable
from models.hub.source import Repository

LIMIT_S = 60.0  # for a server's start: 8 MB come in that time through 1 Mbit/s
AGAIN = "--again"
_ROOT = Path(__file__).parents[2]
_KINDS = {kind.__name__: kind for kind in (HubError, HubUnreachable, HubStorage)}


@dataclass(frozen=True, slots=True)
class Copy:
    """A verified copy in the cache: the files, and the commit that they are of."""

    directory: Path
    repository: Repository


def pull(repository: Repository, task: str, limit_s: float = LIMIT_S, progress: bool = False) -> Copy:
    """A verified copy of the model of `task` that `repository` is, fetched within `limit_s` seconds if it must be.

    What does not check out is fetched once more. Raises HubError, or BundleError for what still does not check out.
    """
    deadline = time.monotonic() + limit_s
    copy = _cached(repository) or _fetch(repository, deadline, progress)
    try:
        info = bundle.load(copy.directory)
    except BundleError as damage:
        try:
            copy = _fetch(copy.repository, deadline, progress, again=True)
        except HubError as error:
            raise BundleError(f"{damage}; it could not be fetched again: {error}") from error
        info = bundle.load(copy.directory)
    _check_task(info, task, copy.repository)
    return copy


def remember(copy: Copy) -> None:
    """Note that this copy was verified and used last, for `last_verified`."""
    path = _note(copy.repository.repo_id)
    with suppress(OSError):  # a cache that may not be written: there is nothing to fall back on then
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        unfinished.write_text(copy.repository.revision, encoding="ascii")
        unfinished.replace(path)


def last_verified(repo_id: str, task: str) -> Copy | None:
    """The copy of this repository that was verified and used last, if it is there and still checks out."""
    try:
        copy = _cached(Repository(repo_id, _note(repo_id).read_text(encoding="ascii").strip()))
        if copy is not None:
            _check_task(bundle.load(copy.directory), task, copy.repository)
        return copy
    except (OSError, ValueError, BundleError):
        return None


def _cached(repository: Repository) -> Copy | None:
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415  (reads HF_HOME when it is imported)

    if not repository.is_pinned:
        return None
    found = [
        try_to_load_from_cache(repository.repo_id, name, revision=repository.revision) for name in bundle.SERVING_FILES
    ]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return Copy(paths[0].parent, repository) if len(paths) == len(found) else None


def _fetch(repository: Repository, deadline: float, progress: bool, again: bool = False) -> Copy:
    command = [sys.executable, "-m", "models.hub.download", str(repository), *([AGAIN] if again else [])]
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    quiet = {} if progress else {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_VERBOSITY": "error"}
    limit_s = max(deadline - time.monotonic(), 1)
    try:
        done = subprocess.run(  # noqa: S603  (our own program)
            command,
            env={**quiet, **os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=None if progress else subprocess.PIPE,
            timeout=limit_s,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HubUnreachable(
            f"the Hub did not give the whole of {repository} within {limit_s:.0f} seconds: try again later"
        ) from None
    try:
        said = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr or "").strip().rpartition("\n")[2]
        raise HubError(f"pulling {repository} broke off ({last or done.returncode}): try again") from None
    if "error" in said:
        raise _KINDS[said["kind"]](said["error"])
    return Copy(Path(said["directory"]), Repository(repository.repo_id, said["commit"]))


def _check_task(info: bundle.BundleInfo, task: str, repository: Repository) -> None:
    if info.task != task:
        raise BundleError(f"{repository} is a model for {info.task!r}, not for {task!r}: name it so")


def _note(repo_id: str) -> Path:
    from huggingface_hub import constants  # noqa: PLC0415  (the same)

    return Path(constants.HF_HOME) / "vistazo" / repo_id.replace("/", "--")
