"""What can go wrong in `train`, as one tree.

VistazoError                 from models.errors: its text is one sentence for the person, with what to do next
└── TrainError               base of what `train` raises
    ├── UnknownDataset       no data set has that name
    ├── NeedsAccount         the data are behind a login, so the person has to download them
    ├── DownloadError        the download did not finish (no network, server error); what arrived is kept
    │   └── ChecksumError    it finished, but these are not the bytes that upstream publishes
    ├── ArchiveError         an archive is damaged or is not one
    │   └── UnsafeArchive    an archive has links, leaves its folder or is absurdly big; nothing of it is kept
    ├── DataError            pictures or manifest are missing, or not laid out as upstream publishes them
    ├── RecipeError          a recipe, or a choice on the command line, that cannot be followed
    ├── RunError             a run directory is missing or incomplete, or training went wrong
    │   └── NotANumber       the loss became infinite or no number
    ├── ExportError          the exported network does not answer as the trained one does
    └── PublishError         a bundle, or its place on the Hub, is not one to publish

try:
    fetch(dataset, Path("data"))
except NeedsAccount as error:
    print(error)  # says where the download is and how to go on
"""

from models.errors import VistazoError


class TrainError(VistazoError):
    """Base of every error that `train` raises on purpose."""


class UnknownDataset(TrainError):
    """No data set has that name."""


class NeedsAccount(TrainError):
    """The data are behind a login; the text says where and how to go on."""


class DownloadError(TrainError):
    """The download did not finish; what arrived is kept, and the next attempt resumes there."""


class ChecksumError(DownloadError):
    """The file is complete, but not the one that upstream publishes."""


class ArchiveError(TrainError):
    """The file is damaged, or is no archive that `fetch` reads."""


class UnsafeArchive(ArchiveError):
    """The archive has links, members outside its folder, or absurd sizes."""


class DataError(TrainError):
    """Pictures or manifest are missing, or not laid out as upstream publishes them."""


class RecipeError(TrainError):
    """A recipe, or a choice on the command line, cannot be followed."""


class RunError(TrainError):
    """A run directory is missing or incomplete, or its training went wrong."""


class NotANumber(RunError):
    """The loss became infinite or no number, so that no weight means anything any more."""


class ExportError(TrainError):
    """The exported network does not answer as the trained one does; no bundle was written."""


class PublishError(TrainError):
    """The bundle is not whole, or the name or the version on the Hub is already something else's."""
