"""What /docs says of the routes beside their own text: bodies that FastAPI does not read itself, and errors."""

from typing import Any

from fastapi.security import HTTPBearer

from serving.api.schemas import ErrorAnswer, Reload
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
                            "description": "the picture: PNG, JPEG, WebP, GIF (first frame), BMP or TIFF",
                        }
                    },
                }
            }
        },
    }
}


def _documented(*kinds: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "model": ErrorAnswer,
            "description": description,
            "content": {
                "application/json": {
                    "example": {
                        "error": "…",
                        "code": description.partition(",")[0].partition(" ")[0],
                        "request_id": "5f0c8a4e6d1b4f0e",
                    }
                }
            },
        }
        for status, description in kinds
    }


PREDICT_ERRORS = _documented(
    (400, "missing_file, empty_file or no_file_selected"),
    (404, "unknown_task"),
    (413, "too_large"),
    (415, "unsupported_type"),
    (422, "unreadable_image, too_many_pixels or invalid_request"),
    (503, "busy (with Retry-After) or model_not_loaded"),
    (504, "timeout"),
)


MODEL_ERRORS = _documented((404, "unknown_task"), (422, "invalid_request"))
RELOAD_ERRORS = _documented(
    (401, "unauthorized"),
    (404, "unknown_task"),
    (409, "model_refused, for it does not check out"),
    (422, "invalid_request"),
    (502, "hub_failed, for the Hub does not give it"),
)
RELOAD = {"requestBody": {"content": {"application/json": {"schema": Reload.model_json_schema()}}}}
ADMIN_KEY = HTTPBearer(scheme_name="admin key", auto_error=False)  # `serving.api.admin_key` checks it
