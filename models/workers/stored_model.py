"""A model as bytes: read and verified once, then handed to every worker, whatever happens to its files later."""

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path

from models import bundle
from models.bundle import BundleInfo
from models.engines.litert import LiteRTEngine
from models.errors import BundleError
from models.workers.wire import Message

_keys = itertools.count(1)


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel:
    """The description and the network of a verified bundle. `key` names it in messages to workers."""

    key: int
    info: BundleInfo
    revision: str
    network: bytes

    @property
    def task(self) -> str:
        """The name of the model's task."""
        return self.info.task

    @property
    def engine_name(self) -> str:
        """The name of the engine that runs the network."""
        return LiteRTEngine.name

    def fields(self) -> dict[str, object]:
        """Return everything but the network as JSON."""
        return {
            "key": self.key,
            "info": self.info.model_dump_json(),
            "revision": self.revision,
        }

    @classmethod
    def parse(cls, message: Message) -> "StoredModel":
        """Return the model of a message."""
        fields = message.fields
        info = BundleInfo.model_validate_json(fields["info"])
        return cls(fields["key"], info, fields["revision"], bytes(message.body))


def read(directory: Path, revision: str | None = None) -> StoredModel:
    """Read and verify the bundle in `directory`. Raises BundleError.

    `revision` is the revision that responses report (default: the SHA-256 of the bundle's `vistazo.json`).
    """
    info = bundle.load(directory)
    path = directory / bundle.MODEL_NAME
    try:
        network = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}): copy the bundle again") from error
    if hashlib.sha256(network).hexdigest() != info.files[bundle.MODEL_NAME].sha256:
        raise BundleError(f"{path} changed while it was read: try again")
    revision = revision or bundle.describe_file(directory / bundle.INFO_NAME).sha256
    return StoredModel(next(_keys), info, revision, network)
