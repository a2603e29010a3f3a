"""Exploration of synthetic folders with every fault that `explore` looks for, and its page."""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from tests.helpers.samples import scene, write_files
from train.__main__ import app
from train.errors import DataError, UnknownDataset
from train.exploration.explore import (
    CONTACT_SHEET_SIZE,
    MEAN_SIDE,
    Collection,
    Exploration,
    collect_files,
    contact_sheet,
    explore_collection,
)
from train.exploration.page import MAX_LISTED as ON_PAGE
from train.exploration.page import render_page, write
from train.exploration.tables import MAX_LISTED as IN_TERMINAL
from train.exploration.tables import show
from train.manifest import Row, encode_png, write_manifest


def grey(value: int, side: int = 28) -> bytes:
    return encode_png(np.full((side, side), value, np.uint8))


def faulty_folder(folder: Path) -> Path:
    """Three times as many cats as dogs; one cat is a dog too, two files are no pictures."""
    files = {f"cat/{number:02}.jpg": scene(number) for number in range(12)}
    files |= {f"dog/{number:02}.jpg": scene(100 + number) for number in range(3)}
    files |= {
        "dog/a-cat.jpg": files["cat/03.jpg"],
        "dog/a-like-cat.jpg": scene(5, gain=1.1, quality=60),
        "dog/broken.jpg": scene(7)[:300],
        "dog/notes.txt": b"not a picture",
        "dog/.DS_Store": b"not shown",
    }
    return write_files(folder, files)


def split_task(folder: Path) -> Path:
    """A task with a manifest; a picture of train lies in test too, and one of the manifest is missing."""
    paths = {f"{split}/cat/{split}{number}.jpg": split for split in ("train", "val", "test") for number in range(3)}
    files = {path: scene(number) for number, path in enumerate(paths)}
    files["test/cat/test0.jpg"] = files["train/cat/train0.jpg"]
    write_files(folder, files)
    rows = [Row(path, "cat", split, path) for path, split in paths.items()]  # type: ignore[arg-type]
    write_manifest(folder, [*rows, Row("val/cat/gone.jpg", "cat", "val", "gone")])
    return folder


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    folder = faulty_folder(tmp_path_factory.mktemp("data") / "pets")
    return explore_collection(collect_files(str(folder), Path("nowhere")))


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    return explore_collection(collect_files(str(split_task(tmp_path_factory.mktemp("data") / "cats")), Path("nowhere")))


def shown(found: Exploration) -> str:
    stream = io.StringIO()
    show(found, Console(file=stream, width=200, markup=False, highlight=False, emoji=False))
    return stream.getvalue()


def test_classes_are_counted(faulty: Exploration) -> None:
    assert faulty.splits == ("all",)
    assert faulty.totals == {"cat": 12, "dog": 5}
    assert faulty.imbalance == pytest.approx(12 / 5)
    assert re.search(r"dog +5 +5 +2 ", shown(faulty))


def test_splits_are_counted(split: Exploration) -> None:
    assert split.splits == ("train", "val", "test")
    assert dict(split.counts) == {("cat", "train"): 3, ("cat", "val"): 3, ("cat", "test"): 3}


def test_unreadable_files_are_listed_with_the_reason(faulty: Exploration, split: Exploration) -> None:
    reasons = {each.item.path: each.reason for each in faulty.unreadable}
    assert list(reasons) == ["dog/broken.jpg", "dog/notes.txt"]
    assert "damaged" in reasons["dog/broken.jpg"]
    assert "not a picture" in reasons["dog/notes.txt"]
    assert [each.item.path for each in split.unreadable] == ["val/cat/gone.jpg"]
    assert "dog/broken.jpg" in shown(faulty)
    assert "dog/notes.txt" in render_page(faulty)


def test_an_exact_duplicate_across_classes_is_found(faulty: Exploration) -> None:
    (copies,) = faulty.exact_duplicates
    assert [item.path for item in copies.items] == ["cat/03.jpg", "dog/a-cat.jpg"]
    assert copies.across_classes
    assert not copies.across_splits
    assert "sets of files with the same bytes: 1 (1 across classes, 0 across splits)" in shown(faulty)


def test_an_exact_duplicate_across_splits_is_found(split: Exploration) -> None:
    (copies,) = split.exact_duplicates
    assert [item.path for item in copies.items] == ["test/cat/test0.jpg", "train/cat/train0.jpg"]
    assert copies.across_splits
    assert not copies.across_classes


def test_a_near_duplicate_is_found_and_an_exact_one_not_told_twice(faulty: Exploration) -> None:
    (pair,) = faulty.near_duplicates
    assert [item.path for item in pair.items] == ["cat/05.jpg", "dog/a-like-cat.jpg"]
    assert pair.across_classes
    assert pair.bits <= 8
    assert faulty.near_skipped == ""


def test_sizes_and_modes(tmp_path: Path) -> None:
    files = {f"a/{side}.png": grey(side, side) for side in (40, 50, 90)}
    stream = io.BytesIO()
    Image.new("RGBA", (200, 60), "red").save(stream, format="PNG")
    found = explore_collection(
        collect_files(str(write_files(tmp_path / "set", files | {"b/b.png": stream.getvalue()})), tmp_path)
    )
    assert re.search(r"a +40 / 50 / 90 +40 / 50 / 90 +L 3", shown(found))
    assert re.search(r"all +40 / 70 / 200 +40 / 55 / 90 +L 3, RGBA 1", shown(found))


def test_the_mean_picture_is_the_mean(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "set", {"a/1.png": grey(10), "a/2.png": grey(30, 50), "b/1.png": grey(200)})
    means = explore_collection(collect_files(str(folder), tmp_path)).means
    assert {label: (mean.shape, mean.min(), mean.max()) for label, mean in means.items()} == {
        "a": ((MEAN_SIDE, MEAN_SIDE, 3), 20, 20),
        "b": ((MEAN_SIDE, MEAN_SIDE, 3), 200, 200),
    }


def test_small_pictures_are_not_hashed_and_that_is_said(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "set", {"a/1.png": grey(10), "b/2.png": grey(11)})
    found = explore_collection(collect_files(str(folder), tmp_path))
    assert found.near_duplicates == ()
    assert "2 pictures of up to 32 pixels on the longer side were not compared" in shown(found)
    assert "2 pictures of up to 32 pixels on the longer side were not compared" in render_page(found)


def test_xrays_are_not_hashed_and_that_is_said(tmp_path: Path) -> None:
    split_task(tmp_path / "pneumonia")
    collection = collect_files("pneumonia", tmp_path)
    assert collection.is_xray
    found = explore_collection(collection)
    assert found.near_duplicates == ()
    assert "X-rays of different patients" in shown(found)
    assert len(found.exact_duplicates) == 1


def test_an_empty_class_is_told(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "set", {"a/1.png": grey(10)})
    (folder / "b").mkdir()
    found = explore_collection(collect_files(str(folder), tmp_path))
    assert found.imbalance is None
    assert "o readable picture of b" in shown(found)
    assert "o readable picture of b" in render_page(found)


def test_a_folder_without_a_readable_picture_still_has_its_page(tmp_path: Path) -> None:
    found = explore_collection(
        collect_files(str(write_files(tmp_path / "set", {"a/1.png": b"", "b/2.png": b"x"})), tmp_path)
    )
    assert len(found.unreadable) == 2
    assert "no readable picture" in shown(found)
    assert "a/1.png" in render_page(found)


def test_the_contact_sheet_takes_a_few_of_each_class(faulty: Exploration) -> None:
    chosen = contact_sheet(faulty)
    assert {label: len(items) for label, items in chosen.items()} == {"cat": CONTACT_SHEET_SIZE, "dog": 5}
    assert len({item.path for item in chosen["cat"]}) == CONTACT_SHEET_SIZE
    assert f'title="{chosen["cat"][0].path}"' in render_page(faulty).split("Contact sheet")[1]


def test_the_page_needs_nothing_from_outside(faulty: Exploration) -> None:
    html = render_page(faulty)
    sources = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', html)
    assert len(sources) > 10
    assert [source for source in sources if not source.startswith("data:image/")] == []
    assert re.search(r"https?:|url\(|@import|<script|<link|<iframe", html) is None


def test_the_same_pictures_make_the_same_bytes(tmp_path: Path) -> None:
    pages = []
    for place in ("one", "other"):
        found = explore_collection(collect_files(str(faulty_folder(tmp_path / place / "pets")), tmp_path))
        path = tmp_path / place / "new" / "page.html"
        write(found, path)
        pages.append(path.read_bytes())
    assert pages[0] == pages[1]


def test_names_are_printed_as_they_are(tmp_path: Path) -> None:
    files = {"[red]a$b$/1.png": grey(1), "<b>&/x<script>.png": b"no picture", "<b>&/2.png": grey(2)}
    found = explore_collection(collect_files(str(write_files(tmp_path / "set", files)), tmp_path))
    assert "[red]a$b$" in shown(found)
    html = render_page(found)
    assert "<b>" not in html
    assert "<script>" not in html
    assert "&lt;b&gt;&amp;" in html


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="file names are text there")
def test_names_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "set", {"a/1.png": grey(1)})
    (folder / "a" / os.fsdecode(b"\xff.png")).write_bytes(grey(1))
    found = explore_collection(collect_files(str(folder), tmp_path))
    write(found, tmp_path / "page.html")
    assert r"a/\udcff.png" in shown(found)
    assert r"a/\udcff.png" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_of_many_files_the_first_are_shown_and_the_others_counted(tmp_path: Path) -> None:
    files = {f"a/{number:03}.png": b"" for number in range(100)}
    found = explore_collection(collect_files(str(write_files(tmp_path / "set", files)), tmp_path))
    assert f"and {100 - IN_TERMINAL} more" in shown(found)
    html = render_page(found)
    assert f"And {100 - ON_PAGE} more" in html
    assert html.count(".png") == ON_PAGE


def test_a_split_of_the_folders_own_is_seen(tmp_path: Path) -> None:
    files = {"Train/a/1.png": grey(1), "Train/b/2.png": grey(2), "Validation/a/3.png": grey(1)}
    found = explore_collection(collect_files(str(write_files(tmp_path / "xrays", files)), tmp_path))
    assert found.splits == ("train", "val")
    assert found.counts == {("a", "train"): 1, ("b", "train"): 1, ("a", "val"): 1}
    assert found.exact_duplicates[0].across_splits


def nothing_there(tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


def no_classes(tmp_path: Path) -> Path:
    return write_files(tmp_path / "flat", {"1.png": grey(1)})


def splits_and_more(tmp_path: Path) -> Path:
    return write_files(tmp_path / "xrays", {"train/a/1.png": grey(1), "test/a/2.png": grey(2), "notes/3.png": grey(3)})


@pytest.mark.parametrize(
    ("make", "kind", "part"),
    [
        (nothing_there, UnknownDataset, "neither a task nor a folder: choose one of digit, flower, pneumonia"),
        (no_classes, DataError, "put those of each class into a folder of its own"),
        (splits_and_more, DataError, "has the split folders test, train and also notes"),
    ],
)
def test_what_cannot_be_explored(
    make: Callable[[Path], Path], kind: type[Exception], part: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=part):
        collect_files(str(make(tmp_path)), tmp_path)


def test_the_command_prints_the_page_s_path_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty_folder(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    finished = CliRunner().invoke(app, ["explore", "pets/"])
    assert finished.exit_code == 0, finished.output
    assert finished.stdout.splitlines()[-1] == str(Path("runs") / "explore-pets.html")
    assert "<h1>pets</h1>" in Path("runs/explore-pets.html").read_text(encoding="utf-8")
    finished = CliRunner().invoke(app, ["explore", "pets", "--output", "there/page.html"])
    assert finished.stdout.splitlines()[-1] == str(Path("there") / "page.html")
    assert Path("there/page.html").read_bytes() == Path("runs/explore-pets.html").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["rose"], "'rose' is neither a task nor a folder"),
        (["flower", "--data-dir", "empty"], "run `python -m train fetch flower` first"),
        (["pets", "--output", "a-file/page.html"], "a-file"),
    ],
)
def test_errors_are_one_sentence(
    arguments: list[str], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_folder(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    Path("a-file").write_text("a file")
    finished = CliRunner().invoke(app, ["explore", *arguments])
    assert finished.exit_code == 1
    errors = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert part in errors[0]
    assert "Traceback" not in finished.stderr


def test_a_collection_is_in_the_order_of_paths(tmp_path: Path) -> None:
    collection: Collection = collect_files(str(faulty_folder(tmp_path / "pets")), tmp_path)
    paths = [item.path for item in collection.items]
    assert paths == sorted(paths)
    assert collection.labels == ("cat", "dog")
