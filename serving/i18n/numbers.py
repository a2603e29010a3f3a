"""Number formats of each language."""

from serving.i18n.language import Language


def percent(value: float, language: Language, digits: int = 1) -> str:
    """Format a share: 0.984 → `98,4 %` in Spanish, `98.4%` in English; never rounded up to 100 % or down to 0 %."""
    limit = 10.0**-digits
    if value * 100 > 100 - limit / 2 and value < 1:
        shown = f">{100 - limit:.{digits}f}"
    elif 0 < value * 100 < limit / 2:
        shown = f"<{limit:.{digits}f}"
    else:
        shown = f"{value * 100:.{digits}f}"
    return f"{shown.replace('.', ',')}\u00a0%" if language == "es" else f"{shown}%"


def decimal(value: float, language: Language) -> str:
    """Format a number with three decimals: 0.98 → `0,980` in Spanish, `0.980` in English."""
    return f"{value:.3f}".replace(".", "," if language == "es" else ".")


def count(value: int, language: Language) -> str:
    """Format a whole number: 10000 → `10 000` in Spanish, `10,000` in English."""
    return f"{value:,}".replace(",", "\u202f") if language == "es" else f"{value:,}"
