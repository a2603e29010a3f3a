"""How long a network takes for a picture, beside others in the same process."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bundle import MODEL_NAME
from models.engines.litert import LiteRTEngine
from train.exported_model import ExportedModel
from train.manifest import Row, read_picture

TIMED = 200  # pictures that each network is timed on
WARM_UP = 10  # more before them, not counted


def latencies_ms(subjects: Sequence[ExportedModel], task_dir: Path, rows: Sequence[Row]) -> list[float]:
    """Milliseconds that each LiteRT network takes for a picture of `rows` on one thread: the median.

    The networks take turns on every picture, so that whatever else the machine does slows all of them alike.
    """
    engines = [LiteRTEngine(subject.bundle / MODEL_NAME, workers=1) for subject in subjects]
    prepared = [_some_pixels(subject, task_dir, rows) for subject in subjects]
    spent: list[list[float]] = [[] for _ in subjects]
    for turn in range(WARM_UP + TIMED):
        for place in range(len(subjects)):
            which = (turn + place) % len(subjects)  # each is as often the first
            picture = prepared[which][turn % len(prepared[which])]
            started = time.perf_counter()
            engines[which].infer(picture)
            spent[which].append(time.perf_counter() - started)
    return [1000 * statistics.median(times[WARM_UP:]) for times in spent]


def _some_pixels(subject: ExportedModel, task_dir: Path, rows: Sequence[Row]) -> list[NDArray[np.uint8]]:
    """Pictures from all over the split, as the network takes them."""
    chosen = rows[:: max(1, len(rows) // TIMED)]
    prepared = (subject.classifier.prepare(read_picture(task_dir, row.path)).pixels for row in chosen)
    return [pixels for pixels in prepared if pixels is not None]
