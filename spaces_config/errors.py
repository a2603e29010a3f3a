"""What can go wrong with a Space, beside what the Hub refuses (`models.errors.HubError`)."""

from models.errors import VistazoError


class SpaceError(VistazoError):
    """The Space cannot be built, does not run, or may not be deployed as it is; the text says what to do."""
