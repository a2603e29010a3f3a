"""Errors of HTTP requests, and the status and sentence of every error that a caller can get.

The tree continues models.errors, which has the errors of pictures, tasks and models.

VistazoError (models.errors)
└── RequestError             an HTTP request that cannot be served
    ├── MissingFile          400  no part `file`
    │   └── ExpiredFile      400  uploaded to the page, but already deleted
    ├── NoFileSelected       400  a file part without a file name: the form was sent with nothing selected
    ├── Unauthorized         401  the admin key is missing or wrong
    │   └── NoAdminKey       401  the server has no admin key
    ├── NotFound             404  no such path
    ├── MethodNotAllowed     405  the path exists, for another method
    ├── SlowUpload           408  the body did not arrive in time
    ├── ModelRefused         409  a new model is damaged: the old one is still served
    ├── InvalidRequest       422  a parameter of the wrong type
    ├── HubFailed            502  the Hub does not deliver a new model: the old one is still served
    ├── Busy                 503  the queue is full
    └── TimedOut             504  no result within the limit
"""

from typing import ClassVar

from models.errors import VistazoError
from serving.i18n.language import Language
from serving.i18n.messages import text

STATUSES = {
    "missing_file": 400,
    "no_file_selected": 400,
    "empty_file": 400,
    "unauthorized": 401,
    "not_found": 404,
    "unknown_task": 404,
    "method_not_allowed": 405,
    "slow_upload": 408,
    "model_refused": 409,
    "too_large": 413,
    "unsupported_type": 415,
    "unreadable_image": 422,
    "too_many_pixels": 422,
    "too_much_memory": 422,
    "invalid_request": 422,
    "internal_error": 500,
    "hub_failed": 502,
    "busy": 503,
    "model_not_loaded": 503,
    "timeout": 504,
}


def status_of(error: VistazoError) -> int:
    """Return the HTTP status of an error."""
    return STATUSES[error.code]


def headers_of(error: VistazoError) -> dict[str, str]:
    """Return the HTTP headers that belong to an error."""
    return error.headers if isinstance(error, RequestError) else {}


def sentence(error: VistazoError, language: Language) -> str:
    """Return the error as one sentence for the person, with what to do next.

    An error without a code of its own becomes `internal_error`, without details: its text may hold paths.
    """
    key = error.message_key if isinstance(error, RequestError) else None
    return text(key or error.code, language, **error.values)


class RequestError(VistazoError):
    """An HTTP request that cannot be served. `values` fill the placeholders of its sentence."""

    message_key: ClassVar[str | None] = None  # the message's key, when it is not the code

    def __init__(self, **values: object) -> None:
        super().__init__(self.code)
        self._values = values

    @property
    def values(self) -> dict[str, object]:
        """Values for the placeholders of the translated sentence."""
        return self._values

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to this error."""
        return {}


class MissingFile(RequestError):
    """The request has no file in its part `file`."""

    code = "missing_file"


class ExpiredFile(MissingFile):
    """The page refers to an upload that was deleted: pictures are kept for minutes only."""

    message_key = "expired_file"


class NoFileSelected(RequestError):
    """The form was sent with no file selected."""

    code = "no_file_selected"


class InvalidRequest(RequestError):
    """A parameter has the wrong type."""

    code = "invalid_request"


class Unauthorized(RequestError):
    """The admin key is missing or wrong."""

    code = "unauthorized"

    @property
    def headers(self) -> dict[str, str]:
        """The authentication scheme (RFC 9110, 11.6.1)."""
        return {"WWW-Authenticate": "Bearer"}


class NoAdminKey(Unauthorized):
    """The server has no admin key, so nobody may change its models."""

    message_key = "no_admin_key"


class NotFound(RequestError):
    """The path does not exist."""

    code = "not_found"


class MethodNotAllowed(RequestError):
    """The path exists, for another method."""

    code = "method_not_allowed"

    @property
    def headers(self) -> dict[str, str]:
        """The allowed methods."""
        return {"Allow": str(self.values["allowed"])}


class SlowUpload(RequestError):
    """The body did not arrive in time."""

    code = "slow_upload"


class ModelRefused(RequestError):
    """A new model is damaged or fails its test prediction; the old one is still served."""

    code = "model_refused"


class HubFailed(RequestError):
    """The Hub does not deliver a new model; the old one is still served."""

    code = "hub_failed"


class Busy(RequestError):
    """The queue is full."""

    code = "busy"

    @property
    def headers(self) -> dict[str, str]:
        """A retry after one second, which is longer than several predictions."""
        return {"Retry-After": "1"}


class TimedOut(RequestError):
    """No result within the limit."""

    code = "timeout"
