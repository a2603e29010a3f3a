"""The real archives, where they are: the splits have the known sizes and nothing straddles."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from rich.progress import Progress

from train.sources.datasets import dataset_for
from train.sources.fetch import fetch_dataset

ARCHIVES = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.parametrize(
    ("task", "name", "sizes"),
    [
        ("digit", "mnist", {"train": 55_000, "val": 5_000, "test": 10_000}),
        ("flower", "flower_photos.tgz", {"train": 2_429, "val": 524, "test": 521}),
        ("pneumonia", "chest_xray.zip", {"train": 4_596, "val": 636, "test": 310}),
    ],
)
def test_the_real_archive_is_split(
    task: str, name: str, sizes: dict[str, int], tmp_path: Path, progress: Progress
) -> None:
    source = ARCHIVES / name
    if not source.exists():
        pytest.skip(f"{source} is missing")
    fetched = fetch_dataset(dataset_for(task), tmp_path, progress, str(source))
    assert Counter(row.split for row in fetched.rows) == sizes
    splits = defaultdict(set)
    for row in fetched.rows:
        splits[row.group].add(row.split)
    assert all(len(found) == 1 for found in splits.values())
