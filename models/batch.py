"""Classification of many files: find the pictures, classify them in parallel, write the results as CSV or JSONL."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.classifier import Classifier
from models.cores import available_cores
from models.errors import NoPictures, PictureError
from models.images.formats import SUFFIXES, has_picture_suffix
from models.prediction import Prediction

COLUMNS = ("path", "task", "label", "confidence", "verdict", "error")


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result for one file: a prediction, or an error."""

    path: Path
    task: str
    prediction: Prediction | None
    error: str = ""


Writer = Callable[[FileResult], None]


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the files in `paths`, and the pictures in its folders and their subfolders, in order.

    A file given by name is kept even without a picture suffix: it gets an error in the results. Raises NoPictures when
    nothing is found.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if has_picture_suffix(file) and file.is_file())
        else:
            found.append(path)
    if not found:
        raise NoPictures(f"no pictures in {', '.join(map(str, paths))}: give files, or folders with {_suffixes()}")
    return found


def classify_files(classifier: Classifier, paths: Sequence[Path]) -> Iterator[FileResult]:
    """Classify the files in parallel on all cores; the results are in order."""

    def classify(path: Path) -> FileResult:
        try:
            return FileResult(path, classifier.task, classifier.classify(path.read_bytes()))
        except PictureError as error:
            return FileResult(path, classifier.task, None, str(error))
        except OSError as error:
            return FileResult(path, classifier.task, None, f"cannot be read: {error.strerror}")

    with ThreadPoolExecutor(available_cores()) as pool:
        yield from pool.map(classify, paths)


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
