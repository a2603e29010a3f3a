"""Fetch of a built-in data set into `data/TASK`: download, unpack, split, and write the manifest.

The folder is built under a hidden name next to `data/TASK` and renamed when complete, so an interrupted fetch leaves no
incomplete data. Downloads stay in `data/downloads`, to resume them or to split again. They may be deleted.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from rich.progress import Progress

from train.errors import DataError, NeedsAccount
from train.manifest import MANIFEST_NAME, Row, read_manifest, write_manifest
from train.sources.archives import unpack
from train.sources.convert import convert_folders, convert_idx
from train.sources.datasets import Dataset, Download
from train.sources.download import download_file

RECORD_NAME = "fetched.json"  # only a folder with this file may be replaced


@dataclass(frozen=True, slots=True)
class _Record:
    """Content of `fetched.json`, the options of the last fetch. `source` is None for upstream."""

    source: str | None
    seed: int
    left_out: int  # excluded pictures; the key is part of existing files


@dataclass(frozen=True, slots=True)
class FetchedDataset:
    """A fetched data set. `excluded` is the number of pictures of the source that are in no split."""

    directory: Path
    rows: list[Row]
    excluded: int
    already_present: bool

    def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of pictures by split and label."""
        return Counter((row.split, row.label) for row in self.rows)


def fetch_dataset(
    dataset: Dataset, data_dir: Path, progress: Progress, source: str | None = None, seed: int = 0
) -> FetchedDataset:
    """Create `data_dir/TASK` from upstream, or from `source`: a URL, an archive or an unpacked folder.

    Does nothing when source and seed are those of the last fetch. Without `source`, the last one is used again.
    Starts and stops `progress`.

    Raises NeedsAccount when upstream requires a login, DownloadError, ArchiveError, and DataError when the source is
    missing or has another layout.
    """
    task_dir = data_dir / dataset.task
    last = _read_record(task_dir)
    if source is None:
        source = last.source if last else None
    elif not _is_url(source):
        source = str(Path(source).expanduser().resolve())
    if last and (last.source, last.seed) == (source, seed) and (task_dir / MANIFEST_NAME).is_file():
        return FetchedDataset(task_dir, read_manifest(task_dir), last.left_out, already_present=True)
    if source is None and dataset.by_hand is not None:
        raise NeedsAccount(dataset.by_hand)
    if source is not None and not _is_url(source) and not Path(source).exists():
        raise DataError(f"{source} does not exist: give --source an archive, a folder or a URL")
    with _staging(data_dir, dataset.task) as staging, progress:
        origin = _obtain(dataset, source, data_dir / "downloads" / dataset.task, progress)
        folder = origin
        if origin.is_file():
            folder = staging / "unpacked"
            unpack(origin, folder, progress)
        built = staging / "built"
        built.mkdir()
        if dataset.layout == "idx":
            rows, excluded = convert_idx(dataset, folder, built, seed, progress), 0
        else:
            rows, excluded = convert_folders(dataset, folder, built, seed, progress, move=folder is not origin)
        write_manifest(built, rows)
        record = json.dumps(asdict(_Record(source, seed, excluded)), indent=2)
        (built / RECORD_NAME).write_text(record + "\n", encoding="utf-8")
        if task_dir.exists():
            task_dir.rename(staging / "previous")
        built.rename(task_dir)
    return FetchedDataset(task_dir, sorted(rows), excluded, already_present=False)


def _read_record(task_dir: Path) -> _Record | None:
    if not task_dir.exists():
        return None
    try:
        return _Record(**json.loads((task_dir / RECORD_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{task_dir} exists but was not made by `fetch`: move it away, or choose another folder with --data-dir"
        ) from error


@contextmanager
def _staging(data_dir: Path, task: str) -> Iterator[Path]:
    """Create a hidden folder next to the result, and remove it on exit."""
    staging = data_dir / f".{task}.part"
    shutil.rmtree(staging, ignore_errors=True)  # a killed fetch may have left one
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _obtain(dataset: Dataset, source: str | None, downloads: Path, progress: Progress) -> Path:
    """Return the archive or folder with the data, after downloading it if necessary."""
    if source is not None and not _is_url(source):
        return Path(source)
    if source is None:
        files = dataset.downloads
    elif dataset.layout == "idx":  # the URL of a mirror's folder
        files = tuple(
            Download(file.name, (f"{source.rstrip('/')}/{file.name}",), file.md5) for file in dataset.downloads
        )
    else:
        name = PurePosixPath(urlsplit(source).path).name or "archive"
        # Another URL may have a different file of this name.
        downloads /= hashlib.sha256(source.encode()).hexdigest()[:8]
        files = (Download(name, (source,)),)
    paths = [download_file(file, downloads, progress) for file in files]
    return downloads if dataset.layout == "idx" else paths[0]
