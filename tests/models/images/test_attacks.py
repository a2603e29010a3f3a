"""Small pictures that cost an unprotected decoder gigabytes, minutes or a full log cost a bounded amount here.

Each picture is decoded in a process whose address space may grow by a limit, and whose processor time is limited.
"""

import subprocess
import sys

import pytest

from benchmarks.attacks.pictures import ATTACKS, LARGE
from tests.helpers.project import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of a process are Linux's")

DECODE = """
import resource, sys
from models.errors import PictureError
from models.images.decoding import decode

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

data = sys.stdin.buffer.read()
before = memory("VmSize")
resource.setrlimit(resource.RLIMIT_AS, (before + int(sys.argv[1]),) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (4, 4))  # seconds
try:
    result = "x".join(map(str, decode(data).shape))
except PictureError as error:
    result = error.code
print(result, memory("VmPeak") - before)
"""

PLAIN = "16x16x3"  # the picture under the attack, decoded without what is wrong
RESULTS = {
    "EXIF bomb, PNG": PLAIN,
    "EXIF bomb, WebP": PLAIN,
    "EXIF bomb, TIFF": "unreadable_image",
    "EXIF bomb, TIFF, nested": PLAIN,
    "EXIF bomb, JPEG": PLAIN,
    "MPF bomb, JPEG": PLAIN,
    "TIFF, large tile": "unreadable_image",
    "TIFF, 2 million strips": "unreadable_image",
    "TIFF, fax": "unreadable_image",
    "TIFF, LZMA": "unreadable_image",
    "JPEG, thousands of scans": "unreadable_image",
    "JPEG, padding": PLAIN,
    "BMP, run-length": "unreadable_image",
    "GIF, comments": PLAIN,
    "GIF, disposal": "too_many_pixels",
    "APNG, disposal": "too_many_pixels",
    "PNG, one column": "too_much_memory",
    "WebP, 268 megapixels": "too_many_pixels",
}


def decode_limited(data: bytes, limit: int) -> tuple[str, int]:
    """The result of decoding in a process that may take so many bytes more, and the bytes that it took."""
    command = [sys.executable, "-c", DECODE, str(limit)]
    done = subprocess.run(command, input=data, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    result, taken = done.stdout.split()
    return result.decode(), int(taken)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_small_picture_costs_little_memory_and_time_and_writes_nothing(name: str) -> None:
    result, taken = decode_limited(ATTACKS[name](), limit=3_000_000_000)
    assert result == RESULTS[name]
    assert taken < 60_000_000  # three times the largest file


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_pictures_of_every_mode_fit_into_a_worker(name: str) -> None:
    limit = 850_000_000 if name.startswith("WebP") else 620_000_000
    assert decode_limited(LARGE[name](), limit)[0] == "7071x7071x3"


def test_memory_that_is_missing_is_the_pictures_fault_and_not_a_crash() -> None:
    assert decode_limited(LARGE["PNG RGBA"](), limit=100_000_000)[0] == "too_much_memory"
