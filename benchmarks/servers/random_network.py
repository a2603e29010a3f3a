"""Keras networks with the architecture of a task's recipe and random weights."""

import tempfile
from pathlib import Path
from typing import Any

import keras

# The public module has no function for a variant of the network.
from keras.src.applications.efficientnet import DEFAULT_BLOCKS_ARGS, EfficientNet

from models import bundle
from models.catalog import BUNDLED
from train import recipe
from train.learning.architectures import build_network

LITE = "efficientnet_lite0"


def random_network(task: str) -> keras.Model:
    """Build the network of a task's recipe without downloading or training anything."""
    chosen, size = recipe.load(task), bundle.load(BUNDLED / task).input
    with tempfile.TemporaryDirectory() as directory:
        weights = _save_backbone(Path(directory), chosen.height) if chosen.arch == LITE else None
        return build_network(chosen.arch, size, len(chosen.labels), dropout=chosen.dropout, weights=weights)


def _save_backbone(directory: Path, side: int) -> Path:
    """Write EfficientNet-Lite0: EfficientNet-B0 with ReLU6 and without squeeze-and-excitation."""
    blocks: list[dict[str, Any]] = [{**block, "se_ratio": 0} for block in DEFAULT_BLOCKS_ARGS]
    network = EfficientNet(
        width_coefficient=1,
        depth_coefficient=1,
        default_size=side,
        activation="relu6",
        blocks_args=blocks,
        include_top=False,
        weights=None,
        input_shape=(side, side, 3),
        name=LITE,
    )
    path = directory / f"{LITE}.keras"
    network.save(path)
    return path
