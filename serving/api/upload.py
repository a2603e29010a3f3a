"""Reading the picture of a multipart request: in memory, within the limit."""

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from models.errors import TooLarge
from serving.errors import MissingFile, NoFileSelected

FIELD = "file"
# Allowance of a request for everything but the picture: boundaries, part headers, a few text fields.
ENVELOPE_BYTES = 64 * 1024


class _InMemoryParser(MultiPartParser):
    # Starlette writes parts of more than 1 MB to disk. `serving.middleware.body_limit` bounds the whole request.
    spool_max_size = 0  # 0: never


async def read_picture(request: Request, max_bytes: int) -> bytes:
    """Return the bytes of the first file part named `file`.

    Raises MissingFile, NoFileSelected or TooLarge.
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
        if (part.size or 0) > max_bytes:
            raise TooLarge(max_bytes, part.size)
        return await part.read()
    finally:
        await form.close()
