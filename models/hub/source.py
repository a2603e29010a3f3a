"""The source of a model: a directory, or a repository on the Hugging Face Hub at a revision."""

import re
from dataclasses import dataclass
from pathlib import Path

from models.errors import SourceError

MAIN = "main"  # the branch when no revision is given
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_REVISION = re.compile(r"[\w./-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on the Hub at a revision: a commit (40 hexadecimal digits), a tag or a branch."""

    repo_id: str
    revision: str = MAIN

    def __str__(self) -> str:
        return f"{self.repo_id}@{self.revision}"

    @property
    def is_pinned(self) -> bool:
        """True when the revision is a commit, which never changes."""
        return _COMMIT.fullmatch(self.revision) is not None

    @classmethod
    def parse(cls, text: str) -> "Repository":
        """Parse `USER/NAME` or `USER/NAME@REVISION`. Raises SourceError."""
        repo_id, at, revision = text.strip().partition("@")
        if not _REPOSITORY.fullmatch(repo_id) or (at and not _REVISION.fullmatch(revision)):
            raise SourceError(
                f"{text!r} is not the name of a model on the Hub: write it as USER/NAME or USER/NAME@REVISION"
            )
        return cls(repo_id, revision or MAIN)


Source = Path | Repository


def parse(text: str) -> Source:
    """Parse the name of a source.

    A text is a directory when it exists as one, begins with `.`, `/` or `~`, or is not a valid repository name.
    Raises SourceError.
    """
    directory = Path(text).expanduser()
    if text.startswith((".", "/", "~")) or directory.is_dir():
        return directory
    try:
        return Repository.parse(text)
    except SourceError:
        if "@" in text:
            raise
        return directory


def parse_all(text: str) -> dict[str, Source]:
    """Parse `task=SOURCE,task=SOURCE`, the format of VISTAZO_MODELS. Raises SourceError."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not task.strip() or not source.strip() for task, _, source in pairs):
        raise SourceError("write it as task=USER/NAME@REVISION,task=DIRECTORY")
    return {task.strip(): parse(source.strip()) for task, _, source in pairs}
