"""The interface of a loaded model: a description, and where its predictions come from."""

from typing import Protocol

from models.bundle import BundleInfo


class Model(Protocol):
    """A model that was verified and loaded: a `Classifier` in this process, or one in worker processes."""

    @property
    def info(self) -> BundleInfo:
        """The description of the model."""

    @property
    def task(self) -> str:
        """The name of the model's task."""

    @property
    def revision(self) -> str:
        """The revision that responses report."""

    @property
    def engine_name(self) -> str:
        """The name of the engine that runs the network."""
