"""Parts of the OpenAPI description that FastAPI cannot derive: multipart bodies and error responses."""

import re
from typing import Any

from fastapi.security import HTTPBearer

from models.images.formats import format_titles
from serving.api.schemas import ErrorResponse, ReloadRequest
from serving.api.upload import FIELD

MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": f"the picture: {format_titles('or')}; of a GIF the first frame",
                        }
                    },
                }
            }
        },
    }
}


def _error_responses(*kinds: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "model": ErrorResponse,
            "description": description,
            "content": {
                "application/json": {
                    "example": {
                        "error": "…",
                        "code": re.split("[,: ]", description)[0],
                        "request_id": "5f0c8a4e6d1b4f0e",
                    }
                }
            },
        }
        for status, description in kinds
    }


PREDICT_ERRORS = _error_responses(
    (400, "missing_file, empty_file or no_file_selected"),
    (404, "unknown_task"),
    (413, "too_large"),
    (415, "unsupported_type"),
    (422, "unreadable_image, too_many_pixels, too_much_memory or invalid_request"),
    (503, "busy (with Retry-After) or model_not_loaded"),
    (504, "timeout"),
)


MODEL_ERRORS = _error_responses((404, "unknown_task"), (422, "invalid_request"))
RELOAD_ERRORS = _error_responses(
    (401, "unauthorized"),
    (404, "unknown_task"),
    (409, "model_refused: the new model is damaged"),
    (422, "invalid_request"),
    (502, "hub_failed: the Hub does not deliver the new model"),
)
RELOAD = {"requestBody": {"content": {"application/json": {"schema": ReloadRequest.model_json_schema()}}}}
ADMIN_KEY = HTTPBearer(
    scheme_name="admin key", auto_error=False
)  # for /docs only; `serving.api.admin_key` checks the key
