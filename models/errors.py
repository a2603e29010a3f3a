"""What can go wrong in `models`, as one tree.

VistazoError                 base: its text is one sentence for the person, with what to do next
├── PictureError             the picture cannot be used; `code` is the API's error code
│   ├── EmptyFile            zero bytes
│   ├── TooLarge             more bytes than the limit
│   ├── UnsupportedType      not a picture format that Vistazo reads
│   ├── TooManyPixels        more pixels than the limit, read from the header
│   └── UnreadableImage      the right format, but broken
├── BundleError              a bundle is damaged, incomplete or of another schema
├── HubError                 the Hugging Face Hub does not give or take what was asked
│   ├── HubUnreachable       not now: no connection, too slow, overloaded, or told to stay offline
│   └── HubStorage           this machine cannot store what the Hub gives
├── SourceError              it is not said where a model is to come from, or not as it should be
├── UnknownTask              no model has that name
└── ModelNotLoaded           the model is known but could not be loaded

try:
    prediction = catalog.get("digit").classify(data)
except PictureError as error:
    print(error.code, error)
"""

from typing import ClassVar


class VistazoError(Exception):
    """Base of every error that Vistazo raises on purpose; the text is meant for the person."""


class PictureError(VistazoError):
    """The picture cannot be used. `code` is the error code of the HTTP contract."""

    code: ClassVar[str]


class EmptyFile(PictureError):
    """The file has no bytes."""

    code = "empty_file"


class TooLarge(PictureError):
    """The file has more bytes than the limit."""

    code = "too_large"


class UnsupportedType(PictureError):
    """The bytes are not of a picture format that Vistazo reads."""

    code = "unsupported_type"


class TooManyPixels(PictureError):
    """The header announces more pixels than the limit; nothing was decoded."""

    code = "too_many_pixels"


class UnreadableImage(PictureError):
    """The format is known but the picture cannot be decoded (cut short, damaged)."""

    code = "unreadable_image"


class BundleError(VistazoError):
    """A bundle is damaged, incomplete, or of a schema that this version does not read."""


class HubError(VistazoError):
    """The Hugging Face Hub does not give or take what was asked: no rights, not found, not reachable, disk full."""


class HubUnreachable(HubError):
    """The Hub cannot be asked now: no connection, too slow, overloaded (429, 5xx), or HF_HUB_OFFLINE is set."""


class HubStorage(HubError):
    """What the Hub gives cannot be stored: the disk is full, or the cache may not be written."""


class SourceError(VistazoError):
    """It is not said where a model is to come from, or not as it should be."""


class NoPictures(VistazoError):
    """There is nothing to classify where the person pointed."""


class UnknownTask(VistazoError):
    """No model has that name."""


class ModelNotLoaded(VistazoError):
    """The task is known, but its model could not be loaded; the text says why."""
