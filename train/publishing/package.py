"""What is published: a whole bundle that checks out, with a card that says something."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import ModelCard

from models import bundle
from models.bundle import BundleInfo, FileEntry
from train.errors import PublishError
from train.exported_model import BUNDLE_FOLDER
from train.run import RUN_NAME

EXPORT = "export the run (python -m train export RUN) and publish RUN/bundle"


@dataclass(frozen=True, slots=True)
class Package:
    """A bundle that may be published. `files` are all of its files, `vistazo.json` too, by name."""

    directory: Path
    info: BundleInfo
    card: ModelCard
    files: dict[str, FileEntry]

    def describe(self) -> str:
        """The files with their sizes, and the card."""
        rows = [f"{entry.size:>13,} bytes  {name}" for name, entry in sorted(self.files.items())]
        total = f"{sum(entry.size for entry in self.files.values()):>13,} bytes in {len(rows)} files"
        return "\n".join([*rows, total, "", (self.directory / bundle.CARD_NAME).read_text(encoding="utf-8")])


def pack(path: Path) -> Package:
    """Check the bundle in `path`, or the one of the run in `path`, and its card.

    Raises BundleError when it is damaged, PublishError when it is not whole or its card cannot be read.
    """
    directory = path / BUNDLE_FOLDER if (path / RUN_NAME).is_file() else path
    info = bundle.load(directory)
    unlisted = [name for name in (bundle.CARD_NAME, *bundle.KERAS_FILES) if name not in info.files]
    if absent := [*unlisted, *bundle.missing(directory, info)]:
        raise PublishError(f"{directory} is a copy to serve from, without {', '.join(absent)}: {EXPORT}")
    described = bundle.describe_file(directory / bundle.INFO_NAME)
    files = {bundle.INFO_NAME: described, **info.files}
    return Package(directory, info, _card(directory / bundle.CARD_NAME), files)


def _card(path: Path) -> ModelCard:
    try:
        card: ModelCard = ModelCard.load(path)
    except (ValueError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise PublishError(f"the front matter of {path} cannot be read ({words}): {EXPORT}") from error
    if not card.data.get("library_name"):
        raise PublishError(f"the front matter of {path} says nothing, so nobody would find it on the Hub: {EXPORT}")
    return card
