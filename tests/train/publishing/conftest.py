"""A bundle to publish, and copies of it that a test may change."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models import bundle
from tests.helpers.tiny_runs import TinyRuns

Reseal = Callable[..., Path]


@pytest.fixture(scope="session")
def exported(tiny_runs: TinyRuns) -> Path:
    """The bundle of a small network for digits."""
    return tiny_runs["digit"] / "bundle"


@pytest.fixture
def directory(exported: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(exported, tmp_path / "bundle")


def reseal(directory: Path, **changes: object) -> None:
    """Make `vistazo.json` agree with the files that a test has changed, and change it."""
    path = directory / bundle.INFO_NAME
    said = json.loads(path.read_text(encoding="utf-8"))
    said["files"] = {
        file.relative_to(directory).as_posix(): bundle.describe_file(file).model_dump()
        for file in directory.rglob("*")
        if file.is_file() and file != path
    }
    path.write_text(json.dumps(said | changes), encoding="utf-8")
