"""The trained model that a command is about, named by its run or by its bundle, with the pictures it was split from."""

from dataclasses import dataclass
from pathlib import Path

from models.bundle import INFO_NAME, BundleInfo, describe_file
from models.classifier import Classifier
from train import run as runs
from train.errors import DataError, RunError
from train.manifest import MANIFEST_NAME, Row, Split, read_manifest

BUNDLE = "bundle"  # the folder that `export` writes into a run


@dataclass(frozen=True)
class ExportedModel:
    """A bundle that has been loaded, what people call it, and the folder of its task's pictures."""

    name: str
    bundle: Path
    classifier: Classifier
    task_dir: Path

    @property
    def info(self) -> BundleInfo:
        """What the bundle says of itself."""
        return self.classifier.info

    def rows(self, split: Split) -> list[Row]:
        """The pictures of a split.

        Raises DataError where there are none, and RunError where the folder is not split as it was for the training.
        """
        rows = read_manifest(self.task_dir)
        if describe_file(self.task_dir / MANIFEST_NAME).sha256 != self.info.data.fingerprint:
            raise RunError(
                f"{self.task_dir} is not split as it was when {self.name} was trained, so pictures that it learnt from "
                "may be among those to measure: name its data with --data-dir, or fit again"
            )
        part = [row for row in rows if row.split == split]
        if not part:
            raise DataError(f"{self.task_dir} has no {split} pictures: fetch the data again")
        return part


def find(directory: Path, data_dir: Path | None = None) -> ExportedModel:
    """The model in a run's directory that has been exported, or in a bundle's.

    Its pictures are in `data_dir/TASK`; without `data_dir`, where the run had them, and in `data/TASK` for a bundle
    alone. Raises RunError when the directory is neither or has not been exported, BundleError for a damaged bundle.
    """
    is_run = (directory / runs.RUN_NAME).is_file()
    bundle = directory / BUNDLE if is_run else directory
    if not (bundle / INFO_NAME).is_file():
        raise RunError(
            f"{directory} has no bundle yet: run `python -m train export {directory}` first"
            if is_run
            else f"{directory} is neither a run nor a bundle: name the directory that `fit` or `export` printed"
        )
    classifier = Classifier.load(bundle)
    holder = bundle.resolve().parent
    in_run = (holder / runs.RUN_NAME).is_file()
    if data_dir is None and in_run:
        task_dir = Path(runs.read(holder).data_dir)
    else:
        task_dir = (data_dir or Path("data")) / classifier.task
    return ExportedModel(holder.name if in_run else bundle.resolve().name, bundle, classifier, task_dir)
