"""`python -m benchmarks.classify`, in its smallest form."""

import sys

import pytest

from benchmarks import classify


@pytest.mark.skipif(sys.platform != "linux", reason="the limit reads /proc")
def test_the_table_has_the_rates_and_their_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "LIMIT_S", 0.2)
    header, _, row = classify.measure("digit", 500, rounds=1).splitlines()
    values = dict(zip(header.split(" | "), row.strip("| ").split(" | "), strict=True))
    assert float(values["| limit /s"].replace(",", "")) > 0
    assert values["share"].endswith("%")
