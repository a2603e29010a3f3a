"""What the Hugging Face Hub, or the way to it, refused: as one sentence that says what to do next."""

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
    401: f"the Hub does not know this token (HTTP 401): {LOG_IN} to one of {{endpoint}}/settings/tokens",
    402: "the Hub wants a paid plan for it (HTTP 402; creating a Gradio Space needs one): name one that exists",
    403: "the token has no right to do it (HTTP 403): use a token that may write to this user's or organization's "
    "repositories, and look at the name",
    409: "the name is taken (HTTP 409): choose another",
    412: "somebody else changed the repository meanwhile (HTTP 412): run the command again",
    413: "it is too large for the Hub (HTTP 413)",
}


@contextmanager
def hub_errors(doing: str) -> Iterator[None]:
    """Raise HubError with one sentence for what the Hub's client raises inside; `doing` says what it "cannot" do.

    HubUnreachable where waiting may help (no connection, too slow, too many requests, an error of the Hub, offline
    mode), HubStorage where this machine cannot store a file.
    """
    try:
        yield
    except (httpx2.HTTPError, OSError, RuntimeError, ValueError) as error:
        kind, reason = _reason(_cause(error))
        raise kind(f"cannot {doing}: {reason}") from error


def _cause(error: Exception) -> Exception:
    """What lies below: the client wraps what the Hub, the connection or the disk said in errors of its own."""
    wrapper = isinstance(error, LocalEntryNotFoundError) or type(error) is RuntimeError
    return _cause(error.__cause__) if wrapper and isinstance(error.__cause__, Exception) else error


def _reason(error: Exception) -> tuple[type[HubError], str]:
    kind: type[HubError] = HubUnreachable
    match error:
        case HfHubHTTPError():
            kind, reason = _answer(error)
        case OfflineModeIsEnabled():
            reason = "HF_HUB_OFFLINE forbids to ask the Hub: unset it"
        case LocalTokenNotFoundError():
            kind, reason = HubError, f"there is no token: {LOG_IN}"
        case LocalEntryNotFoundError():
            reason = "it is not in the cache, and the Hub was not asked: unset HF_HUB_OFFLINE"
        case HFValidationError():
            kind, reason = HubError, f"the Hub has no such names ({_first_line(error)}): write it as USER/NAME"
        case httpx2.TimeoutException() | TimeoutError():
            reason = f"{constants.ENDPOINT} did not answer in time: try again later"
        case httpx2.HTTPError() | ConnectionError():
            words = _first_line(error) or type(error).__name__
            reason = f"the connection to {constants.ENDPOINT} failed ({words}): look at the network and try again"
        case OSError(errno=number) if number in _FULL:
            where = error.filename or constants.HF_HOME
            kind, reason = HubStorage, f"the disk is full ({where}): make room, or set HF_HOME to another disk"
        case OSError(errno=int()):
            where = error.filename or constants.HF_HOME
            kind, reason = HubStorage, f"{where} cannot be used ({error.strerror}): set HF_HOME to a folder of yours"
        case PermissionError():
            kind, reason = (
                HubError,
                f"the Hub's storage refused it ({_first_line(error)}): {LOG_IN} to a token that may",
            )
        case _:
            reason = f"what came is not what was expected ({_first_line(error)}): try again"
    return kind, reason


def _answer(error: HfHubHTTPError) -> tuple[type[HubError], str]:
    """What an answer of the Hub means that is an error."""
    kind: type[HubError] = HubError
    match error.response.status_code:
        case _ if isinstance(error, RevisionNotFoundError):
            reason = "the repository has no such revision: look at its branches, tags and commits"
        case _ if isinstance(error, RemoteEntryNotFoundError):
            reason = f"the repository has no {error.response.url.path.rpartition('/')[2]}: look at its files"
        case _ if isinstance(error, RepositoryNotFoundError):
            advice = "look at the name, and whether the token may read it" if get_token() else f"if private, {LOG_IN}"
            reason = f"the Hub has no such repository, or it is private: {advice}"
        case 401 if get_token() is None:
            reason = f"there is no token: {LOG_IN}"
        case 429:
            wait = error.response.headers.get("Retry-After")
            when = f"in {wait} seconds" if wait else "in some minutes"
            kind, reason = HubUnreachable, f"the Hub got too many requests (HTTP 429): try again {when}"
        case status if status >= 500:
            kind, reason = HubUnreachable, f"the Hub has a fault (HTTP {status}): try again later"
        case status if status in _STATUSES:
            reason = _STATUSES[status].format(endpoint=constants.ENDPOINT)
        case status:
            reason = f"the Hub refused it (HTTP {status}: {_first_line(error.server_message)}): report this"
    return kind, reason


def _first_line(said: object) -> str:
    return (str(said or "").strip().splitlines() or [""])[0].rstrip(".")
