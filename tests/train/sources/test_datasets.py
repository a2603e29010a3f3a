"""The description of each data set is complete."""

import pytest

from train.errors import UnknownDataset
from train.sources.datasets import DATASETS, Dataset, dataset_for


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_each_has_a_way_to_its_data_and_a_credit(dataset: Dataset) -> None:
    assert dataset_for(dataset.task) is dataset
    assert bool(dataset.downloads) != bool(dataset.by_hand)
    assert all(url.startswith("https://") for file in dataset.downloads for url in file.urls)
    assert dataset.credit.license.startswith("CC BY")
    assert dataset.credit.citation
    assert len(set(dataset.labels)) == len(dataset.labels)


def test_mnist_has_upstreams_checksums() -> None:
    assert [(file.md5 or "")[:8] for file in DATASETS["digit"].downloads] == [
        "f68b3c2d", "d53e105e", "9fb629c4", "ec29112d",
    ]  # fmt: skip


def test_an_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(UnknownDataset, match="'rose': choose one of digit, flower, pneumonia"):
        dataset_for("rose")
