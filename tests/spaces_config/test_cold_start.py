"""`python -m benchmarks.cold_start`, of a Space that is built."""

import pytest

from benchmarks import cold_start
from spaces_config.local import Space

pytestmark = pytest.mark.network


def test_the_cold_start_is_measured(space: Space) -> None:
    said = cold_start.report(space, rounds=1)
    rows = {row.split("|")[1].strip(): row.split("|")[2:-1] for row in said.splitlines() if row.startswith("| ")}
    assert all(float(figure) > 0 for figure in rows["ratio"])
    *moments, _processor = map(float, rows["with the project's setup"])
    assert moments == sorted(moments)
    assert {"gradio", "pandas", "Vistazo", "models tried out in a worker"} <= rows.keys()
