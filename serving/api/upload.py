"""Reading the files of a multipart request: in memory, within the limit."""

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from models.errors import TooLarge
from serving.errors import MissingFile, NoFileSelected

FIELD = "file"
# Allowance of a request for everything but the picture: boundaries, part headers, a few text fields.
ENVELOPE_BYTES = 64 * 1024


class _InMemoryParser(MultiPartParser):
    # Starlette writes parts of more than 1 MB to disk. `serving.middleware.intake` bounds the whole request.
    spool_max_size = 0  # 0: never


async def read_picture(request: Request, max_bytes: int) -> bytes:
    """Return the bytes of the first file part named `file`.

    Raises MissingFile, NoFileSelected or TooLarge.
    """
    files = await read_files(request, FIELD, max_bytes)
    if not files:
        raise MissingFile
    name, data = files[0]
    if not name:
        raise NoFileSelected
    return data


async def read_files(request: Request, field: str, max_bytes: int) -> list[tuple[str, bytes]]:
    """Return the file names and the bytes of the file parts named `field`.

    Raises MissingFile when the body is not a multipart form, and TooLarge.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MissingFile
    try:
        form = await _InMemoryParser(request.headers, request.stream(), max_files=16, max_fields=16).parse()
    except MultiPartException:
        raise MissingFile from None
    try:
        parts = [value for value in form.getlist(field) if isinstance(value, UploadFile)]
        too_large = next((part for part in parts if (part.size or 0) > max_bytes), None)
        if too_large is not None:
            raise TooLarge(max_bytes, too_large.size)
        return [(part.filename or "", await part.read()) for part in parts]
    finally:
        await form.close()
