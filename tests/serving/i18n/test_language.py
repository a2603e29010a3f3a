"""Language negotiation."""

import pytest

from serving.i18n.language import Language, preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "es"),
        ("", "es"),
        ("es", "es"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en;q=0.8, es;q=0.9", "es"),
        ("es;q=0.3, en-GB;q=0.4", "en"),
        ("fr-FR,fr;q=0.9", "es"),
        ("fr,en;q=0.5", "en"),
        ("en;q=0", "es"),
        ("EN", "en"),
        ("en,es", "en"),
        ("*", "es"),
        ("en;q=nonsense, es;q=0.1", "es"),
        (";;;,,,q=", "es"),
    ],
)
def test_spanish_unless_english_is_preferred(header: str | None, language: Language) -> None:
    assert preferred(header) == language
