"""Publish a bundle on the Hub: one commit with all of its files, then a tag with its version.

The tag comes last. If anything fails before it, no version points to incomplete files, and publishing again continues
from there.
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
from train.publishing.package import EXPORT_ADVICE, Package

HUB_FILES = (".gitattributes",)  # the Hub writes it; no bundle has it
INITIAL_FILES = (*HUB_FILES, bundle.CARD_NAME)  # of a repository that was just created on the Hub's website
TIMEOUT_S = 120  # without data; the Hub is slow with large files
RETRY_DELAYS_S = (1, 2, 4, 8)  # if the Hub sends no Retry-After
MAX_RETRY_AFTER_S = 60  # a longer Retry-After is an error
TRANSIENT_STATUSES = (429, 500, 502, 503, 504)

Response = TypeVar("Response")
Tree = Mapping[str, RepoFile]


@dataclass(frozen=True, slots=True)
class Published:
    """The result of `publish`: the commit with the bundle, and the changes that were necessary."""

    repo_id: str
    commit: str
    url: str
    committed: bool
    tagged: bool

    @property
    def summary(self) -> str:
        """A few words on what was done."""
        if self.committed:
            return "published"
        return "files were already there, added the tag" if self.tagged else "published already, nothing to do"


def check_repo_id(repo_id: str) -> None:
    """Raise PublishError or SourceError unless `repo_id` has the form USER/NAME."""
    if Repository.parse(repo_id).repo_id != repo_id:
        raise PublishError(f"{repo_id} names a revision, but publishing creates a new one: write USER/NAME without it")


def publish(package: Package, repo_id: str, private: bool = False) -> Published:
    """Publish the bundle as the model `repo_id`, created if it does not exist, and tag it with the bundle's version.

    Makes no commit if the Hub already has the same files. Raises PublishError when the card is not valid, the
    repository belongs to something else, or the version exists with other files; HubError when the Hub refuses.
    """
    check_repo_id(repo_id)
    get_session().timeout = TIMEOUT_S
    api, version = HfApi(), package.info.version
    with hub_errors(f"publish {repo_id}"):
        _validate_card(package)
        commit = _head_commit(api, repo_id, private)
        tags = {tag.name: tag.target_commit for tag in _with_retries(lambda: api.list_repo_refs(repo_id)).tags}
        tagged = version in tags
        commit = tags.get(version, commit)
        tree = _list_files(api, repo_id, commit)
        changes = _changes(package, tree)
        if changes and tagged:
            raise PublishError(
                f"{repo_id} has a version {version} with other files (commit {commit[:12]}), and a version cannot "
                f"change: increase `version` in the run's run.json (or in the recipe, and train again), {EXPORT_ADVICE}"
            )
        if changes:
            _check_ownership(api, repo_id, commit, tree, package.info.task)
            commit = _commit(api, repo_id, commit, changes, f"{package.info.task} {version}")
        if not tagged:
            _with_retries(lambda: api.create_tag(repo_id, tag=version, revision=commit))
    return Published(repo_id, commit, f"{api.endpoint}/{repo_id}/tree/{commit}", bool(changes), not tagged)


def _validate_card(package: Package) -> None:
    """Let the Hub validate the card before anything is created there."""
    try:
        _with_retries(package.card.validate)
    except HfHubHTTPError:
        raise
    except ValueError as error:
        reasons = "; ".join(fault["message"] for fault in json.loads(str(error))["errors"])
        raise PublishError(f"the Hub refuses the card of {package.directory} ({reasons}): {EXPORT_ADVICE}") from error


def _head_commit(api: HfApi, repo_id: str, private: bool) -> str:
    """Return the newest commit of the repository. Creates the repository if it does not exist."""
    try:
        info = _with_retries(lambda: api.model_info(repo_id))
    except RepositoryNotFoundError:
        _with_retries(lambda: api.create_repo(repo_id, private=private or None))
        info = _with_retries(lambda: api.model_info(repo_id))
    if private and not info.private:
        raise PublishError(
            f"{repo_id} is public already: make it private in its settings, or publish without --private"
        )
    return str(info.sha)


def _list_files(api: HfApi, repo_id: str, commit: str) -> Tree:
    entries = _with_retries(lambda: list(api.list_repo_tree(repo_id, recursive=True, revision=commit)))
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _changes(package: Package, tree: Tree) -> list[CommitOperationAdd | CommitOperationDelete]:
    """Return the operations after which the repository has exactly the files of the bundle."""
    additions = [
        CommitOperationAdd(name, package.directory / name)
        for name, entry in package.files.items()
        if name not in tree or not _is_same(package.directory / name, entry.sha256, tree[name])
    ]
    deletions = [CommitOperationDelete(name) for name in tree if name not in package.files and name not in HUB_FILES]
    return [*additions, *deletions]


def _is_same(path: Path, sha256: str, on_hub: RepoFile) -> bool:
    """Return True if the Hub has the same bytes. For files in git, the Hub knows only git's hash."""
    return on_hub.lfs.sha256 == sha256 if on_hub.lfs else on_hub.blob_id == git_hash(path.read_bytes())


def _check_ownership(api: HfApi, repo_id: str, commit: str, tree: Tree, task: str) -> None:
    """Raise PublishError if the repository has a model for another task, or other files than a Vistazo model."""
    if bundle.INFO_NAME in tree:
        path = Path(_with_retries(lambda: api.hf_hub_download(repo_id, bundle.INFO_NAME, revision=commit)))
        task_on_hub = json.loads(path.read_text(encoding="utf-8")).get("task")
        if task_on_hub != task:
            raise PublishError(
                f"{repo_id} has a model for {task_on_hub!r}, and this one is for {task!r}: choose another name"
            )
    elif set(tree) - set(INITIAL_FILES):
        raise PublishError(f"{repo_id} has files that do not belong to a Vistazo model: choose another name")


def _commit(
    api: HfApi, repo_id: str, parent: str, changes: list[CommitOperationAdd | CommitOperationDelete], message: str
) -> str:
    """Upload large files, then make one commit on top of `parent`. The Hub refuses it if there is a newer commit."""
    additions = [change for change in changes if isinstance(change, CommitOperationAdd)]
    api.preupload_lfs_files(repo_id, additions)
    commit = _with_retries(lambda: api.create_commit(repo_id, changes, commit_message=message, parent_commit=parent))
    return str(commit.oid)


def _with_retries(request: Callable[[], Response]) -> Response:
    """Return the response; retry while the Hub is overloaded. Its client does that itself only for uploads."""
    for delay in RETRY_DELAYS_S:
        try:
            return request()
        except HfHubHTTPError as error:
            retry_after = error.response.headers.get("Retry-After", "")
            seconds = int(retry_after) if retry_after.isdigit() else delay
            if error.response.status_code not in TRANSIENT_STATUSES or seconds > MAX_RETRY_AFTER_S:
                raise
            time.sleep(seconds)
    return request()
