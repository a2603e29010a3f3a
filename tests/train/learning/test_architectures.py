import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.bundle import InputSize
from train.errors import RecipeError
from train.learning.architectures import build_network, find_backbone, unfreeze

SMALL = InputSize(height=32, width=32, channels=1)


@pytest.fixture
def backbone_file(tmp_path: Path) -> Path:
    pixels = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(8, 3, strides=4, padding="same")(x)
    path = tmp_path / "small.keras"
    keras.Model(pixels, keras.layers.BatchNormalization()(x)).save(path)
    return path


@pytest.mark.parametrize("arch", ["mnist_cnn", "cnn"])
def test_a_custom_network_has_what_export_looks_for(arch: str) -> None:
    network = build_network(arch, SMALL, 5, dropout=0.1)
    assert find_backbone(network) is None
    assert network.get_layer("feature_map").output.shape[1:3] != (1, 1)
    assert network.get_layer("features").output.shape[1] == network.get_layer("feature_map").output.shape[-1]
    assert network(np.zeros((2, 32, 32, 1), np.float32)).shape == (2, 5)


def test_a_keras_file_is_a_backbone_and_grey_pictures_reach_it(backbone_file: Path) -> None:
    digest = hashlib.sha256(backbone_file.read_bytes()).hexdigest()
    network = build_network("anything", SMALL, 3, dropout=0.1, weights=backbone_file, weights_sha256=digest)
    assert find_backbone(network) is not None
    assert network(np.zeros((2, 32, 32, 1), np.float32)).shape == (2, 3)


def test_batch_norm_of_the_backbone_keeps_its_statistics_while_training(backbone_file: Path) -> None:
    network = build_network("anything", SMALL, 3, dropout=0.1, weights=backbone_file)
    backbone = find_backbone(network)
    assert backbone is not None
    unfreeze(backbone)
    norm = next(layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization))
    before = keras.ops.convert_to_numpy(norm.moving_mean).copy()
    network(np.full((2, 32, 32, 1), 255, np.float32), training=True)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(norm.moving_mean), before)
    assert backbone.trainable_weights, "the convolutions do learn"


def test_a_backbone_other_than_the_recipe_s_is_refused(backbone_file: Path) -> None:
    with pytest.raises(RecipeError, match="the recipe expects 0000"):
        build_network("anything", SMALL, 3, dropout=0.1, weights=backbone_file, weights_sha256="0000")


def test_a_missing_backbone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not exist"):
        build_network("anything", SMALL, 3, dropout=0.1, weights=tmp_path / "nothing.keras")


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(
        RecipeError, match=r"unknown architecture 'efficientnet_lite0': choose one of mnist_cnn, cnn, .*mobilenetv2"
    ):
        build_network("efficientnet_lite0", SMALL, 3, dropout=0.1)


@pytest.mark.parametrize(
    ("arch", "builder", "preprocess"),
    [
        ("mobilenet_v2", keras.applications.MobileNetV2, keras.applications.mobilenet_v2.preprocess_input),
        ("ResNet50", keras.applications.ResNet50, keras.applications.resnet50.preprocess_input),
        ("MobileNetV3Small", keras.applications.MobileNetV3Small, lambda pixels: pixels),
    ],
)
def test_keras_applications_get_pixels_as_they_were_trained_with(
    arch: str, builder: Callable[..., keras.Model], preprocess: Callable[[Any], Any], tmp_path: Path
) -> None:
    """With weights from a file, as on a machine without a network."""
    path = tmp_path / "notop.weights.h5"
    original = builder(include_top=False, weights=None, input_shape=(32, 32, 3))
    original.save_weights(path)
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    expected = keras.ops.mean(original(preprocess(pictures.copy()), training=False), axis=(1, 2))
    network = build_network(arch, InputSize(height=32, width=32, channels=3), 4, dropout=0, weights=path)
    features = keras.Model(network.input, network.get_layer("features").output)(pictures)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(features), keras.ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-5
    )
