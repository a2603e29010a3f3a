import shutil
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import InputSize
from models.classifier import softmax
from train.bundling import litert
from train.errors import ExportError
from train.learning.architectures import build_network

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1), np.uint8)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    network = build_network("mnist_cnn", InputSize(height=28, width=28, channels=1), 10, dropout=0)
    logits = network.get_layer("logits")
    logits.kernel.assign(200 * logits.kernel)  # decided answers, so that rounding shows
    return network


@pytest.fixture(scope="module", autouse=True)
def converted_once(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Convert the network once for all tests: they differ in what is done with the float32 file."""
    converted = tmp_path_factory.mktemp("litert") / "float32.tflite"
    litert._write(network, converted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(litert, "_write", lambda _, path: shutil.copyfile(converted, path))
        yield


def probabilities(network: keras.Model) -> NDArray[np.float64]:
    return softmax(network.predict(PIXELS.astype(np.float32), verbose=0))


def test_the_file_answers_as_the_network_and_is_half_its_size(network: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    engine = litert.convert(network, PIXELS, path)
    answers = softmax(engine.infer(PIXELS).logits)
    np.testing.assert_allclose(answers, probabilities(network), atol=litert.TOLERANCE)
    assert path.stat().st_size < 2.2 * network.count_params(), "two bytes a weight and a little"


def test_weights_stay_float32_where_rounding_would_show(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.tflite"
    litert.convert(network, PIXELS, path)
    halved = path.stat().st_size
    monkeypatch.setattr(litert, "TOLERANCE", 2e-5)
    litert.convert(network, PIXELS, path)
    assert halved < path.stat().st_size


def test_a_network_without_large_kernels_stays_float32(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert, "FLOAT16_MIN_WEIGHTS", (2**30,))
    engine = litert.convert(network, PIXELS, tmp_path / "model.tflite")
    np.testing.assert_allclose(softmax(engine.infer(PIXELS).logits), probabilities(network), atol=1e-5)
    assert (tmp_path / "model.tflite").stat().st_size > 3.9 * network.count_params()


def test_the_features_and_their_map_come_with_the_logits(network: keras.Model, tmp_path: Path) -> None:
    outputs = litert.convert(network, PIXELS, tmp_path / "model.tflite").infer(PIXELS[:1])
    assert outputs.logits.shape == (1, 10)
    assert outputs.feature_map.shape == (1, 7, 7, 128)
    np.testing.assert_allclose(outputs.features, outputs.feature_map.mean((1, 2)), rtol=1e-4, atol=1e-5)


def test_a_file_that_answers_otherwise_is_refused(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert, "TOLERANCE", 0)
    with pytest.raises(ExportError, match="the probabilities of LiteRT and Keras differ by up to"):
        litert.convert(network, PIXELS, tmp_path / "model.tflite")
