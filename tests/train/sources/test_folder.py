"""A folder of one's own: what is found in it, what is left out or refused, and which recipe suits it."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.helpers.samples import own_folder, scene, write_files
from train.errors import DataError, RecipeError
from train.manifest import MANIFEST_NAME, SOURCE_NAME, read_manifest, read_picture
from train.sources.folder import MAX_IMBALANCE, PreparedFolder, describe, prepare, recipe_for

CLASSES = ("Diente de león", "Tulipán (rojo)", "rosa")


def prepared(tmp_path: Path, files: Mapping[str, bytes]) -> PreparedFolder:
    return prepare(write_files(tmp_path / "own", files), "own", tmp_path / "data")


def test_names_with_spaces_and_accents_are_the_labels_and_every_class_is_in_every_split(tmp_path: Path) -> None:
    done = prepared(tmp_path, own_folder(dict.fromkeys(CLASSES, 20)))
    assert done.labels == CLASSES
    assert Counter((row.label, row.split) for row in done.rows) == {
        (label, split): count for label in CLASSES for split, count in (("train", 14), ("val", 3), ("test", 3))
    }
    assert recipe_for(done).labels["Tulipán (rojo)"] == {"es": "Tulipán (rojo)", "en": "Tulipán (rojo)"}


def test_the_pictures_stay_where_they_are_and_can_be_read_from_there(tmp_path: Path) -> None:
    files = own_folder(dict.fromkeys(CLASSES, 10)) | {"rosa/más/una foto ñ.jpg": scene(77)}
    done = prepared(tmp_path, files)
    assert sorted(path.name for path in done.task_dir.iterdir()) == [SOURCE_NAME, MANIFEST_NAME]
    assert read_manifest(done.task_dir) == list(done.rows)
    for row in done.rows:
        assert read_picture(done.task_dir, row.path) == files[row.path]
    assert {path for path in (tmp_path / "own").rglob("*") if path.is_file()} == {tmp_path / "own" / n for n in files}


def test_what_cannot_be_used_is_left_out_and_told(tmp_path: Path) -> None:
    files = own_folder(dict.fromkeys(CLASSES, 12))
    files |= {
        "rosa/rota.jpg": scene(7)[:300],
        "rosa/notas.txt": b"not a picture",
        "rosa/.DS_Store": b"hidden",
        "rosa/.cache/1.jpg": scene(501),
        "rosa/Thumbs.db": b"hidden too",
        "__MACOSX/rosa/._1.jpg": b"hidden",
        ".git/x": b"hidden",
        "readme.txt": b"beside the classes",
        "rosa/twin.jpg": (twin := scene(500)),
        "Diente de león/twin.jpg": twin,
    }
    done = prepared(tmp_path, files)
    assert set(done.excluded) == {"rosa/rota.jpg", "rosa/notas.txt", "rosa/twin.jpg", "Diente de león/twin.jpg"}
    assert len(done.rows) == 36
    told = "\n".join(describe(done))
    assert "excluded 4" in told
    assert "rosa/rota.jpg (The picture is damaged" in told
    assert "also in another class" in told


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="file names are text there")
def test_a_name_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "own", own_folder({"a": 10, "b": 10}))
    (folder / "a" / os.fsdecode(b"\xff.jpg")).write_bytes(scene(1))
    done = prepare(folder, "own", tmp_path / "data")
    assert r"a/\udcff.jpg (its name is not valid text)" in "\n".join(describe(done))
    assert len(done.rows) == 20


def test_accents_of_a_mac_are_those_of_everybody(tmp_path: Path) -> None:
    decomposed = "Tulipa\u0301n"
    done = prepared(tmp_path, own_folder({decomposed: 10, "rosa": 10}))
    assert done.labels == ("Tulipán", "rosa")
    assert read_picture(done.task_dir, next(row.path for row in done.rows if row.label == "Tulipán"))


def test_a_train_is_a_class_among_vehicles(tmp_path: Path) -> None:
    files = own_folder({"bus": 10, "train/steam": 5, "train/diesel": 5})
    assert prepared(tmp_path, files).labels == ("bus", "train")


def one_class(folder: Path) -> Path:
    return write_files(folder, own_folder({"all/rosa": 10, "all/tulip": 10}))


def flat(folder: Path) -> Path:
    return write_files(folder, {"1.jpg": scene(1)})


def nowhere(folder: Path) -> Path:
    return folder / "nowhere"


def archive(folder: Path) -> Path:
    return write_files(folder, {"own.zip": b"PK"}) / "own.zip"


def too_few(folder: Path) -> Path:
    files = own_folder({"rosa": 9, "tulipán": 12}) | {"rosa/x.jpg": b"", "vacía/.x": b""}
    return write_files(folder, files)


def too_many_classes(folder: Path) -> Path:
    return write_files(folder, own_folder({f"class {number:03}": 1 for number in range(201)}))


def copies(folder: Path) -> Path:
    two = {f"b/{number}.jpg": scene(5000 + number % 2) for number in range(10)}
    return write_files(folder, own_folder({"a": 10}) | two)


def split_and_more(folder: Path) -> Path:
    return write_files(folder, own_folder({"train/a": 10, "train/b": 10, "test/a": 1, "labels": 1}))


def untrained(folder: Path) -> Path:
    counts = {"train/a": 10, "train/b": 10, "val/a": 3, "val/b": 3, "test/a": 2, "test/b": 2, "test/c": 10}
    return write_files(folder, own_folder(counts))


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (one_class, "has one class folder, all, and needs two or more"),
        (flat, "has no class folders: put the pictures of each class into a folder of its own"),
        (nowhere, "does not exist"),
        (archive, "is a file: unpack it"),
        (too_few, r"at least 10 readable pictures: rosa 9, vacía 0\. Excluded 1: rosa/x\.jpg \(The file"),
        (too_many_classes, "has 201 class folders, and 200 is the maximum"),
        (copies, "too few different pictures .*: b 2; each class needs at least 3 different"),
        (split_and_more, "has the split folders test, train and also labels"),
        (untrained, "the train folder has no pictures of c"),
    ],
)
def test_what_cannot_be_trained_on_is_told(make: Callable[[Path], Path], part: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "own")
    with pytest.raises(DataError, match=part):
        prepare(folder, "own", tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["digit", "Flores", "mis flores", "../x", "", "1a", "a" * 41, "ñ"])
def test_a_name_that_cannot_be_used_is_refused_before_anything_is_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="name"):
        prepare(tmp_path / "nowhere", name, tmp_path / "data")


def test_data_of_something_else_are_not_overwritten(tmp_path: Path) -> None:
    write_files(tmp_path / "data" / "own", {"letters.txt": b"mine"})
    with pytest.raises(RecipeError, match="exists and was not made from a folder"):
        prepared(tmp_path, own_folder({"a": 10, "b": 10}))


def test_a_folder_in_the_data_directory_may_keep_its_name(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "data" / "own", own_folder({"a": 10, "b": 10}))
    for _ in range(2):
        done = prepare(folder, "own", tmp_path / "data")
        assert len(done.rows) == 20
        assert read_picture(done.task_dir, "a/000.jpg") == scene(0)


def test_a_picture_that_went_away_is_named(tmp_path: Path) -> None:
    done = prepared(tmp_path, own_folder({"a": 10, "b": 10}))
    (tmp_path / "own" / "a" / "000.jpg").unlink()
    with pytest.raises(DataError, match=r"a/000\.jpg is missing: put it back, or run `python -m train fit --data"):
        read_picture(done.task_dir, "a/000.jpg")


def test_the_recipe_suits_few_and_many_own_folder(tmp_path: Path) -> None:
    few = recipe_for(prepared(tmp_path / "few", own_folder({"a": 10, "b": 10})))
    many = recipe_for(prepared(tmp_path / "many", own_folder({"a": 200, "b": 200})))
    assert (few.task, few.arch, few.channels) == ("own", "mobilenet_v2", 3)
    assert few.batch_size < many.batch_size
    assert few.epochs > many.epochs
    assert few.head_epochs > many.head_epochs
    assert few.patience > many.patience


@pytest.mark.parametrize(("largest", "weighed"), [(12, False), (40, True)])
def test_classes_of_very_different_sizes_are_weighed(largest: int, weighed: bool, tmp_path: Path) -> None:
    done = prepared(tmp_path, own_folder({"a": 10, "b": largest}))
    counts = done.count("train")
    assert (counts["b"] > MAX_IMBALANCE * counts["a"]) is weighed
    assert recipe_for(done).class_weights is weighed


def test_what_the_person_chose_wins(tmp_path: Path) -> None:
    done = prepared(tmp_path, own_folder({"a": 10, "b": 10}))
    chosen = recipe_for(done, arch="cnn", epochs=3, batch_size=2, patience=1, seed=7)
    assert (chosen.arch, chosen.epochs, chosen.batch_size, chosen.patience, chosen.seed) == ("cnn", 3, 2, 1, 7)
    assert chosen.learning_rate > recipe_for(done).learning_rate
    assert recipe_for(done, arch=None, epochs=None, batch_size=None, patience=None, seed=None) == recipe_for(done)
