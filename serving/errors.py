"""What a caller of the service can be told, as one tree. Errors of `models` become part of it in `serving.service`.

VistazoError (models.errors)
└── ApiError                 code and HTTP status; the sentence is made from the catalogue, in the caller's language
    ├── MissingFile          400  no part `file`
    │   └── ExpiredFile      400  uploaded to the page, but deleted since
    ├── NoFileSelected       400  a file part without a file name: the form was sent with nothing chosen
    ├── EmptyPicture         400  zero bytes
    ├── TooManyBytes         413  more bytes than the limit
    ├── NotAPicture          415  not a format that Vistazo reads
    ├── TooManyPixels        422  more pixels than the limit
    ├── BrokenPicture        422  the right format, but damaged
    ├── InvalidRequest       422  a parameter of the wrong type
    ├── Unauthorized         401  the key of who runs the server is needed
    │   └── NoAdminKey       401  and none is set
    ├── NotFound             404  no such address
    ├── MethodNotAllowed     405  the address exists, for another method
    ├── NoSuchTask           404  no model has that name
    ├── ModelRefused         409  a new model does not check out: the old one is served on
    ├── HubFailed            502  the Hub does not give a new model: the same
    ├── NotLoaded            503  the model is known but damaged
    ├── Busy                 503  the queue is full
    ├── TimedOut             504  no answer within the limit
    └── Unexpected           500  a fault of ours, told without details
"""

from typing import ClassVar

from models.errors import VistazoError
from serving.i18n.language import Language
from serving.i18n.messages import text


class ApiError(VistazoError):
    """An answer that is not a prediction. `values` fill the placeholders of its sentence."""

    code: ClassVar[str]
    status: ClassVar[int]
    key: ClassVar[str | None] = None  # of the sentence in the catalogue, where it is not the code

    def __init__(self, **values: object) -> None:
        super().__init__(self.code)
        self.values = values

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to this error."""
        return {}

    def sentence(self, language: Language) -> str:
        """What went wrong and what to do, for the person."""
        return text(self.key or self.code, language, **self.values)


class MissingFile(ApiError):
    """The request has no file in its part `file`."""

    code, status = "missing_file", 400


class ExpiredFile(MissingFile):
    """The page refers to an upload that was deleted: pictures are kept for minutes only."""

    key = "expired_file"


class NoFileSelected(ApiError):
    """The form was sent without choosing a file."""

    code, status = "no_file_selected", 400


class EmptyPicture(ApiError):
    """Zero bytes."""

    code, status = "empty_file", 400


class TooManyBytes(ApiError):
    """More bytes than the limit."""

    code, status = "too_large", 413


class NotAPicture(ApiError):
    """Not a format that Vistazo reads."""

    code, status = "unsupported_type", 415


class TooManyPixels(ApiError):
    """More pixels than the limit."""

    code, status = "too_many_pixels", 422


class BrokenPicture(ApiError):
    """The right format, but damaged."""

    code, status = "unreadable_image", 422


class InvalidRequest(ApiError):
    """A parameter has the wrong type."""

    code, status = "invalid_request", 422


class Unauthorized(ApiError):
    """The key of who runs the server is missing or wrong."""

    code, status = "unauthorized", 401

    @property
    def headers(self) -> dict[str, str]:
        """How the key is sent (RFC 9110, 11.6.1)."""
        return {"WWW-Authenticate": "Bearer"}


class NoAdminKey(Unauthorized):
    """No key is set, so nobody may change models."""

    key = "no_admin_key"


class NotFound(ApiError):
    """No such address."""

    code, status = "not_found", 404


class MethodNotAllowed(ApiError):
    """The address exists, for another method."""

    code, status = "method_not_allowed", 405

    @property
    def headers(self) -> dict[str, str]:
        """The methods that there are."""
        return {"Allow": str(self.values["allowed"])}


class NoSuchTask(ApiError):
    """No model has that name."""

    code, status = "unknown_task", 404


class ModelRefused(ApiError):
    """A new model does not check out; the old one is served on."""

    code, status = "model_refused", 409


class HubFailed(ApiError):
    """The Hub does not give a new model; the old one is served on."""

    code, status = "hub_failed", 502


class NotLoaded(ApiError):
    """The task is known, but its model did not check out."""

    code, status = "model_not_loaded", 503


class Busy(ApiError):
    """As many pictures are waiting as may wait."""

    code, status = "busy", 503

    @property
    def headers(self) -> dict[str, str]:
        """A second is several answers long."""
        return {"Retry-After": "1"}


class TimedOut(ApiError):
    """No answer within the limit."""

    code, status = "timeout", 504


class Unexpected(ApiError):
    """A fault of ours; the log has the details under the request's id."""

    code, status = "internal_error", 500
