"""Serving: the REST API, the page, and their texts in Spanish and English."""

__version__ = "0.1.0"
