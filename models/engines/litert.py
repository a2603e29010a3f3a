"""Runs a LiteRT network: a pool of interpreters, since one interpreter serves one thread at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.errors import BundleError

OUTPUTS = ("logits", "features", "feature_map")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What one inference gives: `logits` (K,), pooled `features` (D,), last `feature_map` (h, w, D), float32."""

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    feature_map: NDArray[np.float32]


class LiteRTEngine:
    """A network and `workers` interpreters of it, one thread each; `infer` may be called from any thread.

    One-thread interpreters side by side give more throughput than one interpreter with several threads.
    """

    name = "litert"

    def __init__(self, path: Path, workers: int) -> None:
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(workers):
            self._idle.put(_runner(path))

    def infer(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Run one picture, `(H, W, C)` uint8, waiting for a free interpreter."""
        with self._borrowed() as runner:
            outputs = runner(pixels=pixels[np.newaxis].astype(np.float32))
        return Outputs(*(outputs[name][0] for name in OUTPUTS))

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        runner = self._idle.get()
        try:
            yield runner
        finally:
            self._idle.put(runner)


def _runner(path: Path) -> Any:
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
        signature = interpreter.get_signature_list()["serving_default"]
    except (ValueError, RuntimeError, KeyError) as error:
        raise BundleError(f"{path} is not a LiteRT model of ours: export the bundle again") from error
    if set(signature["outputs"]) != set(OUTPUTS):
        raise BundleError(f"{path} gives {signature['outputs']}, expected {list(OUTPUTS)}: export the bundle again")
    return interpreter.get_signature_runner("serving_default")
