"""Download of files over HTTP, resumed after an interruption and verified by MD5."""

import hashlib
import re
from http import HTTPStatus
from pathlib import Path

import httpx2
from rich.progress import Progress, TaskID

from train.errors import ChecksumError, DownloadError
from train.sources.datasets import Download

_TIMEOUT = httpx2.Timeout(30)  # seconds without a byte
_ATTEMPTS = 3  # for each URL, each resuming the one before


def download_file(file: Download, directory: Path, progress: Progress) -> Path:
    """Download `file` into `directory` and return its path. A complete file is not downloaded again.

    The bytes are written to `NAME.part`, which a later call resumes with HTTP Range, and renamed to `NAME` when
    complete. The URLs are tried in order.

    Raises DownloadError when no URL delivers the whole file, ChecksumError when its MD5 is wrong.
    """
    path = directory / file.name
    if path.is_file() and has_md5(path, file.md5):
        return path
    directory.mkdir(parents=True, exist_ok=True)
    part = _PartialDownload(directory / (file.name + ".part"), has_checksum=file.md5 is not None)
    bar = progress.add_task(f"downloading {file.name}", total=None)
    problems = []
    with httpx2.Client(timeout=_TIMEOUT, follow_redirects=True, headers={"Accept-Encoding": "identity"}) as client:
        for url in file.urls:
            try:
                _download_from(client, url, part, progress, bar)
                break
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                problems.append(f"{url} {_reason(error)}")
        else:
            raise DownloadError(
                f"{file.name} could not be downloaded ({'; '.join(problems)}): check the network and run the same "
                "command again, which resumes, or give --source a copy of the file"
            )
    part.forget_origin()
    if not has_md5(part.path, file.md5):
        part.path.unlink()
        raise ChecksumError(
            f"the downloaded {file.name} is not upstream's file (MD5 {file.md5}): run the command again"
        )
    part.path.replace(path)
    return path


def has_md5(path: Path, md5: str | None) -> bool:
    """Return True if the file has this MD5, or if `md5` is None."""
    if md5 is None:
        return True
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5


class _PartialDownload:
    """An unfinished download: `NAME.part`, and `NAME.part.origin` with its URL and the server's version of the file."""

    def __init__(self, path: Path, has_checksum: bool) -> None:
        self.path = path
        self._origin = path.with_name(path.name + ".origin")
        self._has_checksum = has_checksum

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def resume_headers(self, url: str) -> dict[str, str]:
        """Return the headers to request the rest; empty when the server's file may have changed."""
        if not self.size:
            return {}
        headers = {"Range": f"bytes={self.size}-"}
        if self._has_checksum:
            return headers
        known_url, _, version = self._origin.read_text("utf-8").partition("\n") if self._origin.is_file() else ("",) * 3
        return headers | {"If-Range": version} if version and known_url == url else {}

    def remember_origin(self, url: str, response: httpx2.Response) -> None:
        """Store the version of the file, so that only this one is resumed (RFC 9110, 13.1.5: no weak ETag)."""
        etag = response.headers.get("ETag", "W/")
        version = response.headers.get("Last-Modified", "") if etag.startswith("W/") else etag
        self._origin.write_text(f"{url}\n{version}", encoding="utf-8")

    def forget_origin(self) -> None:
        self._origin.unlink(missing_ok=True)


def _download_from(client: httpx2.Client, url: str, part: _PartialDownload, progress: Progress, bar: TaskID) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        before = part.size
        try:
            _receive(client, url, part, progress, bar)
        except httpx2.TransportError:
            if attempt == _ATTEMPTS or part.size <= before:
                raise
        else:
            return


def _receive(client: httpx2.Client, url: str, part: _PartialDownload, progress: Progress, bar: TaskID) -> None:
    """Send one request: append the response to `part`, or overwrite it when the server sends the whole file."""
    start = part.size
    with client.stream("GET", url, headers=part.resume_headers(url)) as response:
        total = _total(response)
        if start and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if total == start:
                return  # the connection was cut after the last byte
            part.path.unlink()  # it belongs to another file
            raise httpx2.RemoteProtocolError("has a different file than the partial download")
        response.raise_for_status()
        resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
        if not resumed:
            part.remember_origin(url, response)
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.path.unlink()  # so that the next request is for the whole file
            raise httpx2.RemoteProtocolError("sent a different range than requested")
        with part.path.open("ab" if resumed else "wb") as out:
            for chunk in response.iter_raw():  # without a chunk size: an incomplete chunk would be lost
                out.write(chunk)
                out.flush()  # so that a killed process loses no received bytes
                progress.update(bar, completed=out.tell(), total=total)
    if total is not None and part.size != total:
        raise httpx2.RemoteProtocolError(f"sent {part.size} bytes of {total}")


def _total(response: httpx2.Response) -> int | None:
    """Return the size of the whole file in bytes, None if the server does not send it."""
    if match := re.search(r"/(\d+)$", response.headers.get("Content-Range", "")):
        return int(match[1])
    length = response.headers.get("Content-Length", "")
    return int(length) if response.status_code == HTTPStatus.OK and length.isdecimal() else None


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"responded with status {error.response.status_code}"
    if isinstance(error, httpx2.TimeoutException):
        return "did not respond in time"
    if isinstance(error, httpx2.ConnectError):
        return "could not be reached"
    return f"failed: {error or type(error).__name__}"
