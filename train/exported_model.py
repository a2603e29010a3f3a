"""An exported model, loaded from its run or its bundle, with the data that it was trained on."""

from dataclasses import dataclass
from pathlib import Path

from models.bundle import INFO_NAME, BundleInfo, describe_file
from models.classifier import Classifier
from models.loading import load_classifier
from train import run as runs
from train.errors import DataError, RunError
from train.manifest import MANIFEST_NAME, Row, Split, read_manifest

BUNDLE_FOLDER = "bundle"  # in the directory of a run


@dataclass(frozen=True)
class ExportedModel:
    """A loaded bundle and the folder of its data.

    `name` is the name of the run, or of the bundle's directory without a run. `bundle` is the bundle's directory.
    """

    name: str
    bundle: Path
    classifier: Classifier
    task_dir: Path

    @property
    def info(self) -> BundleInfo:
        """Metadata of the bundle."""
        return self.classifier.info

    def rows(self, split: Split) -> list[Row]:
        """Return the rows of a split.

        Raises DataError when the split is empty, RunError when the manifest is not the one of the training.
        """
        rows = read_manifest(self.task_dir)
        if describe_file(self.task_dir / MANIFEST_NAME).sha256 != self.info.data.fingerprint:
            raise RunError(
                f"{self.task_dir} is not split as it was when {self.name} was trained, so training pictures may be "
                "among the pictures to evaluate: give the data of the training with --data-dir, or fit again"
            )
        part = [row for row in rows if row.split == split]
        if not part:
            raise DataError(f"{self.task_dir} has no {split} pictures: fetch the data again")
        return part


def load_exported_model(directory: Path, data_dir: Path | None = None) -> ExportedModel:
    """Load the model of an exported run or of a bundle.

    The data are expected in `data_dir/TASK`. Without `data_dir`, the data folder of the run is used, or `data/TASK`
    for a bundle without a run. Raises RunError when the directory is neither a run nor a bundle, or the run has not
    been exported; BundleError when the bundle is damaged.
    """
    is_run = (directory / runs.RUN_NAME).is_file()
    bundle = directory / BUNDLE_FOLDER if is_run else directory
    if not (bundle / INFO_NAME).is_file():
        raise RunError(
            f"{directory} has no bundle yet: run `python -m train export {directory}` first"
            if is_run
            else f"{directory} is neither a run nor a bundle: give the directory that `fit` or `export` printed"
        )
    classifier = load_classifier(bundle)
    parent = bundle.resolve().parent
    in_run = (parent / runs.RUN_NAME).is_file()
    if data_dir is None and in_run:
        task_dir = Path(runs.read(parent).data_dir)
    else:
        task_dir = (data_dir or Path("data")) / classifier.task
    return ExportedModel(parent.name if in_run else bundle.resolve().name, bundle, classifier, task_dir)
