"""Attack a server with pictures and requests that are small and cost much, and print what happened.

    python -m benchmarks.resilience [--checkout DIRECTORY] [--only WORD]

Starts `app.py` of the checkout anew for each attack. Meanwhile another visitor sends a digit ten times a second. The
table has the memory of all processes of the server (proportional set size: before, at its peak, one second after), the
statuses of the attack and the seconds until its last response, the slowest prediction of the visitor and how many
failed, the size of the log, and the seconds that the server needed to end after SIGTERM with its exit code.
"""

import argparse
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.attacks import pictures
from benchmarks.attacks.server import ROOT, Server, running, watched
from models.cores import available_cores
from models.errors import VistazoError
from serving.samples import example_pictures

LIMIT_S = 100.0  # for the responses of one attack
HEADER = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n"
PART = b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
COLUMNS = (
    "attack",
    "memory MB before / peak / after",
    "responses",
    "last after s",
    "visitor: slowest s",
    "failed",
    "log kB",
    "stop s (code)",
)


@dataclass(frozen=True, slots=True)
class Attack:
    """A name, and the function that carries it out and returns the statuses of its responses."""

    name: str
    run: Callable[[Server], Counter[str]]
    settings: dict[str, str] | None = None


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the version to attack (default: this one)")
    parser.add_argument("--only", default="", help="only attacks whose name has this word")
    arguments = parser.parse_args()
    chosen = [attack for attack in attacks() if arguments.only.lower() in attack.name.lower()]
    print(f"{platform.processor() or platform.machine()}, {available_cores()} cores, {platform.platform()}\n")
    print(_row(COLUMNS), _row(["---"] * len(COLUMNS)), sep="\n", flush=True)
    try:
        for attack in chosen:
            print(_row(carry_out(attack, arguments.checkout.resolve())), flush=True)
    except VistazoError as error:
        sys.exit(f"error: {error}")


def attacks() -> list[Attack]:
    """Return all attacks."""
    bombs = [Attack(f"{name}, 4 at once", _sending(make, 4)) for name, make in pictures.ATTACKS.items()]
    large = [Attack(f"50 megapixels: {name}, 4 at once", _sending(make, 4)) for name, make in pictures.LARGE.items()]
    return [
        *bombs,
        *large,
        Attack("40 JPEGs of 50 megapixels at once", _sending(_large_photograph, 40)),
        Attack("100 bodies of 19 MB that do not end", _held_bodies),
        Attack("200 headers of a byte a second", _slow_headers),
        Attack("200 bodies of a byte a second", _slow_bodies),
        Attack("20 uploads to the page that are cut off", _cut_uploads),
        Attack("20 event streams open at the stop", _open_streams),
    ]


def carry_out(attack: Attack, checkout: Path) -> list[str]:
    """Carry out one attack on a new server and return the row of the table."""
    with running(checkout) as server:
        with watched(server, example_pictures("digit")[0].resolve()) as watch:
            started = time.perf_counter()
            statuses = attack.run(server)
            took_s = time.perf_counter() - started
        log_kb = server.log.stat().st_size / 1000
        stop_s, code = server.stop()
    memory = (watch.memory_before_mb, watch.memory_peak_mb, watch.memory_after_mb)
    return [
        attack.name,
        " / ".join(f"{value:,.0f}" for value in memory),
        ", ".join(f"{count} x {status}" for status, count in statuses.most_common()),
        f"{took_s:.1f}",
        f"{max(watch.visitor_s, default=0):.2f}",
        f"{watch.visitor_failures} of {len(watch.visitor_s)}",
        f"{log_kb:,.0f}",
        f"{stop_s:.1f} ({'killed' if code is None else code})",
    ]


def _sending(make: Callable[[], bytes], count: int) -> Callable[[Server], Counter[str]]:
    """Return an attack that sends the same picture several times at once."""

    def send(server: Server) -> Counter[str]:
        data = make()

        def one(_: int) -> str:
            try:
                response = httpx2.post(f"{server.url}/predict/flower", files={"file": ("a.png", data)}, timeout=LIMIT_S)
            except httpx2.HTTPError as error:
                return type(error).__name__
            return f"{response.status_code} {response.json().get('code', '')}".strip()

        with ThreadPoolExecutor(count) as threads:
            return Counter(threads.map(one, range(count)))

    return send


def _large_photograph() -> bytes:
    return pictures.large_photograph()


def _held_bodies(server: Server) -> Counter[str]:
    """Send 19 MB of 19.5 MB on each of 100 connections, and wait for the server to close them."""
    body = PART + bytes(19_000_000)
    return _held(server, 100, HEADER % 19_500_000 + body, LIMIT_S, drip=b"")


def _slow_headers(server: Server) -> Counter[str]:
    return _held(server, 200, b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Slow: ", 30.0, drip=b"a")


def _slow_bodies(server: Server) -> Counter[str]:
    return _held(server, 200, HEADER % 100_000 + PART, 75.0, drip=b"a")


def _held(server: Server, count: int, start: bytes, limit_s: float, drip: bytes) -> Counter[str]:
    """Open connections that begin a request and never end it, and count how many the server closed."""
    statuses: Counter[str] = Counter()
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(server.connect())
            connection.settimeout(5)
            try:
                connection.sendall(start)
            except OSError:
                statuses["refused while sending"] += 1
                continue
            connection.setblocking(False)
            connections.append(connection)
        deadline = time.monotonic() + limit_s
        while connections and time.monotonic() < deadline:
            for connection in list(connections):
                status = _status(connection, drip)
                if status is not None:
                    statuses[status] += 1
                    connections.remove(connection)
            time.sleep(1)
        statuses["never closed"] += len(connections)
    return +statuses


def _status(connection: Any, drip: bytes) -> str | None:
    """Return the status that the server sent before it closed a connection, or None while it is open."""
    with suppress(BlockingIOError):
        try:
            received = connection.recv(4096)
        except ConnectionError:
            return "reset"
        return received.split()[1].decode("ascii") if received else "closed"
    if drip:
        with suppress(OSError):
            connection.send(drip)
    return None


def _cut_uploads(server: Server) -> Counter[str]:
    """Cut off 20 uploads of 19 MB to the page, kill the server, and count the bytes that are left on disk."""
    head = HEADER.replace(b"/predict", b"/gradio_api/upload") % 19_500_000 + PART.replace(b'"file"', b'"files"')
    for _ in range(20):
        with server.connect() as connection, suppress(OSError):
            connection.sendall(head + bytes(19_000_000))
    time.sleep(2)
    left = sum(path.stat().st_size for path in server.temporary.rglob("*") if path.is_file())
    return Counter({f"{left / 1e6:.0f} MB left on disk": 1})


def _open_streams(server: Server) -> Counter[str]:
    """Open event streams as pages do; they stay open while the server is stopped."""
    for number in range(20):
        connection = server.connect()
        connection.sendall(b"GET /gradio_api/heartbeat/%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        _STREAMS.append(connection)
    return Counter({"open": 20})


_STREAMS: list[Any] = []  # until the process ends


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
