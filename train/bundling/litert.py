"""From a Keras network to `model.tflite`, with as many float16 weights as its answers bear."""

import contextlib
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from models.classifier import default_workers, softmax
from models.engines.litert import OUTPUTS, LiteRTEngine
from train.errors import ExportError

TOLERANCE = 1e-3  # of any probability, against Keras
# Kernels of at least so many weights become float16; the first that passes the check is taken. Rounding hurts most in
# the small kernels of the first layers, through which everything passes, and they are few bytes.
SMALLEST_HALVED = (0, 2**16, None)
LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def convert(network: keras.Model, pixels: NDArray[np.uint8], path: Path) -> LiteRTEngine:
    """Write the network to `path` and return it loaded; it has answered as Keras does on `pixels`, (N, H, W, C).

    Raises ExportError when any probability differs by `TOLERANCE` or any label at all.
    """
    expected = softmax(network.predict(pixels.astype(np.float32), verbose=0))
    difference = float("inf")
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "float32.tflite"
        _write(network, whole)
        for smallest in SMALLEST_HALVED:
            path.write_bytes(whole.read_bytes() if smallest is None else _halved(whole, smallest))
            engine = LiteRTEngine(path, default_workers())
            found = softmax(np.stack([engine.infer(picture).logits for picture in pixels]))
            difference = float(np.abs(found - expected).max())
            if difference < TOLERANCE and bool(np.all(found.argmax(1) == expected.argmax(1))):
                return engine
    raise ExportError(f"LiteRT answers differ from Keras' by up to {difference:.1e}: report this with the recipe")


def _write(network: keras.Model, path: Path) -> None:
    import tensorflow as tf  # noqa: PLC0415 (seconds, and only export needs it)

    # Named, or Keras would count its models and the same network would give another file the second time.
    outputs = {name: network.get_layer(name).output for name in OUTPUTS}
    tapped = keras.Model(network.inputs, outputs, name="network")
    # One picture at a time: LiteRT plans its memory for fixed shapes.
    signature = [tf.TensorSpec((1, *network.input_shape[1:]), tf.float32, name="pixels")]
    tapped.export(str(path), format="litert", verbose=False, input_signature=signature)


def _halved(whole: Path, smallest: int) -> bytes:
    """The network with float16 kernels where these have at least `smallest` weights; arithmetic stays float32."""
    from ai_edge_quantizer import qtyping, quantizer  # noqa: PLC0415 (as above)

    half = qtyping.OpQuantizationConfig(
        weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
        compute_precision=qtyping.ComputePrecision.FLOAT,
    )
    rewriting = quantizer.Quantizer(str(whole))
    for layer, output in _layers_with(whole, smallest):
        rewriting.update_quantization_recipe(
            regex=re.escape(output),
            operation_name=layer,
            op_config=half,
            algorithm_key="float_casting",
        )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a report of sizes
        return bytes(rewriting.quantize().quantized_model)


def _layers_with(path: Path, smallest: int) -> Iterator[tuple[Any, str]]:
    """Kind and output of the layers whose kernel has at least `smallest` weights."""
    from ai_edge_quantizer.utils import tfl_flatbuffer_utils  # noqa: PLC0415 (as above)

    model = tfl_flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    for operator in graph.operators:
        layer = tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME.get(model.operatorCodes[operator.opcodeIndex].builtinCode)
        if layer in LAYERS and np.prod(graph.tensors[operator.inputs[1]].shape) >= smallest:
            yield layer, graph.tensors[operator.outputs[0]].name.decode()
