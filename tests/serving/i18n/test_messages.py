"""The catalogue of messages: complete, and nothing in it is idle."""

import re
from collections.abc import Iterator
from string import Formatter

import pytest

from models.errors import VistazoError
from models.prediction import Reason, Verdict
from serving.errors import STATUSES
from serving.i18n.messages import MESSAGES
from serving.i18n.numbers import count, decimal, percent
from tests.helpers.project import ROOT


def _placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_both_languages_say_everything_with_the_same_placeholders() -> None:
    for key, versions in MESSAGES.items():
        assert set(versions) == {"es", "en"}, key
        assert all(versions.values()), key
        assert _placeholders(versions["es"]) == _placeholders(versions["en"]), key


def every_error(kind: type[VistazoError]) -> Iterator[type[VistazoError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_error(child)


def test_no_message_is_unused() -> None:
    sources = [path for path in (ROOT / "serving").rglob("*.py") if path.name != "messages.py"]
    literals = {text for path in sources for text in re.findall(r"""["'](\w+)["']""", path.read_text(encoding="utf-8"))}
    assert set(MESSAGES) - literals - set(Reason) - set(Verdict) - set(STATUSES) == set()


def test_every_error_verdict_and_reason_has_a_message() -> None:
    keys = {getattr(kind, "message_key", None) or kind.code for kind in every_error(VistazoError)}
    assert keys | set(Reason) | set(Verdict) <= set(MESSAGES)


def test_every_error_has_a_status_and_every_status_an_error() -> None:
    assert {kind.code for kind in every_error(VistazoError)} == set(STATUSES)


@pytest.mark.parametrize(
    ("share", "spanish", "english"),
    [
        (0.984, "98,4\u00a0%", "98.4%"),
        (1.0, "100,0\u00a0%", "100.0%"),
        (0.99999, ">99,9\u00a0%", ">99.9%"),
        (0.00001, "<0,1\u00a0%", "<0.1%"),
        (0.0, "0,0\u00a0%", "0.0%"),
    ],
)
def test_shares_never_claim_more_than_they_are(share: float, spanish: str, english: str) -> None:
    assert percent(share, "es") == spanish
    assert percent(share, "en") == english


def test_numbers_are_written_as_the_language_does() -> None:
    assert (decimal(0.98, "es"), decimal(0.98, "en")) == ("0,980", "0.980")
    assert (count(10000, "es"), count(10000, "en")) == ("10\u202f000", "10,000")
