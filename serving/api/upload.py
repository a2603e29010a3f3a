"""The picture in a multipart request, in memory and within the limit."""

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from serving.errors import MissingFile, NoFileSelected
from serving.service import too_large
from serving.settings import Settings

FIELD = "file"
# What a request may have beside the picture: boundaries, part headers, a few text fields.
ENVELOPE_BYTES = 64 * 1024


class _InMemoryParser(MultiPartParser):
    # Starlette would write to disk what is over 1 MB. `serving.middleware.request_context` bounds the whole request.
    spool_max_size = 0  # 0: never


async def read_picture(request: Request, settings: Settings) -> bytes:
    """The bytes of the first file part called `file`.

    Raises MissingFile, NoFileSelected or TooManyBytes.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MissingFile
    try:
        form = await _InMemoryParser(request.headers, request.stream(), max_files=16, max_fields=16).parse()
    except MultiPartException:
        raise MissingFile from None
    try:
        part = next((value for value in form.getlist(FIELD) if isinstance(value, UploadFile)), None)
        if part is None:
            raise MissingFile
        if not part.filename:
            raise NoFileSelected
        if (part.size or 0) > settings.max_bytes:
            raise too_large(settings)
        return await part.read()
    finally:
        await form.close()
