"""LiteRT engine for CPUs: a pool of interpreters, because one interpreter serves one thread at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.engines.engine import Outputs
from models.errors import BundleError

INPUT_NAME = "pixels"
OUTPUT_NAMES = ("logits", "features", "feature_map")


class LiteRTEngine:
    """An `Engine` with `interpreters` copies of the network, one thread each.

    Several one-thread interpreters have a higher throughput than one interpreter with several threads. The pictures of
    a batch run one after another: on a CPU a larger batch is not faster, and each picture gets the same outputs in a
    batch as alone, bit for bit.
    """

    name = "litert"

    def __init__(self, network: Path | bytes, interpreters: int) -> None:
        self._name = str(network) if isinstance(network, Path) else "the network"
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(interpreters):
            run = _load(network)
            self._input_shape = tuple(int(side) for side in run.get_input_details()[INPUT_NAME]["shape"][1:])
            self._idle.put(run)

    def infer(self, batch: NDArray[np.uint8]) -> Outputs:
        """Run a batch, `(B, H, W, C)` uint8 with B ≥ 1, on the next free interpreter.

        Raises BundleError for pictures of another shape than the network's input: LiteRT would adapt the network.
        """
        if batch.shape[1:] != self._input_shape:
            given, expected = (" x ".join(map(str, shape)) for shape in (batch.shape[1:], self._input_shape))
            raise BundleError(f"{self._name} takes pictures of {expected}, not of {given}: export the bundle again")
        with self._borrowed() as run:
            outputs = [run(**{INPUT_NAME: pixels[np.newaxis].astype(np.float32)}) for pixels in batch]
        return Outputs(*(np.concatenate([output[name] for output in outputs]) for name in OUTPUT_NAMES))

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        run = self._idle.get()
        try:
            yield run
        finally:
            self._idle.put(run)


def _load(network: Path | bytes) -> Any:
    path = network if isinstance(network, Path) else "the network"
    content = {"model_path": str(network)} if isinstance(network, Path) else {"model_content": network}
    try:
        interpreter = Interpreter(**content, num_threads=1)
        interpreter.allocate_tensors()
        signature = interpreter.get_signature_list()["serving_default"]
    except Exception as error:  # the parser of a damaged file fails in many ways
        raise BundleError(f"{path} is not a LiteRT model of Vistazo: export the bundle again") from error
    if signature["inputs"] != [INPUT_NAME] or set(signature["outputs"]) != set(OUTPUT_NAMES):
        found, expected = (signature["inputs"], signature["outputs"]), ([INPUT_NAME], list(OUTPUT_NAMES))
        raise BundleError(f"{path} has the inputs and outputs {found}, expected {expected}: export the bundle again")
    return interpreter.get_signature_runner("serving_default")
