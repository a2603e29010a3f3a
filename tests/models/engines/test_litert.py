"""The LiteRT engine keeps the promises of the `Engine` protocol."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from models import bundle
from models.catalog import BUNDLED, TASKS
from models.engines.engine import Engine
from models.engines.litert import LiteRTEngine
from models.errors import BundleError


def engine_of(task: str) -> Engine:
    return LiteRTEngine(BUNDLED / task / bundle.MODEL_NAME, interpreters=2)


def random_batch(task: str, size: int) -> np.ndarray:
    expected = bundle.load(BUNDLED / task).input
    shape = (size, expected.height, expected.width, expected.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("task", TASKS)
def test_outputs_have_the_documented_shapes(task: str) -> None:
    labels = len(bundle.load(BUNDLED / task).labels)
    outputs = engine_of(task).infer(random_batch(task, 3))
    assert outputs.logits.shape == (3, labels)
    assert outputs.features.shape[0] == outputs.feature_map.shape[0] == 3
    assert outputs.feature_map.shape[3] == outputs.features.shape[1]
    assert {outputs.logits.dtype, outputs.features.dtype, outputs.feature_map.dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize("task", TASKS)
def test_a_picture_has_the_same_outputs_in_a_batch_as_alone(task: str) -> None:
    engine, batch = engine_of(task), random_batch(task, 4)
    together = engine.infer(batch)
    for row, pixels in enumerate(batch):
        alone = engine.infer(pixels[np.newaxis])
        assert np.array_equal(together.logits[row], alone.logits[0])
        assert np.array_equal(together.features[row], alone.features[0])
        assert np.array_equal(together.feature_map[row], alone.feature_map[0])


def test_threads_do_not_mix_their_outputs() -> None:
    engine, batch = engine_of("digit"), random_batch("digit", 8)
    expected = engine.infer(batch).logits
    with ThreadPoolExecutor(8) as pool:
        rows = pool.map(lambda row: engine.infer(batch[row : row + 1]).logits[0], list(range(8)) * 10)
    assert all(np.array_equal(logits, expected[index % 8]) for index, logits in enumerate(rows))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / bundle.MODEL_NAME
    path.write_bytes(b"TFL3 but not a network")
    with pytest.raises(BundleError, match="is not a LiteRT model of Vistazo"):
        LiteRTEngine(path, interpreters=1)
