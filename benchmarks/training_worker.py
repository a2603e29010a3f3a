"""One timed training under one Keras backend, in a process of its own: `benchmarks.training` starts it.

    KERAS_BACKEND=jax python -m benchmarks.training_worker TASK ARCH WEIGHTS EPOCHS TASK_DIR

WEIGHTS may be empty. The last line of the output is a `Measurement` as JSON.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.training import Measurement, benchmark_recipe, gpu_name
from train.learning.precision import has_gpu
from train.learning.training import fit
from train.run import machine


def main(task: str, arch: str, weights: str, epochs: str, task_dir: str) -> None:
    """Train and print the measurement."""
    recipe = benchmark_recipe(task, arch, int(epochs))
    with tempfile.TemporaryDirectory() as temporary:
        run = fit(recipe, Path(task_dir), Path(temporary), Path(weights) if weights else None)
    device = f"{gpu_name()}, CUDA" if has_gpu() else machine()
    print(json.dumps(asdict(Measurement(run.images_per_second or 0.0, device))))


if __name__ == "__main__":
    main(*sys.argv[1:])
