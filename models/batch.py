"""Classification of many files: find the pictures, classify them in parallel, write the results as CSV or JSONL."""

import asyncio
import csv
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePath
from typing import IO

from models.errors import NoPictures, PictureError
from models.images.decoding import DEFAULT_LIMITS
from models.images.formats import SUFFIXES, has_picture_suffix
from models.prediction import Prediction
from models.workers.job import Overdue
from models.workers.processes import WorkerProcesses
from models.workers.stored_model import StoredModel
from models.workers.threads import WorkerThreads

# Pictures that a worker classifies in a row, and such rows that wait for each worker: it never waits for the next.
CHUNK, CHUNKS_AHEAD = 32, 2
COLUMNS = ("path", "task", "label", "confidence", "verdict", "error")


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result for one file: a prediction, or an error."""

    path: Path
    task: str
    prediction: Prediction | None
    error: str = ""


Workers = WorkerProcesses | WorkerThreads
Writer = Callable[[FileResult], None]


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the files in `paths`, and the pictures in its folders and their subfolders, in order.

    A file given by name is kept even without a picture suffix: it gets an error in the results. Raises NoPictures when
    nothing is found.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += _pictures_in(path)
        else:
            found.append(path)
    if not found:
        raise NoPictures(f"no pictures in {', '.join(map(str, paths))}: give files, or folders with {_suffixes()}")
    return found


def _pictures_in(folder: str | Path) -> Iterator[Path]:
    """Yield the pictures in a folder and its subfolders, in order; ten times as quick as `rglob` and a sort."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=attrgetter("name")):
            if entry.is_dir(follow_symlinks=False):
                yield from _pictures_in(entry.path)
            elif has_picture_suffix(PurePath(entry.name)) and entry.is_file():
                yield Path(entry.path)


def classify_files(workers: Workers, model: StoredModel, paths: Sequence[Path]) -> Iterator[FileResult]:
    """Classify the files with all workers, which are started for it and closed at the end; the results are in order."""
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    with asyncio.Runner() as runner:
        try:
            runner.run(workers.start())
            ahead: deque[asyncio.Task[list[FileResult]]] = deque()
            for chunk in chunks:
                ahead.append(runner.get_loop().create_task(_classify_chunk(workers, model, chunk)))
                if len(ahead) > CHUNKS_AHEAD * workers.count:
                    yield from runner.run(_result(ahead.popleft()))
            while ahead:
                yield from runner.run(_result(ahead.popleft()))
        finally:
            workers.close()
            runner.run(asyncio.sleep(0))  # their connections end


async def _result(task: "asyncio.Task[list[FileResult]]") -> list[FileResult]:
    return await task


async def _classify_chunk(workers: Workers, model: StoredModel, paths: Sequence[Path]) -> list[FileResult]:
    try:
        outcomes = await workers.classify_paths(model, paths, DEFAULT_LIMITS)
    except (PictureError, Overdue) as error:  # one of the pictures ended its worker
        if len(paths) == 1:
            return [_result_of(paths[0], model, error)]
        return [result for path in paths for result in await _classify_chunk(workers, model, [path])]
    return [_result_of(path, model, outcome) for path, outcome in zip(paths, outcomes, strict=True)]


def _result_of(path: Path, model: StoredModel, outcome: Prediction | Exception) -> FileResult:
    if isinstance(outcome, Prediction):
        return FileResult(path, model.task, outcome)
    error = f"cannot be read: {outcome.strerror}" if isinstance(outcome, OSError) else str(outcome)
    return FileResult(path, model.task, None, error)


@contextmanager
def open_results(output: Path | None, labels: Sequence[str]) -> Iterator[Writer]:
    """Open a writer of results: JSON lines when `output` ends in .jsonl, else CSV; None is the standard output.

    The file gets its name when it is complete. After an error or Ctrl-C, a previous file is unchanged.
    """
    if output is None:
        yield _csv_writer(sys.stdout, labels)
        return
    unfinished = output.with_name(output.name + ".part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            yield _jsonl_writer(stream) if output.suffix == ".jsonl" else _csv_writer(stream, labels)
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _csv_writer(stream: IO[str], labels: Sequence[str]) -> Writer:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*COLUMNS, *map(_column, labels)))

    def write(result: FileResult) -> None:
        probabilities = result.prediction.probabilities if result.prediction else ("",) * len(labels)
        writer.writerow((*_fields(result).values(), *probabilities))

    return write


def _jsonl_writer(stream: IO[str]) -> Writer:
    def write(result: FileResult) -> None:
        record = _fields(result)
        if result.prediction:
            columns = map(_column, result.prediction.labels)
            record |= dict(zip(columns, result.prediction.probabilities, strict=True))
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")

    return write


def _column(label: str) -> str:
    """Return the column of a label's probability: the label, unless a column has that name already."""
    return f"{label} (probability)" if label in COLUMNS else label


def _fields(result: FileResult) -> dict[str, object]:
    prediction = result.prediction
    values = (
        str(result.path),
        result.task,
        (prediction.label or "") if prediction else "",
        prediction.confidence if prediction else "",
        str(prediction.verdict) if prediction else "",
        result.error,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _suffixes() -> str:
    return " ".join(sorted(SUFFIXES))
