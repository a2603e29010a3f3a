import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.helpers.small_task import RECIPE, backbone_in, task_in
from train.learning import precision
from train.learning.architectures import build_network
from train.learning.batches import load_all, picture_loader
from train.learning.training import fit
from train.manifest import class_indices, read_manifest


@pytest.mark.parametrize("arch", ["mnist_cnn", "small"])
def test_the_twin_computes_in_half_precision_and_answers_alike(arch: str, tmp_path: Path) -> None:
    weights = backbone_in(tmp_path) if arch == "small" else None
    network = build_network(arch, RECIPE.input, 10, dropout=0.2, weights=weights)
    twin = precision.to_mixed_precision(network)
    convolution = next(layer for layer in _layers(twin) if isinstance(layer, keras.layers.Conv2D))
    assert convolution.compute_dtype == "bfloat16"
    assert convolution.kernel.dtype == "float32"
    assert twin.get_layer("logits").compute_dtype == "float32"
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 28, 28, 1)).astype(np.float32)
    expected, found = (keras.ops.convert_to_numpy(model(pixels)) for model in (network, twin))
    assert np.abs(found - expected).max() > 0
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())


def _layers(model: keras.Model) -> list[keras.layers.Layer]:
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return [*model.layers, *(deeper for nested in inner for deeper in _layers(nested))]


# Convolutions in float16 take minutes on a CPU, so the larger network is trained in bfloat16 only.
@pytest.mark.parametrize(
    ("policy", "arch", "epochs", "max_loss"),
    [("mixed_bfloat16", "mnist_cnn", {}, 2.0), ("mixed_float16", "small", {"epochs": 12, "head_epochs": 4}, 2.25)],
)
def test_what_is_kept_is_float32(
    policy: str,
    arch: str,
    epochs: dict[str, Any],
    max_loss: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(precision, "mixed_precision_policy", lambda: policy)
    half = dataclasses.replace(RECIPE, mixed_precision=True, arch=arch, ema=0.0, **epochs)
    task_dir = task_in(tmp_path)
    found = fit(half, task_dir, tmp_path / "half", backbone_in(tmp_path) if arch == "small" else None)
    assert found.validation["loss"] < max_loss, "it learnt something: the loss of chance is 2.30"
    assert "on this machine's CPU it is slower" in capsys.readouterr().err
    kept = keras.saving.load_model(tmp_path / "half", compile=False)
    assert {layer.compute_dtype for layer in _layers(kept)} == {"float32"}
    rows = [row for row in read_manifest(task_dir) if row.split == "val"]
    pixels = load_all(picture_loader(task_dir, rows, half), len(rows), "").astype(np.float32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(
        class_indices(rows, tuple(half.labels)), kept(pixels)
    )
    assert float(loss) == pytest.approx(found.validation["loss"], rel=0.02)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4398046511104 bytes."), True),
        (MemoryError(), True),
        (RuntimeError("RESOURCE_EXHAUSTED: /run/events.v2; No space left on device"), False),
        (ValueError("shapes do not fit"), False),
    ],
)
def test_what_counts_as_too_little_memory(error: Exception, answer: bool) -> None:
    assert precision.is_out_of_memory(error) is answer
