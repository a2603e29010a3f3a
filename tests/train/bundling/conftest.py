"""Three exported runs, one for each way to prepare a picture."""

from pathlib import Path

import pytest

from tests.helpers.tiny_runs import TinyRuns


@pytest.fixture(scope="session")
def runs(tiny_runs: TinyRuns) -> dict[str, Path]:
    """Run directories by task: printed digits, pictures that are no X-rays, and a folder of pictures."""
    return {task: tiny_runs[task] for task in ("digit", "pneumonia", "mis-fotos")}


@pytest.fixture(params=["digit", "pneumonia", "mis-fotos"])
def run(request: pytest.FixtureRequest, runs: dict[str, Path]) -> Path:
    return runs[str(request.param)]
