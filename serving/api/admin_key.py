"""Who may do what: the key of who runs the server."""

import hmac

from starlette.requests import Request

from serving.errors import NoAdminKey, Unauthorized
from serving.settings import Settings

HEADER = "X-Admin-Key"


def require_admin(request: Request, settings: Settings) -> None:
    """Pass a request that has the admin key, as `Authorization: Bearer KEY` or `X-Admin-Key: KEY`.

    Raises Unauthorized, before anything of the request's body is read.
    """
    if settings.admin_key is None:
        raise NoAdminKey
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    sent = token.strip() if scheme.lower() == "bearer" else request.headers.get(HEADER, "")
    key = settings.admin_key.get_secret_value().encode()
    if not hmac.compare_digest(sent.encode("latin-1"), key):  # in the same time whatever was sent
        raise Unauthorized
