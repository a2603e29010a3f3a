import shutil
from pathlib import Path

import pytest

from models.catalog import BUNDLED, TASKS
from models.classifier import Classifier
from models.loading import load_classifier


@pytest.fixture(scope="session")
def classifiers() -> dict[str, Classifier]:
    return {task: load_classifier(BUNDLED / task, workers=2) for task in TASKS}


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """A bundle that a test may damage."""
    return shutil.copytree(BUNDLED / "digit", tmp_path / "digit")
