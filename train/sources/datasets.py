"""The built-in data sets: downloads, layout, labels and credits of each task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from train.errors import UnknownDataset

# Upstream's layout, which decides how pictures are grouped before the split.
# "idx": two pairs of idx files, no groups; "patient": official train and test folders, grouped by patient;
# "near_duplicate": one folder for each class, grouped by perceptual hash
Layout = Literal["idx", "patient", "near_duplicate"]


@dataclass(frozen=True, slots=True)
class Credit:
    """Source, license and citation of a data set, as the model card prints them."""

    name: str
    license: str
    license_url: str
    citation: str
    homepage: str
    hub_id: str | None = None  # of a copy of the same pictures on the Hugging Face Hub


@dataclass(frozen=True, slots=True)
class Download:
    """A file of upstream: name, URLs in the order to try, and MD5 where upstream publishes a fixed file."""

    name: str
    urls: tuple[str, ...]
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The data set of a task.

    `folders` maps upstream's class folders to labels. `validation` and `test` are the shares to split off, by group;
    `test` is 0 where upstream has an official test split. `by_hand` has the instructions for a data set behind a
    login, which has no `downloads`.
    """

    task: str
    layout: Layout
    folders: Mapping[str, str]
    validation: float
    test: float
    credit: Credit
    downloads: tuple[Download, ...] = ()
    by_hand: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the network's outputs."""
        return tuple(self.folders.values())


def _mnist(name: str, md5: str) -> Download:
    mirrors = ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")
    return Download(name, tuple(mirror + name for mirror in mirrors), md5)


DIGIT = Dataset(
    task="digit",
    layout="idx",
    folders={str(digit): str(digit) for digit in range(10)},
    validation=1 / 12,  # 5,000 of 60,000
    test=0,
    credit=Credit(
        name="MNIST",
        license="CC BY-SA 3.0",
        license_url="https://creativecommons.org/licenses/by-sa/3.0/",
        citation="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner. Gradient-based learning applied to document "
        "recognition. Proceedings of the IEEE 86(11), 1998.",
        homepage="http://yann.lecun.com/exdb/mnist/",
        hub_id="ylecun/mnist",
    ),
    downloads=(
        _mnist("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        _mnist("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        _mnist("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        _mnist("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
)

FLOWER = Dataset(
    task="flower",
    layout="near_duplicate",
    folders={name: name for name in ("daisy", "dandelion", "roses", "sunflowers", "tulips")},
    validation=0.15,
    test=0.15,
    credit=Credit(
        name="TensorFlow flower_photos",
        license="CC BY 2.0, each photo credited in the archive's LICENSE.txt",
        license_url="https://creativecommons.org/licenses/by/2.0/",
        citation="The TensorFlow Team. Flowers, January 2019.",
        homepage="https://www.tensorflow.org/datasets/catalog/tf_flowers",
    ),
    downloads=(
        Download(
            "flower_photos.tgz",
            ("https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",),
        ),
    ),
)

_KAGGLE = "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"
_MENDELEY = (
    "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
    "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded"
)

PNEUMONIA = Dataset(
    task="pneumonia",
    layout="patient",
    folders={"NORMAL": "normal", "PNEUMONIA": "pneumonia"},
    validation=0.12,
    test=0,
    credit=Credit(
        name="Chest X-Ray Images (Pneumonia)",
        license="CC BY 4.0",
        license_url="https://creativecommons.org/licenses/by/4.0/",
        citation="D. S. Kermany, M. Goldbaum, W. Cai et al. Identifying Medical Diagnoses and Treatable Diseases by "
        "Image-Based Deep Learning. Cell 172(5), 2018. Data: Mendeley Data, doi:10.17632/rscbjbr9sj.",
        homepage="https://data.mendeley.com/datasets/rscbjbr9sj",
        hub_id="hf-vision/chest-xray-pneumonia",
    ),
    by_hand=f"the chest X-rays are on Kaggle, which requires an account: download them from {_KAGGLE} and run "
    "`python -m train fetch pneumonia --source PATH_TO/archive.zip`, or use the authors' copy (1.2 GB, no "
    f"account) with `python -m train fetch pneumonia --source {_MENDELEY}`",
)

DATASETS: Mapping[str, Dataset] = {dataset.task: dataset for dataset in (DIGIT, FLOWER, PNEUMONIA)}


def dataset_for(task: str) -> Dataset:
    """Return the data set of a built-in task. Raises UnknownDataset for any other name."""
    try:
        return DATASETS[task]
    except KeyError:
        raise UnknownDataset(f"there is no data set for {task!r}: choose one of {', '.join(DATASETS)}") from None


def credit_for(task: str) -> Credit:
    """Return the credit of the data set of `task`. For a user's folder, only its name is known."""
    if task in DATASETS:
        return DATASETS[task].credit
    return Credit(name=task, license="unknown", license_url="", citation="", homepage="")
