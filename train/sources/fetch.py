"""From upstream to `data/TASK`: get the files, unpack them, split them, write the manifest.

All is built in a hidden folder beside `data/TASK` and moved there when complete, so an interrupted fetch leaves
nothing half-made. Downloads stay in `data/downloads`, to resume and to split again; they may be deleted.
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
from train.sources.arrange import arrange_folders, arrange_idx
from train.sources.datasets import Dataset, Download
from train.sources.download import download
from train.sources.unpack import unpack

RECORD_NAME = "fetched.json"  # its presence says that `data/TASK` is ours to replace


@dataclass(frozen=True, slots=True)
class _Record:
    """What was fetched last time. `source` is None for upstream."""

    source: str | None
    seed: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lies in `directory` now. `left_out` counts the source's pictures that no split may have."""

    directory: Path
    rows: list[Row]
    left_out: int
    already: bool  # it was there before

    def counts(self) -> Counter[tuple[str, str]]:
        """The number of pictures by split and label."""
        return Counter((row.split, row.label) for row in self.rows)


def fetch(dataset: Dataset, data_dir: Path, progress: Progress, source: str | None = None, seed: int = 0) -> Fetched:
    """Make `data_dir/TASK` from upstream, or from `source`: an address, an archive or an unpacked folder.

    With the source and seed of last time nothing is done; with another seed alone the last source is used again.
    `progress` is started and stopped here.

    Raises NeedsAccount when upstream asks for a login, DownloadError, ArchiveError, and DataError when the source is
    missing or laid out otherwise.
    """
    task_dir = data_dir / dataset.task
    last = _read_record(task_dir)
    if source is None:
        source = last.source if last else None
    elif not _is_url(source):
        source = str(Path(source).expanduser().resolve())
    if last and (last.source, last.seed) == (source, seed) and (task_dir / MANIFEST_NAME).is_file():
        return Fetched(task_dir, read_manifest(task_dir), last.left_out, already=True)
    if source is None and dataset.by_hand is not None:
        raise NeedsAccount(dataset.by_hand)
    if source is not None and not _is_url(source) and not Path(source).exists():
        raise DataError(f"{source} does not exist: give --source an archive, a folder or an address")
    with _staging(data_dir, dataset.task) as staging, progress:
        origin = _obtain(dataset, source, data_dir / "downloads" / dataset.task, progress)
        folder = origin
        if origin.is_file():
            folder = staging / "unpacked"
            unpack(origin, folder, progress)
        built = staging / "built"
        built.mkdir()
        if dataset.layout == "idx":
            rows, left_out = arrange_idx(dataset, folder, built, seed, progress), 0
        else:
            rows, left_out = arrange_folders(dataset, folder, built, seed, progress, move=folder is not origin)
        write_manifest(built, rows)
        record = json.dumps(asdict(_Record(source, seed, left_out)), indent=2)
        (built / RECORD_NAME).write_text(record + "\n", encoding="utf-8")
        if task_dir.exists():
            task_dir.rename(staging / "previous")
        built.rename(task_dir)
    return Fetched(task_dir, sorted(rows), left_out, already=False)


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
    """A hidden folder beside the result, removed whatever happens."""
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
    """The archive or folder that has the data, downloaded where it has to be."""
    if source is not None and not _is_url(source):
        return Path(source)
    if source is None:
        wanted = dataset.downloads
    elif dataset.layout == "idx":  # the address of a mirror's folder
        wanted = tuple(
            Download(file.name, (f"{source.rstrip('/')}/{file.name}",), file.md5) for file in dataset.downloads
        )
    else:
        name = PurePosixPath(urlsplit(source).path).name or "archive"
        # Another address may have another file of that name.
        downloads /= hashlib.sha256(source.encode()).hexdigest()[:8]
        wanted = (Download(name, (source,)),)
    paths = [download(file, downloads, progress) for file in wanted]
    return downloads if dataset.layout == "idx" else paths[0]
