"""Three runs that take seconds, one for each way to prepare a picture, exported."""

import dataclasses
from pathlib import Path

import pytest

from tests.train.samples import own_folder, scene, write_files
from tests.train.small import RECIPE, backbone_in, task_in
from train import recipe
from train.bundling.exporter import export
from train.learning.training import fit
from train.manifest import Row, Split, write_manifest
from train.recipe import Recipe
from train.sources import folder

SMALL = {"arch": "cnn", "height": 32, "width": 32, "epochs": 1, "batch_size": 8}
OWN = ("perro|gato", "rosa <b>ñ")  # names that Markdown would take for its own


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Run directories, exported: a digit, an X-ray that is none, and a folder of one's own."""
    directory = tmp_path_factory.mktemp("exported")
    task_in(directory)
    tasks: dict[str, tuple[Recipe, Path | None]] = {
        "digit": (dataclasses.replace(RECIPE, epochs=1, outlier_exposure=0.1), backbone_in(directory)),
        "pneumonia": (_xrays(directory / "data" / "pneumonia"), None),
        "mis-fotos": (_own(directory), None),
    }
    for task, (chosen, weights) in tasks.items():
        fit(chosen, directory / "data" / task, directory / task, weights)
        export(directory / task)
    return {task: directory / task for task in tasks}


@pytest.fixture(params=["digit", "pneumonia", "mis-fotos"])
def run(request: pytest.FixtureRequest, runs: dict[str, Path]) -> Path:
    return runs[str(request.param)]


def _xrays(task_dir: Path) -> Recipe:
    splits: dict[Split, int] = {"train": 12, "val": 4, "test": 6}
    rows = []
    for split, count in splits.items():
        for number in range(count):
            label = ("normal", "pneumonia")[number % 2]
            path = f"{split}/{label}/{number}.jpg"
            write_files(task_dir, {path: scene(1000 * len(split) + number)})
            rows.append(Row(path, label, split, group=path))
    write_manifest(task_dir, rows)
    return recipe.load("pneumonia", **SMALL)


def _own(directory: Path) -> Recipe:
    pictures = write_files(directory / "pictures", own_folder(dict.fromkeys(OWN, 12)))
    return folder.recipe_for(folder.prepare(pictures, "mis-fotos", directory / "data"), **SMALL)
