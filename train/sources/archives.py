"""Unpacking of untrusted archives: zip, tar (plain or compressed) and gz."""

import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from rich.progress import Progress

from train.errors import ArchiveError, UnsafeArchive

_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum contents of an archive. The largest built-in data set, the chest X-rays, has 17,600 files and 2.5 GB."""

    members: int = 100_000
    member_bytes: int = 200_000_000
    total_bytes: int = 8_000_000_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    is_folder: bool
    is_file: bool  # neither folder nor file: a link, a device, a pipe
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, target: Path, progress: Progress, limits: Limits = DEFAULT_LIMITS) -> None:
    """Unpack a zip or tar archive into the new folder `target`.

    Raises UnsafeArchive when a member is a link or a device, would be written outside `target`, repeats, or exceeds
    `limits`; ArchiveError when the archive is damaged or neither zip nor tar. The files unpacked so far stay in
    `target`, for the caller to remove.
    """
    target.mkdir(parents=True)
    bar = progress.add_task(f"unpacking {archive.name}", total=archive.stat().st_size)
    remaining = limits.total_bytes
    with archive.open("rb") as raw, _reading(archive):
        for number, member in enumerate(_members(archive, raw), start=1):
            if number > limits.members:
                raise UnsafeArchive(f"{archive} has more than {limits.members:,} files, too many: check the source")
            destination = _destination(archive, target, member)
            if member.is_folder:
                destination.mkdir(parents=True, exist_ok=True)
                continue
            destination.parent.mkdir(parents=True, exist_ok=True)
            try:
                with destination.open("xb") as out, member.open() as content:
                    remaining -= _copy(archive, content, out, min(limits.member_bytes, remaining))
            except (FileExistsError, IsADirectoryError) as error:
                raise UnsafeArchive(f"{archive} has {member.name!r} twice: check the source") from error
            progress.update(bar, completed=raw.tell())
    progress.update(bar, completed=archive.stat().st_size)


def gunzip(archive: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the content of a .gz file. Raises UnsafeArchive and ArchiveError as `unpack` does."""
    with _reading(archive), gzip.open(archive) as stream:
        content = stream.read(limits.member_bytes + 1)
    if len(content) > limits.member_bytes:
        raise UnsafeArchive(f"{archive} unpacks to more than {limits.member_bytes:,} bytes: check the source")
    return content


def _members(archive: Path, raw: IO[bytes]) -> Iterator[_Member]:
    if tarfile.is_tarfile(archive):
        with tarfile.open(fileobj=raw) as tar:
            for info in tar:
                yield _Member(info.name, info.isdir(), info.isreg(), partial(_tar_content, tar, info))
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(raw) as bundle:
            for entry in bundle.infolist():
                if entry.flag_bits & 1:
                    raise ArchiveError(f"{archive} needs a password: unpack it yourself and give the folder")
                kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 where the zip was not made on Unix
                is_file = not entry.is_dir() and kind in {0, stat.S_IFREG}
                yield _Member(entry.filename, entry.is_dir(), is_file, partial(bundle.open, entry))
    else:
        raise ArchiveError(f"{archive} is neither a zip nor a tar archive: download it again")


def _tar_content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(info)
    if content is None:
        raise ArchiveError(f"{info.name!r} in the archive has no content: download it again")
    return content


def _destination(archive: Path, target: Path, member: _Member) -> Path:
    if not (member.is_folder or member.is_file):
        raise UnsafeArchive(f"{archive} has {member.name!r}, a link or a device: check the source")
    path = PurePosixPath(member.name.replace("\\", "/"))
    # On Windows, a colon marks a drive or a stream.
    if path.is_absolute() or ".." in path.parts or ":" in member.name or "\0" in member.name:
        raise UnsafeArchive(f"{archive} has {member.name!r}, which leaves its folder: check the source")
    return target / path


def _copy(archive: Path, content: IO[bytes], out: IO[bytes], limit: int) -> int:
    """Copy `content` and return its size. Counts the real bytes, since the size in the header may be wrong."""
    copied = 0
    while chunk := content.read(_CHUNK):
        copied += len(chunk)
        if copied > limit:
            raise UnsafeArchive(f"{archive} unpacks to too many bytes: check the source")
        out.write(chunk)
    return copied


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        lzma.LZMAError,
        zlib.error,
        EOFError,
        NotImplementedError,  # a zip with an unknown compression method
    ) as error:
        raise ArchiveError(f"{archive} is damaged ({error}): download it again") from error
