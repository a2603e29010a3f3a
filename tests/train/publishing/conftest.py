"""A bundle to publish, and copies of it that a test may change."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.tiny_runs import TinyRuns


@pytest.fixture(scope="session")
def exported(tiny_runs: TinyRuns) -> Path:
    """The bundle of a small network for digits."""
    return tiny_runs["digit"] / "bundle"


@pytest.fixture
def directory(exported: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(exported, tmp_path / "bundle")
