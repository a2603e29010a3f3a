"""Attacks on a started server: what they cost it, and whether another visitor noticed."""

from pathlib import Path

import pytest

from benchmarks.resilience import COLUMNS, attacks, carry_out
from tests.helpers.project import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")


@pytest.mark.parametrize(
    ("name", "responses"),
    [
        ("EXIF bomb, TIFF, 4 at once", "4 x 422 unreadable_image"),
        ("20 event streams open at the stop", "20 x open"),
    ],
)
def test_an_attack_costs_little_and_the_server_ends_in_order(name: str, responses: str) -> None:
    (attack,) = (attack for attack in attacks() if attack.name == name)
    row = dict(zip(COLUMNS, carry_out(attack, ROOT), strict=True))
    assert row["responses"] == responses
    before, peak, _ = (float(value.replace(",", "")) for value in row[COLUMNS[1]].split(" / "))
    assert peak - before < 500
    assert row["failed"].startswith("0 of ")
    assert row["stop s (code)"].endswith("(0)")


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in attacks()]
    assert len(set(names)) == len(names)
