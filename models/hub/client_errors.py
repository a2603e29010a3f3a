"""Translation of errors of the Hub's client to HubError: one sentence that says what to do next."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from models.errors import HubError, HubStorage, HubUnreachable

LOG_IN = "run `hf auth login` or set HF_TOKEN"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_STATUSES = {
    401: f"the token is not valid (HTTP 401): {LOG_IN} to one from {{endpoint}}/settings/tokens",
    402: "the Hub requires a paid plan (HTTP 402; creating a Gradio Space needs one): name a Space that exists",
    403: "the token has no permission (HTTP 403): use a token with write access to this user's or organization's "
    "repositories, and check the name",
    409: "the name is taken (HTTP 409): choose another",
    412: "the repository was changed at the same time (HTTP 412): run the command again",
    413: "it is too large for the Hub (HTTP 413)",
}


@contextmanager
def hub_errors(doing: str) -> Iterator[None]:
    """Translate every error of the Hub's client inside this context to HubError: "cannot {doing}: {reason}".

    Raises HubUnreachable when a later attempt may succeed (no connection, too slow, too many requests, an error of the
    Hub, offline mode), and HubStorage when this machine cannot store a file.
    """
    try:
        yield
    except (httpx2.HTTPError, OSError, RuntimeError, ValueError) as error:
        kind, reason = _reason(_cause(error))
        raise kind(f"cannot {doing}: {reason}") from error


def _cause(error: Exception) -> Exception:
    """Return the original error of the Hub, the connection or the disk, which the client wraps in its own."""
    wrapper = isinstance(error, LocalEntryNotFoundError) or type(error) is RuntimeError
    return _cause(error.__cause__) if wrapper and isinstance(error.__cause__, Exception) else error


def _reason(error: Exception) -> tuple[type[HubError], str]:
    kind: type[HubError] = HubUnreachable
    match error:
        case HfHubHTTPError():
            kind, reason = _response_reason(error)
        case OfflineModeIsEnabled():
            reason = "HF_HUB_OFFLINE is set, which forbids requests to the Hub: unset it"
        case LocalTokenNotFoundError():
            kind, reason = HubError, f"there is no token: {LOG_IN}"
        case LocalEntryNotFoundError():
            reason = "it is not in the cache and HF_HUB_OFFLINE is set: unset it"
        case HFValidationError():
            kind, reason = (
                HubError,
                f"this is not a valid name on the Hub ({_first_line(error)}): write it as USER/NAME",
            )
        case httpx2.TimeoutException() | TimeoutError():
            reason = f"{constants.ENDPOINT} did not answer in time: try again later"
        case httpx2.HTTPError() | ConnectionError():
            words = _first_line(error) or type(error).__name__
            reason = f"the connection to {constants.ENDPOINT} failed ({words}): check the network and try again"
        case OSError(errno=number) if number in _FULL:
            where = error.filename or constants.HF_HOME
            kind, reason = HubStorage, f"the disk is full ({where}): free some space, or set HF_HOME to another disk"
        case OSError(errno=int()):
            where = error.filename or constants.HF_HOME
            kind, reason = (
                HubStorage,
                f"{where} cannot be used ({error.strerror}): set HF_HOME to a folder that you can write to",
            )
        case PermissionError():
            kind, reason = (
                HubError,
                f"the Hub's storage refused it ({_first_line(error)}): {LOG_IN} to a token with that permission",
            )
        case _:
            reason = f"the response was not the expected one ({_first_line(error)}): try again"
    return kind, reason


def _response_reason(error: HfHubHTTPError) -> tuple[type[HubError], str]:
    """Map a Hub error response to a kind of HubError and a reason."""
    kind: type[HubError] = HubError
    match error.response.status_code:
        case _ if isinstance(error, RevisionNotFoundError):
            reason = "the repository has no such revision: check its branches, tags and commits"
        case _ if isinstance(error, RemoteEntryNotFoundError):
            reason = f"the repository has no {error.response.url.path.rpartition('/')[2]}: check its files"
        case _ if isinstance(error, RepositoryNotFoundError):
            advice = (
                "check the name, and that the token has read permission" if get_token() else f"if private, {LOG_IN}"
            )
            reason = f"the Hub has no such repository, or it is private: {advice}"
        case 401 if get_token() is None:
            reason = f"there is no token: {LOG_IN}"
        case 429:
            wait = error.response.headers.get("Retry-After")
            when = f"in {wait} seconds" if wait else "in some minutes"
            kind, reason = HubUnreachable, f"too many requests to the Hub (HTTP 429): try again {when}"
        case status if status >= 500:
            kind, reason = HubUnreachable, f"the Hub failed (HTTP {status}): try again later"
        case status if status in _STATUSES:
            reason = _STATUSES[status].format(endpoint=constants.ENDPOINT)
        case status:
            reason = f"the Hub refused it (HTTP {status}: {_first_line(error.server_message)}): report this"
    return kind, reason


def _first_line(text: object) -> str:
    return (str(text or "").strip().splitlines() or [""])[0].rstrip(".")
