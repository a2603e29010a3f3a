"""Language negotiation: Spanish, unless the caller prefers English."""

from models.bundle import Language

__all__ = ["DEFAULT", "Language", "preferred"]

DEFAULT: Language = "es"


def preferred(accept_language: str | None) -> Language:
    """Return the language for an `Accept-Language` header (RFC 9110, 12.5.4).

    English when it ranks above Spanish; Spanish in all other cases.
    """
    ranked = sorted(_ranges(accept_language or ""), key=lambda pair: -pair[1])  # stable: equal ranks keep their order
    for tag, quality in ranked:
        primary = tag.partition("-")[0]
        if quality > 0 and primary in ("es", "en"):
            return "en" if primary == "en" else "es"
    return DEFAULT


def _ranges(header: str) -> list[tuple[str, float]]:
    """Parse `"es-MX, en;q=0.5"` to `[("es-mx", 1.0), ("en", 0.5)]`; malformed parts get quality 0."""
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
