"""Networks by name: each takes `pixels`, (B, H, W, C) float32 in 0..255, and has the three layers that export names.

feature_map   the last convolutional features, (B, h, w, D)
features      their mean, (B, D)
logits        (B, K)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import layers

from models.bundle import InputSize, describe_file
from train.errors import RecipeError

BACKBONE = "backbone"


def build(
    arch: str,
    size: InputSize,
    classes: int,
    *,
    dropout: float,
    weights: Path | None = None,
    weights_sha256: str | None = None,
) -> keras.Model:
    """Build the network `arch`: `mnist_cnn`, `cnn`, a name of `keras.applications`, or any name for a `.keras` file.

    `weights` is the file of a backbone without its top: a whole `.keras` model that takes 0..255, or the weights
    of a `keras.applications` model on a machine that cannot download them. `weights_sha256`, when the recipe
    gives one, must be its hash, since a `.keras` file is code as much as data.
    Raises RecipeError for an unknown name or a file that is missing or not the expected one.
    """
    if weights is not None:
        _check_hash(weights, weights_sha256)
    pixels = keras.Input((size.height, size.width, size.channels), name="pixels")
    head: tuple[int, ...] = ()
    if arch == "mnist_cnn":
        feature_map = _mnist_cnn(pixels)
    elif arch == "cnn":
        feature_map = _cnn(pixels)
        head = (128,)
    elif weights is not None and weights.suffix == ".keras":
        feature_map = _as_backbone(keras.saving.load_model(weights, compile=False))(_as_rgb(pixels))
    else:
        feature_map = _application(arch, _as_rgb(pixels), size, str(weights) if weights else "imagenet")
    feature_map = layers.Activation("linear", name="feature_map")(feature_map)
    x = layers.GlobalAveragePooling2D(name="features")(feature_map)
    for units in head:
        x = layers.Dense(units, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(pixels, layers.Dense(classes, name="logits")(x), name=arch)


def backbone_of(network: keras.Model) -> keras.Model | None:
    """The pre-trained part of a network, or None when it was built from scratch."""
    return next((layer for layer in network.layers if layer.name == BACKBONE), None)


def unfreeze(backbone: keras.Model) -> None:
    """Let the backbone learn, all but its batch norms: they keep the statistics of the pre-training.

    Calling the backbone with `training=False`, as Keras' guide to transfer learning does, does not hold them in
    Keras 3: a functional model hands its own `training` down. Only layers that may not learn stay in inference mode.
    """
    backbone.trainable = True
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _convolution(x: Any, filters: int, size: int = 3, strides: int = 1) -> Any:
    x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
    # Keras' momentum of 0.99 needs hundreds of steps before its statistics mean anything; small sets have fewer.
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _mnist_cnn(pixels: Any) -> Any:
    # Strided convolutions instead of pooling, as in An et al. 2020 (arXiv 2008.10400) and LeNet's descendants.
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


def _as_backbone(model: keras.Model) -> keras.Model:
    model.name = BACKBONE
    return model


def _application(arch: str, rgb: Any, size: InputSize, weights: str) -> Any:
    builders = {
        name.lower(): getattr(keras.applications, name) for name in dir(keras.applications) if name[0].isupper()
    }
    builder: Callable[..., keras.Model] | None = builders.get(arch.lower().replace("_", ""))
    if builder is None:
        raise RecipeError(
            f"{arch!r} is none of mnist_cnn, cnn, {', '.join(sorted(builders))}: for another backbone give its "
            "file with --weights PATH.keras"
        )
    module = __import__(builder.__module__, fromlist=["preprocess_input"])
    try:
        model = builder(include_top=False, weights=weights, input_shape=(size.height, size.width, 3))
    except Exception as error:  # Keras raises whatever urllib, h5py or its own checks raise
        raise RecipeError(
            f"the weights {weights!r} of {arch} could not be loaded ({error}): give their file with --weights PATH, or "
            "train a network that needs none with --arch cnn"
        ) from error
    return _as_backbone(model)(module.preprocess_input(rgb))


def _check_hash(path: Path, expected: str | None) -> None:
    if not path.is_file():
        raise RecipeError(f"there is no file {path}: give the backbone with --weights PATH")
    found = describe_file(path).sha256
    if expected is not None and found != expected:
        raise RecipeError(f"{path} has SHA-256 {found}, the recipe expects {expected}: use the file that it names")
