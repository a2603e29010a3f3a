"""Answers for many files: which pictures a person means, classified side by side, and written as CSV or JSONL."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.classifier import Classifier, default_workers
from models.errors import NoPictures, PictureError
from models.prediction import Prediction

COLUMNS = ("path", "task", "label", "confidence", "verdict", "error")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One file and what was said of it: a prediction, or the error that kept it from one."""

    path: Path
    task: str
    prediction: Prediction | None
    error: str = ""


Write = Callable[[Answer], None]


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """The files that `paths` name, and those in the folders among them that look like pictures, in order.

    A file that is named is kept whatever it is called, so that it gets its error. Raises NoPictures when none are left.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        else:
            found.append(path)
    if not found:
        raise NoPictures(f"no pictures in {', '.join(map(str, paths))}: name files, or folders that hold {_suffixes()}")
    return found


def classify_files(classifier: Classifier, paths: Sequence[Path]) -> Iterator[Answer]:
    """Classify the files, as many at a time as there are cores, in order."""

    def answer(path: Path) -> Answer:
        try:
            return Answer(path, classifier.task, classifier.classify(path.read_bytes()))
        except PictureError as error:
            return Answer(path, classifier.task, None, str(error))
        except OSError as error:
            return Answer(path, classifier.task, None, f"cannot be read: {error.strerror}")

    with ThreadPoolExecutor(default_workers()) as pool:
        yield from pool.map(answer, paths)


@contextmanager
def open_report(output: Path | None, labels: Sequence[str]) -> Iterator[Write]:
    """Something to write answers to: CSV, or JSON lines where `output` ends in .jsonl; the standard output if None.

    The file appears under its name when it is complete; an error or Ctrl-C leaves what was there before.
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


def _csv_writer(stream: IO[str], labels: Sequence[str]) -> Write:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*COLUMNS, *map(_column, labels)))

    def write(answer: Answer) -> None:
        probabilities = answer.prediction.probabilities if answer.prediction else ("",) * len(labels)
        writer.writerow((*_fields(answer).values(), *probabilities))

    return write


def _jsonl_writer(stream: IO[str]) -> Write:
    def write(answer: Answer) -> None:
        record = _fields(answer)
        if answer.prediction:
            columns = map(_column, answer.prediction.labels)
            record |= dict(zip(columns, answer.prediction.probabilities, strict=True))
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")

    return write


def _column(label: str) -> str:
    """Where the probability of a label stands: under its name, unless that is a column already."""
    return f"{label} (probability)" if label in COLUMNS else label


def _fields(answer: Answer) -> dict[str, object]:
    prediction = answer.prediction
    values = (
        str(answer.path),
        answer.task,
        (prediction.label or "") if prediction else "",
        prediction.confidence if prediction else "",
        str(prediction.verdict) if prediction else "",
        answer.error,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _suffixes() -> str:
    return " ".join(sorted(SUFFIXES))
