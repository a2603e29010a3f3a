"""Check that a bundle can be published: all of its files are there, and its card has metadata."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import ModelCard

from models import bundle
from models.bundle import BundleInfo, FileEntry
from train.errors import PublishError
from train.exported_model import BUNDLE_FOLDER
from train.run import RUN_NAME

EXPORT_ADVICE = "export the run (python -m train export RUN) and publish RUN/bundle"


@dataclass(frozen=True, slots=True)
class Package:
    """A bundle that can be published. `files` has all of its files by name, including `vistazo.json`."""

    directory: Path
    info: BundleInfo
    card: ModelCard
    files: dict[str, FileEntry]

    def describe(self) -> str:
        """Return the list of files with their sizes, followed by the card."""
        rows = [f"{entry.size:>13,} bytes  {name}" for name, entry in sorted(self.files.items())]
        total = f"{sum(entry.size for entry in self.files.values()):>13,} bytes in {len(rows)} files"
        return "\n".join([*rows, total, "", (self.directory / bundle.CARD_NAME).read_text(encoding="utf-8")])


def load_package(path: Path) -> Package:
    """Load and check the bundle in `path`, or the bundle of the run in `path`.

    Raises BundleError when the bundle is damaged, PublishError when files are missing or the card has no valid
    metadata.
    """
    directory = path / BUNDLE_FOLDER if (path / RUN_NAME).is_file() else path
    info = bundle.load(directory)
    unlisted = [name for name in (bundle.CARD_NAME, *bundle.KERAS_FILES) if name not in info.files]
    if absent := [*unlisted, *bundle.missing_files(directory, info)]:
        raise PublishError(f"{directory} is a copy for serving, without {', '.join(absent)}: {EXPORT_ADVICE}")
    info_entry = bundle.describe_file(directory / bundle.INFO_NAME)
    files = {bundle.INFO_NAME: info_entry, **info.files}
    return Package(directory, info, _load_card(directory / bundle.CARD_NAME), files)


def _load_card(path: Path) -> ModelCard:
    try:
        card: ModelCard = ModelCard.load(path)
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise PublishError(f"the front matter of {path} cannot be read ({reason}): {EXPORT_ADVICE}") from error
    if not card.data.get("library_name"):
        raise PublishError(
            f"the front matter of {path} has no library_name, so the Hub would not list the model: {EXPORT_ADVICE}"
        )
    return card
