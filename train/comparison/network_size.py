"""Count the weights of a network."""

from pathlib import Path

import numpy as np
from ai_edge_litert.schema_py_generated import TensorType
from ai_edge_quantizer.utils import tfl_flatbuffer_utils


def count_weights(path: Path) -> int:
    """Return the number of weights in a LiteRT file. Batch norms are already folded into the kernels and biases."""
    model = tfl_flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    constants = (tensor for tensor in graph.tensors if model.buffers[tensor.buffer].data is not None)
    # Integers are shapes, and scalars are constants of the preprocessing.
    return sum(
        int(np.prod(tensor.shape))
        for tensor in constants
        if tensor.type in (TensorType.FLOAT32, TensorType.FLOAT16) and len(tensor.shape) > 0
    )
