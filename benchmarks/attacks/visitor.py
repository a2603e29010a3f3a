"""A visitor of a server under attack, in a process of its own: sends a digit ten times a second.

    python -m benchmarks.attacks.visitor URL PICTURE

Ends when its standard input is closed, and prints the seconds of each prediction and the number of failures as JSON.
"""

import json
import sys
import threading
import time
from pathlib import Path

import httpx2

ADDRESS = "127.0.0.2"  # not that of the attacks: the server tells callers apart by their addresses
HEADERS = {"Connection": "close"}
PAUSE_S = 0.1
TIMEOUT_S = 100.0


def main(url: str, picture: Path) -> None:
    """Visit until standard input is closed."""
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    data, seconds, failures = picture.read_bytes(), [], 0
    transport = httpx2.HTTPTransport(local_address=ADDRESS)
    with httpx2.Client(base_url=url, timeout=TIMEOUT_S, headers=HEADERS, transport=transport) as client:
        while not ended.wait(PAUSE_S):
            started = time.perf_counter()
            try:
                failures += client.post("/predict", files={"file": ("a.png", data)}).status_code != 200
            except httpx2.HTTPError:
                failures += 1
            seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": seconds, "failures": failures}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
