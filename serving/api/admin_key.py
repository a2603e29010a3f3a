"""The admin key, which allows changes to the models of a running server."""

import hmac

from starlette.requests import Request

from serving.api.dependencies import CurrentService
from serving.errors import NoAdminKey, Unauthorized

HEADER = "X-Admin-Key"


async def require_admin(request: Request, service: CurrentService) -> None:
    """Let a request pass that has the admin key, as `Authorization: Bearer KEY` or `X-Admin-Key: KEY`.

    Raises Unauthorized, before the request's body is read.
    """
    admin_key = service.settings.admin_key
    if admin_key is None:
        raise NoAdminKey
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    received = token.strip() if scheme.lower() == "bearer" else request.headers.get(HEADER, "")
    if not hmac.compare_digest(received.encode("latin-1"), admin_key.get_secret_value().encode()):  # constant time
        raise Unauthorized
