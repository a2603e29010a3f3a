"""Errors of `train`, as one tree.

VistazoError                 from models.errors: the message is one sentence for the user, with what to do next
└── TrainError               base of all errors that `train` raises
    ├── UnknownDataset       there is no data set with this name
    ├── NeedsAccount         the data require a login, so the user has to download them
    ├── DownloadError        the download did not finish (no network, server error); the received part is kept
    │   └── ChecksumError    it finished, but the file is not the one that the source publishes
    ├── ArchiveError         a file is damaged or is not an archive
    │   └── UnsafeArchive    an archive has links, paths outside its folder or excessive sizes; nothing is extracted
    ├── DataError            pictures or the manifest are missing, or the folders have an unexpected layout
    ├── RecipeError          a recipe or a command-line option is not valid
    ├── RunError             a run directory is missing or incomplete, or training failed
    │   └── NotANumber       the loss became infinite or NaN
    ├── ExportError          the exported network and the trained one give different outputs
    └── PublishError         a bundle cannot be published, or not in this repository

try:
    fetch(dataset, Path("data"))
except NeedsAccount as error:
    print(error)  # it says where to download the data and how to continue
"""

from models.errors import VistazoError


class TrainError(VistazoError):
    """Base of all errors that `train` raises."""


class UnknownDataset(TrainError):
    """There is no data set with this name."""


class NeedsAccount(TrainError):
    """The data require a login. The message says where to download them and how to continue."""


class DownloadError(TrainError):
    """The download did not finish. The received part is kept, and the next attempt resumes there."""


class ChecksumError(DownloadError):
    """The download finished, but the file is not the one that the source publishes."""


class ArchiveError(TrainError):
    """The file is damaged, or is not an archive that `fetch` can read."""


class UnsafeArchive(ArchiveError):
    """The archive has links, paths outside its folder, or excessive sizes. Nothing is extracted."""


class DataError(TrainError):
    """Pictures or the manifest are missing, or the folders have an unexpected layout."""


class RecipeError(TrainError):
    """A recipe or a command-line option is not valid."""


class RunError(TrainError):
    """A run directory is missing or incomplete, or its training failed."""


class NotANumber(RunError):
    """The loss became infinite or NaN, so the weights cannot be used."""


class ExportError(TrainError):
    """The exported network and the trained one give different outputs. No bundle was written."""


class PublishError(TrainError):
    """The bundle is incomplete, or the repository or the version on the Hub belongs to something else."""
