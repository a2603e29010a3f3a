"""Inference time per picture, measured for several networks in one process."""

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

TIMED_PICTURES = 200
WARM_UP_PICTURES = 10  # before them, not counted


def latencies_ms(models: Sequence[ExportedModel], task_dir: Path, rows: Sequence[Row]) -> list[float]:
    """Return the median milliseconds per picture of each LiteRT network, on one thread, without preprocessing.

    The networks take turns on every picture, so that other load on the machine slows down all of them alike.
    """
    engines = [LiteRTEngine(model.bundle / MODEL_NAME, interpreters=1) for model in models]
    inputs = [_sample_inputs(model, task_dir, rows) for model in models]
    seconds: list[list[float]] = [[] for _ in models]
    for turn in range(WARM_UP_PICTURES + TIMED_PICTURES):
        for offset in range(len(models)):
            index = (turn + offset) % len(models)  # every network goes first equally often
            pixels = inputs[index][turn % len(inputs[index])][np.newaxis]
            started = time.perf_counter()
            engines[index].infer(pixels)
            seconds[index].append(time.perf_counter() - started)
    return [1000 * statistics.median(times[WARM_UP_PICTURES:]) for times in seconds]


def _sample_inputs(model: ExportedModel, task_dir: Path, rows: Sequence[Row]) -> list[NDArray[np.uint8]]:
    """Return preprocessed pictures `(H, W, C)` from the whole split, without those that preprocessing rejects."""
    sample = rows[:: max(1, len(rows) // TIMED_PICTURES)]
    prepared = (model.classifier.prepare(read_picture(task_dir, row.path)).pixels for row in sample)
    return [pixels for pixels in prepared if pixels is not None]
