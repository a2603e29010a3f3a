"""Networks by name. Each takes `pixels`, (B, H, W, C) float32 in 0..255.

Each has three named layers that `export` needs:


feature_map   the last convolutional features, (B, h, w, D)
features      their mean over the positions, (B, D)
logits        one per label, (B, K)
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import layers

from models.bundle import InputSize, describe_file
from train.errors import RecipeError

BACKBONE = "backbone"


def build_network(
    arch: str,
    size: InputSize,
    classes: int,
    *,
    dropout: float,
    weights: Path | None = None,
    weights_sha256: str | None = None,
) -> keras.Model:
    """Build a network for `classes` labels.

    - `arch`: `mnist_cnn`, `cnn`, or a name of `keras.applications`. With a `.keras` file as `weights`, any name.
    - `dropout`: share of the features that are dropped before the last layer, 0 to 1.
    - `weights`: the file of a backbone without its top: a complete `.keras` model that takes 0..255, or the weights of
      a `keras.applications` model. None lets Keras download the weights.
    - `weights_sha256`: the expected hash of the file, because a `.keras` file can contain code. None accepts any file.

    Raises RecipeError for an unknown name, and for a file that is missing or has another hash.
    """
    if weights is not None:
        _check_hash(weights, weights_sha256)
    pixels = keras.Input((size.height, size.width, size.channels), name="pixels")
    hidden_units: tuple[int, ...] = ()
    if arch == "mnist_cnn":
        feature_map = _mnist_cnn(pixels)
    elif arch == "cnn":
        feature_map = _cnn(pixels)
        hidden_units = (128,)
    elif weights is not None and weights.suffix == ".keras":
        feature_map = _named_backbone(keras.saving.load_model(weights, compile=False))(_as_rgb(pixels))
    else:
        feature_map = _application(arch, _as_rgb(pixels), size, str(weights) if weights else "imagenet")
    feature_map = layers.Activation("linear", name="feature_map")(feature_map)
    x = layers.GlobalAveragePooling2D(name="features")(feature_map)
    for units in hidden_units:
        x = layers.Dense(units, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(pixels, layers.Dense(classes, name="logits")(x), name=arch)


def find_backbone(network: keras.Model) -> keras.Model | None:
    """Return the pre-trained part of a network, or None if the network starts from random weights."""
    return next((layer for layer in network.layers if layer.name == BACKBONE), None)


def unfreeze(backbone: keras.Model) -> None:
    """Make the backbone trainable, except its batch norms, which keep the statistics of the pre-training.

    Keras' guide to transfer learning calls the backbone with `training=False` instead. In Keras 3 this does not freeze
    the batch norms, because a functional model passes its own `training` to its layers. Only layers that are not
    trainable stay in inference mode.
    """
    backbone.trainable = True
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _convolution(x: Any, filters: int, size: int = 3, strides: int = 1) -> Any:
    x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
    # With Keras' momentum of 0.99, the statistics need hundreds of steps. Small data sets have fewer.
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _mnist_cnn(pixels: Any) -> Any:
    # Strided convolutions instead of pooling, as in An et al. 2020 (arXiv 2008.10400).
    x = layers.Rescaling(1 / 255)(pixels)
    for filters in (32, 64):
        x = _convolution(x, filters)
        x = _convolution(x, filters)
        x = _convolution(x, filters + filters // 2, strides=2)
        x = layers.Dropout(0.1)(x)
    return _convolution(_convolution(x, 128), 128)


def _cnn(pixels: Any) -> Any:
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for filters in (32, 64, 128, 256):
        x = _convolution(x, filters)
        x = layers.MaxPooling2D()(_convolution(x, filters))
    return x


def _as_rgb(pixels: Any) -> Any:
    return pixels if pixels.shape[-1] == 3 else layers.Concatenate()([pixels] * 3)


def _named_backbone(model: keras.Model) -> keras.Model:
    model.name = BACKBONE
    return model


def _application(arch: str, rgb: Any, size: InputSize, weights: str) -> Any:
    builders = {
        name.lower(): getattr(keras.applications, name) for name in dir(keras.applications) if name[0].isupper()
    }
    builder: Callable[..., keras.Model] | None = builders.get(arch.lower().replace("_", ""))
    if builder is None:
        raise RecipeError(
            f"unknown architecture {arch!r}: choose one of mnist_cnn, cnn, {', '.join(sorted(builders))}, or give "
            "its file with --weights PATH.keras"
        )
    module = importlib.import_module(builder.__module__)
    try:
        model = builder(include_top=False, weights=weights, input_shape=(size.height, size.width, 3))
    except Exception as error:  # of urllib, h5py or Keras: there is no common class
        raise RecipeError(
            f"the weights {weights!r} of {arch} could not be loaded ({error}): give the file with --weights PATH, or "
            "train a network without pre-trained weights with --arch cnn"
        ) from error
    return _named_backbone(model)(module.preprocess_input(rgb))


def _check_hash(path: Path, expected: str | None) -> None:
    if not path.is_file():
        raise RecipeError(f"{path} does not exist: give the backbone's file with --weights PATH")
    found = describe_file(path).sha256
    if expected is not None and found != expected:
        raise RecipeError(f"{path} has SHA-256 {found}, but the recipe expects {expected}: use the recipe's file")
