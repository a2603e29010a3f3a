"""A web server that serves files from memory, and that can misbehave."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """The files of the server and its behaviour."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True  # whether it knows Range
    versions: bool = True  # whether it names the version (ETag)
    cut_after: int | None = None  # bytes after which it drops the connection
    pause_after: int | None = None  # bytes after which it waits for `resume`
    resume: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)  # the Range of each request, "" where there was none
    url: str = ""

    def etag(self, name: str) -> str:
        """The version of the file, as the server names it."""
        return f'"{hashlib.sha256(self.files[name]).hexdigest()}"'


class _Server(ThreadingHTTPServer):
    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        site, name = self.server.site, self.path.lstrip("/")
        asked = self.headers.get("Range", "")
        site.asked.append(asked)
        if name not in site.files:
            self.send_error(404)
            return
        content, start = site.files[name], 0
        if asked and site.ranges and self.headers.get("If-Range", site.etag(name)) == site.etag(name):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start < len(content) else 416)
            span = f"{start}-{len(content) - 1}" if start < len(content) else "*"
            self.send_header("Content-Range", f"bytes {span}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        if site.versions:
            self.send_header("ETag", site.etag(name))
        self.end_headers()
        if site.pause_after is not None:
            self.wfile.write(body[: site.pause_after])
            self.wfile.flush()
            site.resume.wait(timeout=60)
            body = body[site.pause_after :]
        self.wfile.write(body if site.cut_after is None else body[: site.cut_after])

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@contextmanager
def serving() -> Iterator[Site]:
    """Serve a site, empty at first, at `site.url` on this machine."""
    site = Site()
    server = _Server(site)
    site.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.resume.set()
    server.shutdown()
    server.server_close()
    thread.join()
