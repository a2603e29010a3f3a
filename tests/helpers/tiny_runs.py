"""Runs that take seconds. Each is trained and exported once for all tests that only read it, in all workers.

Building a Keras model and tracing its training step costs seconds of processor time however small the data are, so the
number of different runs is what the tests of `train/` cost.
"""

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from tests.helpers.samples import own_folder, printed_digits, scene, write_files
from tests.helpers.small_task import RECIPE, backbone_in, small_cnn
from train import recipe
from train.bundling.exporter import export
from train.learning.training import fit
from train.manifest import Row, Split, write_manifest
from train.recipe import Recipe
from train.sources import folder

SMALL_CNN = {"arch": "cnn", "height": 32, "width": 32, "epochs": 1, "batch_size": 8}
FOLDER_LABELS = ("perro|gato", "rosa <b>ñ")  # characters that Markdown and HTML treat specially
DIGITS: Mapping[Split, int] = {"train": 12, "val": 6, "test": 4}  # pictures of each of the ten digits

# Few steps with a low rate: some pictures are right, and the probabilities are soft, so that float16 weights do.
_SHORT = dataclasses.replace(RECIPE, epochs=3, head_epochs=0, learning_rate=0.008, ema=0.0)

# Runs on printed digits, by name. The last three are compared with each other, and the first of them is evaluated.
DIGIT_RUNS: Mapping[str, Recipe] = {
    "digit": dataclasses.replace(RECIPE, epochs=1, outlier_exposure=0.1),
    "seed-1": dataclasses.replace(_SHORT, seed=1),
    "seed-2": dataclasses.replace(_SHORT, seed=2),
    "smooth": dataclasses.replace(_SHORT, seed=1, label_smoothing=0.2),
}


class TinyRuns:
    """Runs by name, made when a test first needs them: `tiny_runs["digit"]` is its directory, with `bundle` in it.

    Names are those of DIGIT_RUNS, `pneumonia` (pictures that are no X-rays) and `mis-fotos` (a folder of pictures).
    `directory` also has `data/TASK` and, after `mis-fotos`, the `pictures` it was made from. Nothing in it may be
    changed: `copy` returns a run that may be.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)

    def __getitem__(self, name: str) -> Path:
        run = self.directory / name
        with self._lock(name):
            if not (run / "bundle").is_dir():  # the last thing that export makes
                shutil.rmtree(run, ignore_errors=True)
                with small_cnn():
                    self._train(name, run)
                export(run)
        return run

    def copy(self, name: str, target: Path) -> Path:
        """Copy a run to `target`, next to a link to its data. Returns `target`."""
        shutil.copytree(self[name], target)
        data = target.parent / "data"
        if not data.exists():
            data.symlink_to(self.directory / "data")
        return target

    def _train(self, name: str, run: Path) -> None:
        if name in DIGIT_RUNS:
            digits, backbone = self._once("digit", self._digits), self.directory / "small.keras"
            fit(DIGIT_RUNS[name], digits, run, backbone)
        elif name == "pneumonia":
            fit(recipe.load("pneumonia", **SMALL_CNN), self._once("pneumonia", _pneumonia), run)
        else:
            pictures = write_files(self.directory / "pictures", own_folder(dict.fromkeys(FOLDER_LABELS, 12)))
            prepared = folder.prepare(pictures, "mis-fotos", self.directory / "data")
            fit(folder.recipe_for(prepared, **SMALL_CNN), self.directory / "data" / "mis-fotos", run)

    def _digits(self, task_dir: Path) -> None:
        backbone_in(self.directory)
        printed_digits(task_dir, DIGITS)

    def _once(self, task: str, make: Callable[[Path], None]) -> Path:
        task_dir = self.directory / "data" / task
        with self._lock(f"data-{task}"):
            if not task_dir.is_dir():
                make(task_dir)
        return task_dir

    def _lock(self, name: str) -> FileLock:
        return FileLock(self.directory / f"{name}.lock")


def _pneumonia(task_dir: Path) -> None:
    splits: dict[Split, int] = {"train": 12, "val": 4, "test": 6}
    rows = []
    for split, count in splits.items():
        for number in range(count):
            label = ("normal", "pneumonia")[number % 2]
            path = f"{split}/{label}/{number}.jpg"
            write_files(task_dir, {path: scene(1000 * len(split) + number)})
            rows.append(Row(path, label, split, group=path))
    write_manifest(task_dir, rows)
