"""Apply a function to many items in threads, with a progress bar."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from models.cores import available_cores

T = TypeVar("T")
R = TypeVar("R")


def parallel_map(function: Callable[[T], R], items: Sequence[T], description: str) -> Iterator[R]:
    """Yield `function(item)` for each item, in order. One thread per core; the bar is on the standard error."""
    with ThreadPoolExecutor(available_cores()) as pool:
        yield from track(pool.map(function, items), description, len(items), console=Console(stderr=True))
