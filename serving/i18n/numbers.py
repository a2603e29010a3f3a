"""Figures as people of each language write them."""

from serving.i18n.language import Language


def percent(value: float, language: Language, digits: int = 1) -> str:
    """A share for people: 0.984 → `98,4 %` in Spanish, `98.4%` in English; certainty is never claimed."""
    limit = 10.0**-digits
    if value * 100 > 100 - limit / 2 and value < 1:
        shown = f">{100 - limit:.{digits}f}"
    elif 0 < value * 100 < limit / 2:
        shown = f"<{limit:.{digits}f}"
    else:
        shown = f"{value * 100:.{digits}f}"
    return f"{shown.replace('.', ',')}\u00a0%" if language == "es" else f"{shown}%"


def decimal(value: float, language: Language) -> str:
    """A figure that is no share, to three places: 0.98 → `0,980` in Spanish, `0.980` in English."""
    return f"{value:.3f}".replace(".", "," if language == "es" else ".")


def count(value: int, language: Language) -> str:
    """A whole number for people: 10000 → `10 000` in Spanish, `10,000` in English."""
    return f"{value:,}".replace(",", "\u202f") if language == "es" else f"{value:,}"
