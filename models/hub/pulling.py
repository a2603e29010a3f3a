"""Pulling a model from the Hub: one commit, only the files that serving needs, verified.

A commit in the Hub's cache is taken from there, without a request. Everything else is downloaded by a process of its
own: the Hub's client retries for minutes when the Hub is slow, and only a process can be ended.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache

from models import bundle
from models.errors import BundleError, HubError, HubStorage, HubUnreachable
from models.hub.source import Repository

FORCE = "--force"
_ROOT = Path(__file__).parents[2]
_ERRORS = {kind.__name__: kind for kind in (HubError, HubUnreachable, HubStorage)}


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A copy in the cache: its directory, and the repository at the copy's commit."""

    directory: Path
    repository: Repository


def pull(repository: Repository, task: str, limit_s: float, progress: bool = False) -> LocalCopy:
    """Return a verified copy of a repository's model, downloaded within `limit_s` seconds if it is not in the cache.

    A damaged copy is downloaded once more. Raises HubError, or BundleError when the second copy is damaged as well or
    the model is for another task.
    """
    deadline = time.monotonic() + limit_s
    copy = _cached(repository) or _download(repository, deadline, progress)
    try:
        info = bundle.load(copy.directory)
    except BundleError as damage:
        try:
            copy = _download(copy.repository, deadline, progress, force=True)
        except HubError as error:
            raise BundleError(f"{damage}; downloading it again failed: {error}") from error
        info = bundle.load(copy.directory)
    _check_task(info, task, copy.repository)
    return copy


def remember(copy: LocalCopy) -> None:
    """Record this copy as the last verified one of its repository, for `last_verified`."""
    path = _last_verified_file(copy.repository.repo_id)
    with suppress(OSError):  # a cache that is not writable: there will be no fallback
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        unfinished.write_text(copy.repository.revision, encoding="ascii")
        unfinished.replace(path)


def last_verified(repo_id: str, task: str) -> LocalCopy | None:
    """Return the last verified copy of a repository, or None when it is gone or damaged."""
    try:
        copy = _cached(Repository(repo_id, _last_verified_file(repo_id).read_text(encoding="ascii").strip()))
        if copy is not None:
            _check_task(bundle.load(copy.directory), task, copy.repository)
        return copy
    except (OSError, ValueError, BundleError):
        return None


def _cached(repository: Repository) -> LocalCopy | None:
    if not repository.is_pinned:
        return None
    found = [
        try_to_load_from_cache(repository.repo_id, name, revision=repository.revision) for name in bundle.SERVING_FILES
    ]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return LocalCopy(paths[0].parent, repository) if len(paths) == len(found) else None


def _download(repository: Repository, deadline: float, progress: bool, force: bool = False) -> LocalCopy:
    command = [sys.executable, "-m", "models.hub.download", str(repository), *([FORCE] if force else [])]
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    quiet = {} if progress else {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_VERBOSITY": "error"}
    limit_s = max(deadline - time.monotonic(), 1)
    try:
        done = subprocess.run(
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
            f"the Hub did not deliver all of {repository} within {limit_s:.0f} seconds: try again later"
        ) from None
    try:
        result = json.loads(done.stdout)
    except ValueError:
        last_line = (done.stderr or "").strip().rpartition("\n")[2]
        raise HubError(f"the download of {repository} stopped ({last_line or done.returncode}): try again") from None
    if "error" in result:
        raise _ERRORS[result["kind"]](result["error"])
    return LocalCopy(Path(result["directory"]), Repository(repository.repo_id, result["commit"]))


def _check_task(info: bundle.BundleInfo, task: str, repository: Repository) -> None:
    if info.task != task:
        raise BundleError(f"{repository} is a model for {info.task!r}, not for {task!r}: use that name")


def _last_verified_file(repo_id: str) -> Path:
    return Path(constants.HF_HOME) / "vistazo" / repo_id.replace("/", "--")
