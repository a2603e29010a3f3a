"""The errors of Vistazo, as one tree.

VistazoError                 base: the text is one sentence for the person, with what to do next
├── PictureError             the picture cannot be used
│   ├── EmptyFile            zero bytes
│   ├── TooLarge             more bytes than the limit
│   ├── UnsupportedType      not a picture format that Vistazo reads
│   ├── TooManyPixels        more pixels than the limit, read from the header
│   ├── TooMuchMemory        decoding would take more memory than one picture may have
│   └── UnreadableImage      a known format, but damaged
├── UnknownTask              no model has that name
├── ModelNotLoaded           the model is known but could not be loaded
├── BundleError              a bundle is damaged, incomplete or of another schema
├── HubError                 the Hugging Face Hub refused a request
│   ├── HubUnreachable       a temporary failure: no connection, too slow, overloaded, or offline mode
│   └── HubStorage           this machine cannot store a file from the Hub
├── SourceError              the name of a model's source is missing or malformed
├── NoPictures               there are no pictures at the given paths
├── RequestError             (serving.errors) an HTTP request that cannot be served
└── TrainError               (train.errors) an error of training

`code` is the error code of the HTTP contract. `serving.errors` maps it to a status, and `serving.i18n.messages` to a
sentence in Spanish and English, with `values` for its placeholders.

try:
    prediction = catalog.get("digit").classify(data)
except PictureError as error:
    print(error.code, error)
"""

from typing import ClassVar


class VistazoError(Exception):
    """Base of every error that Vistazo raises on purpose. The text is meant for the person."""

    code: ClassVar[str] = "internal_error"

    @property
    def values(self) -> dict[str, object]:
        """Values for the placeholders of the translated sentence."""
        return {}


class PictureError(VistazoError):
    """The picture cannot be used."""


class EmptyFile(PictureError):
    """The file has no bytes."""

    code = "empty_file"

    def __init__(self) -> None:
        super().__init__("The file is empty; choose another one.")


class TooLarge(PictureError):
    """The file has more bytes than the limit. `size` is None when the file was not read to its end."""

    code = "too_large"

    def __init__(self, limit: int, size: int | None = None) -> None:
        found = "more bytes than allowed" if size is None else f"{size:,} bytes"
        super().__init__(f"The file has {found} and the limit is {limit:,}; send a smaller picture.")
        self.limit = limit

    @property
    def values(self) -> dict[str, object]:
        """The limit in megabytes."""
        return {"megabytes": f"{self.limit / 1e6:g}"}


class UnsupportedType(PictureError):
    """The bytes are not of a picture format that Vistazo reads; `formats` lists the ones that it reads."""

    code = "unsupported_type"

    def __init__(self, formats: str) -> None:
        super().__init__(f"The file is not a picture that Vistazo reads; send {formats}.")


class TooManyPixels(PictureError):
    """The header has more pixels than the limit; nothing was decoded. `size` is `(width, height)` when known."""

    code = "too_many_pixels"

    def __init__(self, limit: int, size: tuple[int, int] | None = None) -> None:
        found = "too many" if size is None else f"{size[0]} x {size[1]}"
        super().__init__(f"The picture has {found} pixels and the limit is {limit:,}; send a smaller picture.")
        self.limit = limit

    @property
    def values(self) -> dict[str, object]:
        """The limit in megapixels."""
        return {"megapixels": f"{self.limit / 1e6:g}"}


class TooMuchMemory(PictureError):
    """Decoding would take more memory than one picture may have."""

    code = "too_much_memory"

    def __init__(self) -> None:
        super().__init__("The picture needs too much memory; save it again as JPEG, or smaller, and send that.")


class UnreadableImage(PictureError):
    """The format is known, but the picture cannot be decoded (incomplete, damaged, or of a variant that costs much)."""

    code = "unreadable_image"

    def __init__(self) -> None:
        super().__init__("The picture is damaged or of a rare variant; save it again as PNG or JPEG and send that.")


class UnknownTask(VistazoError):
    """No model has that name."""

    code = "unknown_task"

    def __init__(self, task: str, tasks: tuple[str, ...]) -> None:
        super().__init__(f"no model is called {task!r}: choose one of {', '.join(tasks)}")
        self.task = task
        self.tasks = tasks

    @property
    def values(self) -> dict[str, object]:
        """The requested task and the known ones."""
        return {"task": self.task, "tasks": ", ".join(self.tasks)}


class ModelNotLoaded(VistazoError):
    """The task is known, but its model could not be loaded."""

    code = "model_not_loaded"

    def __init__(self, task: str, reason: str | None) -> None:
        super().__init__(f"the model for {task!r} is not available: {reason}")
        self.task = task

    @property
    def values(self) -> dict[str, object]:
        """The task. The reason may hold paths and is for the log only."""
        return {"task": self.task}


class BundleError(VistazoError):
    """A bundle is damaged, incomplete, or of a schema that this version does not read."""


class HubError(VistazoError):
    """The Hugging Face Hub refused a request: no permission, not found, not reachable, disk full."""


class HubUnreachable(HubError):
    """A temporary failure: no connection, too slow, overloaded (429, 5xx), or HF_HUB_OFFLINE is set."""


class HubStorage(HubError):
    """A file from the Hub cannot be stored: the disk is full, or the cache is not writable."""


class SourceError(VistazoError):
    """The name of a model's source is missing or malformed."""


class NoPictures(VistazoError):
    """There are no pictures at the given paths."""
