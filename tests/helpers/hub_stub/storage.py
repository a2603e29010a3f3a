"""The storage of the Hub stub: repositories of commits, branches and tags, in memory."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

LFS_SUFFIXES = (".bin", ".h5", ".keras", ".npz", ".png", ".jpg", ".jpeg", ".tflite", ".zip")
LFS_BYTES = 10_000_000  # text files of more bytes go to LFS too
GITATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES).encode()


def is_lfs(path: str, size: int, sample: bytes) -> bool:
    """Return True when the Hub stores a file outside git; `sample` are its first 512 bytes."""
    return path.endswith(LFS_SUFFIXES) or b"\0" in sample or size > LFS_BYTES


def git_blob(content: bytes) -> str:
    """The id that git gives a file of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class File:
    """A file of a commit."""

    content: bytes
    lfs: bool

    @classmethod
    def at(cls, path: str, content: bytes) -> "File":
        return cls(content, is_lfs(path, len(content), content[:512]))

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def blob(self) -> str:
        """Git's id: of the pointer, for a file of LFS."""
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.content)}\n"
        return git_blob(pointer.encode() if self.lfs else self.content)

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob


@dataclass(frozen=True)
class Commit:
    """A state of the repository. `files` may be changed by a test that wants a Hub which cannot be trusted."""

    oid: str
    parent: str | None
    title: str
    files: dict[str, File]


@dataclass
class Repository:
    """A model or a Space. It is born with one commit, of `.gitattributes`."""

    private: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # of a Space

    def __post_init__(self) -> None:
        self.commit("main", {".gitattributes": GITATTRIBUTES}, "initial commit")

    @property
    def head(self) -> Commit:
        """The newest commit of main."""
        return self.commits[self.branches["main"]]

    def find(self, revision: str) -> Commit | None:
        """The commit that a full id, a branch or a tag names."""
        return self.commits.get(self.branches.get(revision) or self.tags.get(revision) or revision)

    def commit(self, branch: str, changes: Mapping[str, bytes | None], title: str) -> Commit:
        """Add a commit to a branch; None deletes the file."""
        parent = self.branches.get(branch)
        files = dict(self.commits[parent].files) if parent else {}
        for path, content in changes.items():
            if content is None:
                del files[path]
            else:
                files[path] = File.at(path, content)
        made_of = repr((len(self.commits), parent, title, sorted((path, file.blob) for path, file in files.items())))
        oid = hashlib.sha1(made_of.encode(), usedforsecurity=False).hexdigest()
        self.commits[oid] = Commit(oid, parent, title, files)
        self.branches[branch] = oid
        return self.commits[oid]
