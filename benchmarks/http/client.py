"""The client: `wrk`, which sends pictures as multipart forms over a number of connections."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import VistazoError

SCRIPT = Path(__file__).with_name("client.lua")
BOUNDARY = "vistazo"  # as in the script
TIMEOUT_S = 30  # of one request: slow servers queue many


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one run of the client.

    The latencies include wrk's correction for coordinated omission: a request that takes more than twice the mean
    counts several times, as the requests that would have been sent meanwhile.
    """

    requests: int  # with a response, also those that were refused
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int  # responses with a status of 400 or more
    broken: int  # connections that failed, and requests without a response in time
    client_cpu_s: float

    @property
    def served(self) -> int:
        """The number of requests that got a prediction."""
        return self.requests - self.refused


def find_wrk() -> str:
    """Return the path of the program. Raises VistazoError."""
    program = shutil.which("wrk")
    if program is None:
        raise VistazoError("wrk is not installed: install it, on Debian and Ubuntu with apt-get install wrk")
    return program


def write_bodies(pictures: Sequence[Path], directory: Path) -> list[Path]:
    """Write a form for each picture, and return the files."""
    paths = [directory / f"{number}.form" for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        header = f'Content-Disposition: form-data; name="file"; filename="{picture.name}"\r\n'
        kind = f"Content-Type: image/{'png' if picture.suffix == '.png' else 'jpeg'}\r\n\r\n"
        start, end = f"--{BOUNDARY}\r\n{header}{kind}".encode(), f"\r\n--{BOUNDARY}--\r\n".encode()
        path.write_bytes(start + picture.read_bytes() + end)
    return paths


def send(url: str, bodies: Sequence[Path], clients: int, seconds: int) -> Load:
    """Send the bodies in turns over `clients` connections for some seconds. Raises VistazoError when wrk fails."""
    options = (f"-c{clients}", f"-d{seconds}s", f"--timeout={TIMEOUT_S}s", f"--script={SCRIPT}")
    before = _cpu_s()
    done = subprocess.run(
        [find_wrk(), "-t1", *options, url, "--", *map(str, bodies)], capture_output=True, text=True, check=False
    )
    return parse(done.stdout + done.stderr, _cpu_s() - before)


def parse(output: str, client_cpu_s: float) -> Load:
    """Parse the output of wrk with the script. Raises VistazoError."""
    lines = output.splitlines()
    found = next((line for line in lines if line.startswith("{")), None)
    if found is None:
        raise VistazoError(f"wrk failed: {lines[-1] if lines else 'it printed nothing'}")
    return Load(**json.loads(found), client_cpu_s=client_cpu_s)


def _cpu_s() -> float:
    """Return the processor time of the programs that this process has run and waited for."""
    import resource  # noqa: PLC0415  (Windows does not have it, and shows the help of the benchmark)

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
