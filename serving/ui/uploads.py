"""The pictures that visitors upload to the page: in a folder of this server's own, for minutes, within bounds.

Gradio's own route writes a body to disk while it arrives and leaves the file there when the request is cut off. Here
the body stays in memory until it is complete, and the folder is emptied at the start: after a crash too nothing stays.
"""

import asyncio
import hashlib
import os
import shutil
import tempfile
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastapi import FastAPI, Request
from gradio.routes import file_upload_statuses
from gradio_client.utils import strip_invalid_filename_characters
from starlette.responses import JSONResponse

from serving.api.upload import read_files
from serving.errors import Busy

FIELD = "files"
MAX_NAME = 60  # characters, of at most four bytes each: file systems take 255
AGE_S = 120  # a visitor may want the same picture classified again
TOTAL_BYTES = 1_000_000_000
VISITOR_BYTES = 200_000_000  # beyond it, the oldest pictures of the same visitor go


@dataclass(frozen=True, slots=True)
class _Stored:
    size: int
    visitor: str
    time: float


class UploadFolder:
    """A folder with the uploads of the last `AGE_S` seconds."""

    def __init__(self, directory: Path, total_bytes: int = TOTAL_BYTES, visitor_bytes: int = VISITOR_BYTES) -> None:
        self.directory = directory
        self._total_bytes = total_bytes
        self._visitor_bytes = visitor_bytes
        self._stored: OrderedDict[Path, _Stored] = OrderedDict()  # oldest first

    def store(self, name: str, data: bytes, visitor: str) -> Path:
        """Write a picture and return its path, which Gradio's components accept. Raises Busy when there is no room."""
        self.sweep()
        self._make_room(len(data), visitor)
        # Gradio names the folder of a file so, and would otherwise copy it into such a folder.
        path = self.directory / hashlib.sha256(data).hexdigest() / _file_name(name)
        if path.exists() and path not in self._stored:
            return path  # an example of the page: not ours to delete
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._stored.pop(path, None)
        self._stored[path] = _Stored(len(data), visitor, time.monotonic())
        return path

    def sweep(self) -> None:
        """Delete what is too old."""
        oldest = time.monotonic() - AGE_S
        for path in [path for path, stored in self._stored.items() if stored.time < oldest]:
            self._delete(path)

    def _make_room(self, size: int, visitor: str) -> None:
        own = [path for path, stored in self._stored.items() if stored.visitor == visitor]
        used = sum(self._stored[path].size for path in own)
        for path in own:
            if used + size <= self._visitor_bytes:
                break
            used -= self._stored[path].size
            self._delete(path)
        if size + sum(stored.size for stored in self._stored.values()) > self._total_bytes:
            raise Busy

    def _delete(self, path: Path) -> None:
        del self._stored[path]
        path.unlink(missing_ok=True)
        if not any(other.parent == path.parent for other in self._stored):
            shutil.rmtree(path.parent, ignore_errors=True)


def prepare_directory(port: int) -> Path:
    """Return an empty folder for the uploads of the server on `port`, readable by its user only.

    One folder a port: two servers on a machine do not empty each other's. Gradio uses it from now on.
    """
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    directory = Path(tempfile.gettempdir()) / f"vistazo-{user}-{port}"
    shutil.rmtree(directory, ignore_errors=True)
    try:
        directory.mkdir(mode=0o700)
    except OSError:  # somebody else's, which we cannot empty
        directory = Path(tempfile.mkdtemp(prefix="vistazo-"))
    directory = directory.resolve()
    os.environ["GRADIO_TEMP_DIR"] = str(directory)
    return directory


def add_route(app: FastAPI, folder: UploadFolder, max_bytes: int, remember: set[str]) -> None:
    """Add the route that the page uploads to, in place of Gradio's. `remember` is Gradio's set of known uploads."""

    @app.post("/gradio_api/upload", include_in_schema=False)
    async def upload(request: Request, upload_id: str = "") -> JSONResponse:
        visitor = request.client.host if request.client else ""
        if upload_id:
            file_upload_statuses.track(upload_id)
        try:
            paths = []
            for name, data in await read_files(request, FIELD, max_bytes):
                path = await asyncio.to_thread(folder.store, name, data, visitor)
                paths.append(str(path))
        finally:
            if upload_id:
                file_upload_statuses.set_done(upload_id)
        remember.update(paths)
        return JSONResponse(paths)


def _file_name(name: str) -> str:
    """Return the last part of a client's file name, without what file systems do not bear."""
    last = strip_invalid_filename_characters(PurePosixPath(name.replace("\\", "/")).name)
    return last[-MAX_NAME:].strip(". ") or "file"
