"""Which of the two languages a caller gets: Spanish, unless English is preferred."""

from typing import Literal

Language = Literal["es", "en"]
DEFAULT: Language = "es"


def preferred(accept_language: str | None) -> Language:
    """The language for an `Accept-Language` header (RFC 9110, 12.5.4).

    English where it ranks above Spanish; Spanish for all others, also for a caller who asks for neither.
    """
    ranked = sorted(_ranges(accept_language or ""), key=lambda pair: -pair[1])  # stable: ties keep their order
    for tag, quality in ranked:
        primary = tag.partition("-")[0]
        if quality > 0 and primary in ("es", "en"):
            return "en" if primary == "en" else "es"
    return DEFAULT


def _ranges(header: str) -> list[tuple[str, float]]:
    """`"es-MX, en;q=0.5"` → `[("es-mx", 1.0), ("en", 0.5)]`; what is malformed counts as unwanted."""
    ranges = []
    for part in header.lower().split(","):
        tag, _, parameter = part.partition(";")
        name, _, value = parameter.partition("=")
        try:
            quality = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            quality = 0.0
        ranges.append((tag.strip(), quality))
    return ranges
