"""Logs for TensorBoard."""

from importlib.util import find_spec
from pathlib import Path

import keras

from train.errors import RunError


def logs(directory: Path) -> keras.callbacks.Callback:
    """Keras' callback that writes to `directory/tensorboard`. Raises RunError when a package is missing."""
    for package in ("tensorflow", "tensorboard"):  # TensorFlow writes them, under any backend
        if find_spec(package) is None:
            raise RunError(
                f"TensorBoard's logs need {package}: run `pip install {package}`, or leave --tensorboard out"
            )
    return keras.callbacks.TensorBoard(str(directory / "tensorboard"), write_graph=False)
