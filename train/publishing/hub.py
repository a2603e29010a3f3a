"""Publish a bundle: one commit with all of its files, then the tag that says it is whole.

Whatever breaks off before the tag leaves nothing that a version names, and publishing again goes on from there.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_session
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from models import bundle
from models.hub.client_errors import hub_errors
from models.hub.source import Repository
from train.errors import PublishError
from train.publishing.package import EXPORT, Package

NOT_OURS = (".gitattributes",)  # the Hub writes it, and no bundle has one
FIRST_FILES = (*NOT_OURS, bundle.CARD_NAME)  # what a repository may have that somebody has just made by hand
SILENCE_S = 120  # after which a connection is taken for dead; the Hub takes its time over large files
WAITS_S = (1, 2, 4, 8)  # before asking again, where the Hub does not say how long
LONGEST_WAIT_S = 60  # that is waited for when the Hub does say
PASSING = (429, 500, 502, 503, 504)

Answer = TypeVar("Answer")
Tree = Mapping[str, RepoFile]


@dataclass(frozen=True, slots=True)
class Published:
    """Where the bundle is now, and what had to be done for it."""

    repo_id: str
    commit: str
    url: str
    committed: bool
    tagged: bool

    @property
    def summary(self) -> str:
        """What was done, in a few words."""
        if self.committed:
            return "published"
        return "its files were there already, tagged them" if self.tagged else "published already, nothing to do"


def check_name(repo_id: str) -> None:
    """Raise PublishError or SourceError unless this is USER/NAME."""
    if Repository.parse(repo_id).repo_id != repo_id:
        raise PublishError(f"{repo_id} names a revision, and the commit will be a new one: write USER/NAME alone")


def publish(parcel: Package, repo_id: str, private: bool = False) -> Published:
    """Bring the bundle to the model `repo_id`, which is created if there is none, and tag it with its version.

    Makes no commit where the Hub has the same files. Raises PublishError when the card is not valid, the name belongs
    to something else or the version to other files; HubError for what the Hub refuses.
    """
    check_name(repo_id)
    get_session().timeout = SILENCE_S
    api, version = HfApi(), parcel.info.version
    with hub_errors(f"publish {repo_id}"):
        _validate(parcel)
        commit = _head(api, repo_id, private)
        tags = {tag.name: tag.target_commit for tag in _patiently(lambda: api.list_repo_refs(repo_id)).tags}
        tagged = version in tags
        commit = tags.get(version, commit)
        tree = _tree(api, repo_id, commit)
        changes = _changes(parcel, tree)
        if changes and tagged:
            raise PublishError(
                f"{repo_id} has a version {version} with other files (commit {commit[:12]}), and a version never "
                f"changes: raise `version` in the run's run.json (or in the recipe, and train anew), {EXPORT}"
            )
        if changes:
            _check_is_ours(api, repo_id, commit, tree, parcel.info.task)
            commit = _commit(api, repo_id, commit, changes, f"{parcel.info.task} {version}")
        if not tagged:
            _patiently(lambda: api.create_tag(repo_id, tag=version, revision=commit))
    return Published(repo_id, commit, f"{api.endpoint}/{repo_id}/tree/{commit}", bool(changes), not tagged)


def _validate(parcel: Package) -> None:
    """Let the Hub check the card before anything is made there."""
    try:
        _patiently(parcel.card.validate)
    except HfHubHTTPError:
        raise
    except ValueError as error:
        said = json.loads(str(error))["errors"]
        words = "; ".join(fault["message"] for fault in said)
        raise PublishError(f"the Hub refuses the card of {parcel.directory} ({words}): {EXPORT}") from error


def _head(api: HfApi, repo_id: str, private: bool) -> str:
    """The newest commit of the repository, which is created if there is none."""
    try:
        info = _patiently(lambda: api.model_info(repo_id))
    except RepositoryNotFoundError:
        _patiently(lambda: api.create_repo(repo_id, private=private or None))
        info = _patiently(lambda: api.model_info(repo_id))
    if private and not info.private:
        raise PublishError(f"{repo_id} is public already: make it private in its settings, or leave --private out")
    return str(info.sha)


def _tree(api: HfApi, repo_id: str, commit: str) -> Tree:
    entries = _patiently(lambda: list(api.list_repo_tree(repo_id, recursive=True, revision=commit)))
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _changes(parcel: Package, tree: Tree) -> list[CommitOperationAdd | CommitOperationDelete]:
    """What makes the repository the bundle and nothing else."""
    additions = [
        CommitOperationAdd(name, parcel.directory / name)
        for name, entry in parcel.files.items()
        if name not in tree or not _is_same(parcel.directory / name, entry.sha256, tree[name])
    ]
    deletions = [CommitOperationDelete(name) for name in tree if name not in parcel.files and name not in NOT_OURS]
    return [*additions, *deletions]


def _is_same(path: Path, sha256: str, there: RepoFile) -> bool:
    """Whether the Hub has these bytes: of a file in git it tells git's hash alone."""
    return there.lfs.sha256 == sha256 if there.lfs else there.blob_id == git_hash(path.read_bytes())


def _check_is_ours(api: HfApi, repo_id: str, commit: str, tree: Tree, task: str) -> None:
    """Refuse to put the bundle in the place of something else: of no model of ours, nor of another task's."""
    if bundle.INFO_NAME in tree:
        path = Path(_patiently(lambda: api.hf_hub_download(repo_id, bundle.INFO_NAME, revision=commit)))
        there = json.loads(path.read_text(encoding="utf-8")).get("task")
        if there != task:
            raise PublishError(
                f"{repo_id} has a model for {there!r}, and this one is for {task!r}: choose another name"
            )
    elif set(tree) - set(FIRST_FILES):
        raise PublishError(f"{repo_id} has files that are no model of Vistazo's: choose another name")


def _commit(
    api: HfApi, repo_id: str, parent: str, changes: list[CommitOperationAdd | CommitOperationDelete], message: str
) -> str:
    """Send large files, then all changes in one commit on top of `parent` and of nothing newer."""
    additions = [change for change in changes if isinstance(change, CommitOperationAdd)]
    api.preupload_lfs_files(repo_id, additions)
    made = _patiently(lambda: api.create_commit(repo_id, changes, commit_message=message, parent_commit=parent))
    return str(made.oid)


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """The Hub's answer; asked again where it is overloaded, which its client does by itself only for uploads."""
    for wait in WAITS_S:
        try:
            return ask()
        except HfHubHTTPError as error:
            said = error.response.headers.get("Retry-After", "")
            seconds = int(said) if said.isdigit() else wait
            if error.response.status_code not in PASSING or seconds > LONGEST_WAIT_S:
                raise
            time.sleep(seconds)
    return ask()
