"""Shared fixtures of the training tests: the small task and its backbone."""

from pathlib import Path

import pytest

from tests.helpers.small_task import backbone_in, task_in


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `data/digit` and `small.keras`."""
    directory = tmp_path_factory.mktemp("small")
    task_in(directory)
    backbone_in(directory)
    return directory
