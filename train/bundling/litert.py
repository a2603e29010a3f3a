"""Convert a Keras network to `model.tflite`, with float16 weights where the outputs stay the same."""

import contextlib
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_quantizer import qtyping, quantizer
from ai_edge_quantizer.utils import tfl_flatbuffer_utils
from numpy.typing import NDArray

from models.classifier import softmax
from models.cores import available_cores
from models.engines.litert import OUTPUT_NAMES, LiteRTEngine
from train.errors import ExportError

TOLERANCE = 1e-3  # largest accepted difference of a probability to Keras
# Kernels with at least this number of weights become float16. The first value that passes the check is used; None
# keeps all weights float32. Rounding does most harm in the small kernels of the first layers, and these save few bytes.
FLOAT16_MIN_WEIGHTS = (0, 2**16, None)
FLOAT16_LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def convert(network: keras.Model, pixels: NDArray[np.uint8], path: Path) -> LiteRTEngine:
    """Write the network to `path`, check it against Keras on `pixels` (N, H, W, C), and return it loaded.

    Raises ExportError when a probability differs by `TOLERANCE` or more, or when a predicted label differs.
    """
    expected = softmax(network.predict(pixels.astype(np.float32), verbose=0))
    difference = float("inf")
    with tempfile.TemporaryDirectory() as temporary:
        float32 = Path(temporary) / "float32.tflite"
        _write(network, float32)
        for min_weights in FLOAT16_MIN_WEIGHTS:
            path.write_bytes(float32.read_bytes() if min_weights is None else _with_float16(float32, min_weights))
            engine = LiteRTEngine(path, available_cores())
            found = softmax(np.concatenate([engine.infer(picture[np.newaxis]).logits for picture in pixels]))
            difference = float(np.abs(found - expected).max())
            if difference < TOLERANCE and bool(np.all(found.argmax(1) == expected.argmax(1))):
                return engine
    raise ExportError(
        f"the probabilities of LiteRT and Keras differ by up to {difference:.1e} (accepted: {TOLERANCE:.1e}): report "
        "this with the recipe"
    )


def _write(network: keras.Model, path: Path) -> None:
    # A fixed name: Keras numbers its models, and the second export of a network would have different bytes.
    outputs = {name: network.get_layer(name).output for name in OUTPUT_NAMES}
    exported = keras.Model(network.inputs, outputs, name="network")
    # One picture at a time, because LiteRT plans its memory for fixed shapes.
    signature = [tf.TensorSpec((1, *network.input_shape[1:]), tf.float32, name="pixels")]
    exported.export(str(path), format="litert", verbose=False, input_signature=signature)


def _with_float16(path: Path, min_weights: int) -> bytes:
    """Return the network with float16 kernels in layers of at least `min_weights` weights. Arithmetic is float32."""
    float16 = qtyping.OpQuantizationConfig(
        weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
        compute_precision=qtyping.ComputePrecision.FLOAT,
    )
    layers = list(_large_layers(path, min_weights))
    if not layers:  # the quantizer refuses an empty recipe
        return path.read_bytes()
    rewriter = quantizer.Quantizer(str(path))
    for layer, output in layers:
        rewriter.update_quantization_recipe(
            regex=re.escape(output),
            operation_name=layer,
            op_config=float16,
            algorithm_key="float_casting",
        )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a report of sizes
        return bytes(rewriter.quantize().quantized_model)


def _large_layers(path: Path, min_weights: int) -> Iterator[tuple[Any, str]]:
    """Yield type and output name of the layers whose kernel has at least `min_weights` weights."""
    model = tfl_flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    for operator in graph.operators:
        layer = tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME.get(model.operatorCodes[operator.opcodeIndex].builtinCode)
        if layer in FLOAT16_LAYERS and np.prod(graph.tensors[operator.inputs[1]].shape) >= min_weights:
            yield layer, graph.tensors[operator.outputs[0]].name.decode()
