"""The same work for many items: on as many threads as there are cores, with a progress bar on the standard error."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from models.cores import available_cores

T = TypeVar("T")
R = TypeVar("R")


def parallel_map(function: Callable[[T], R], items: Sequence[T], description: str) -> Iterator[R]:
    """What `function` gives for each item, in their order."""
    with ThreadPoolExecutor(available_cores()) as pool:
        yield from track(pool.map(function, items), description, len(items), console=Console(stderr=True))
