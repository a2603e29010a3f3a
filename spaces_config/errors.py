"""Errors of `spaces_config`. Errors of the Hub are `models.errors.HubError`."""

from models.errors import VistazoError


class SpaceError(VistazoError):
    """The Space cannot be built, does not run, or cannot be deployed in its present state."""
