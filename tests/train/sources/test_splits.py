"""Nothing known of one split is in another, and the choice is the same everywhere."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.helpers.samples import Files, flower_files, write_files, xray_files
from train.errors import DataError
from train.manifest import Row
from train.sources.splits import Assignment, Picture, split_by_hash, split_by_near_duplicate, split_by_patient


def xrays(folder: Path, files: Files) -> list[Picture]:
    write_files(folder, files)
    return [Picture(folder / name, name.split("/")[1], name.split("/")[2].lower()) for name in files]


def flowers(folder: Path, files: Files) -> list[Picture]:
    write_files(folder, files)
    return [Picture(folder / name, "", name.split("/")[1]) for name in files if name.endswith(".jpg")]


def rows_by_name(placed: Assignment) -> dict[str, Row]:
    return {f"{picture.upstream_split}/{picture.file.name}": row for picture, row in placed}


def assert_no_group_straddles(rows: Iterable[Row]) -> None:
    splits = defaultdict(set)
    for row in rows:
        splits[row.group].add(row.split)
    assert {group: found for group, found in splits.items() if len(found) > 1} == {}


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_straddles(seed: int, tmp_path: Path) -> None:
    rows = rows_by_name(split_by_patient(xrays(tmp_path, xray_files()), 0.12, seed))
    assert len(rows) == len(xray_files())
    assert_no_group_straddles(rows.values())
    for number in range(1, 26):
        for one, other in (
            (f"person{number}_bacteria_{number}", f"person{number}_bacteria_{number + 500}"),
            (f"IM-{number:04}-0001", f"NORMAL2-IM-{number:04}-0001-0002"),
        ):
            assert rows[f"train/{one}.jpeg"].group == rows[f"train/{other}.jpeg"].group


def test_upstreams_test_is_test_and_its_numbers_are_other_patients(tmp_path: Path) -> None:
    rows = rows_by_name(split_by_patient(xrays(tmp_path, xray_files()), 0.12, 0))
    assert {name for name, row in rows.items() if row.split == "test"} == {
        name for name in rows if name.startswith("test/")
    }
    for kind in ("bacteria", "virus"):
        groups = {
            rows[f"{part}/person1_{kind}_{1 if kind == 'bacteria' else 901}.jpeg"].group for part in ("train", "test")
        }
        assert len(groups) == 2
    assert rows["train/person1_bacteria_1.jpeg"].group != rows["train/person1_virus_901.jpeg"].group


def test_upstreams_val_goes_by_patient_like_its_train(tmp_path: Path) -> None:
    files = xray_files() | {"chest_xray/val/PNEUMONIA/person3_bacteria_9.jpeg": b"person 3 again"}
    for seed in range(5):
        rows = rows_by_name(split_by_patient(xrays(tmp_path, files), 0.5, seed))
        assert rows["val/person3_bacteria_9.jpeg"].group == rows["train/person3_bacteria_3.jpeg"].group
        assert_no_group_straddles(rows.values())


def test_validation_has_its_share_of_the_patients_of_each_class(tmp_path: Path) -> None:
    rows = [row for _, row in split_by_patient(xrays(tmp_path, xray_files()), 0.2, 0)]
    patients = Counter((label, split) for label, split, _ in {(row.label, row.split, row.group) for row in rows})
    assert patients["normal", "val"] == round(0.2 * 27)
    assert patients["pneumonia", "val"] == round(0.2 * 54)


def test_patients_with_the_same_picture_are_one(tmp_path: Path) -> None:
    twins = ("chest_xray/train/PNEUMONIA/person1_bacteria_1.jpeg", "chest_xray/train/PNEUMONIA/person2_virus_902.jpeg")
    files = xray_files() | dict.fromkeys(twins, b"the same picture")
    for seed in range(5):
        rows = rows_by_name(split_by_patient(xrays(tmp_path, files), 0.5, seed))
        assert len({rows[f"train/{Path(twin).name}"].group for twin in twins}) == 1
        assert rows["train/person1_bacteria_501.jpeg"].group == rows["train/person2_virus_902.jpeg"].group
        assert_no_group_straddles(rows.values())


def test_a_patient_of_the_test_part_is_not_trained_on(tmp_path: Path) -> None:
    twins = ("chest_xray/train/NORMAL/IM-0007-0001.jpeg", "chest_xray/test/NORMAL/IM-0002-0001.jpeg")
    rows = rows_by_name(split_by_patient(xrays(tmp_path, xray_files() | dict.fromkeys(twins, b"the same")), 0.2, 0))
    assert "train/IM-0007-0001.jpeg" not in rows
    assert "train/NORMAL2-IM-0007-0001-0002.jpeg" not in rows
    assert rows["test/IM-0002-0001.jpeg"].split == "test"
    assert len(rows) == len(xray_files()) - 2


def test_copies_that_contradict_each_other_are_left_out_of_training(tmp_path: Path) -> None:
    twins = ("chest_xray/train/NORMAL/IM-0007-0001.jpeg", "chest_xray/train/PNEUMONIA/person7_virus_907.jpeg")
    rows = rows_by_name(split_by_patient(xrays(tmp_path, xray_files() | dict.fromkeys(twins, b"the same")), 0.2, 0))
    assert not {f"train/{Path(twin).name}" for twin in twins} & set(rows)
    assert len(rows) == len(xray_files()) - 2


def test_the_names_of_the_authors_later_edition_are_known(tmp_path: Path) -> None:
    names = [
        f"chest_xray/train/{name}.jpeg"
        for name in ("NORMAL/NORMAL-28501-0001", "PNEUMONIA/BACTERIA-28501-0001", "PNEUMONIA/VIRUS-28501-0001")
    ]
    again = [name.replace("0001.jpeg", "0002.jpeg") for name in names]
    rows = rows_by_name(split_by_patient(xrays(tmp_path, {name: name.encode() for name in names + again}), 0.5, 0))
    assert len({row.group for row in rows.values()}) == 3
    for one, other in zip(names, again, strict=True):
        assert rows[f"train/{Path(one).name}"].group == rows[f"train/{Path(other).name}"].group


def test_a_name_without_patient_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train/normal/holiday\.jpeg has no patient number"):
        split_by_patient(xrays(tmp_path, {"chest_xray/train/NORMAL/holiday.jpeg": b""}), 0.2, 0)


def test_two_pictures_with_one_place_are_an_error(tmp_path: Path) -> None:
    names = [f"chest_xray/{part}/NORMAL/IM-0001-0001.jpeg" for part in ("train", "val")]
    with pytest.raises(DataError, match="would both become"):
        split_by_patient(xrays(tmp_path, {name: name.encode() for name in names}), 0.2, 0)


@pytest.mark.parametrize("seed", range(5))
def test_no_near_duplicate_straddles(seed: int, tmp_path: Path) -> None:
    placed = split_by_near_duplicate(flowers(tmp_path, flower_files()), 0.3, 0.3, seed)
    rows = [row for _, row in placed]
    assert_no_group_straddles(rows)
    group_of = {f"{row.label}/{picture.file.stem}": row.group for picture, row in placed}
    for label in ("daisy", "tulips"):
        for number in range(0, 20, 4):
            assert group_of[f"{label}/{number:02}a"] == group_of[f"{label}/{number:02}b"]
        assert group_of[f"{label}/01a"] != group_of[f"{label}/02a"]


def test_flowers_are_dealt_by_class(tmp_path: Path) -> None:
    rows = [row for _, row in split_by_near_duplicate(flowers(tmp_path, flower_files()), 0.2, 0.2, 0)]
    counts = Counter((row.label, row.split) for row in rows)
    for label in ("daisy", "dandelion", "roses", "sunflowers", "tulips"):
        assert counts[label, "test"] in {5, 6}  # of 25; a pair may come last
        assert counts[label, "val"] in {4, 5, 6}


def test_flower_copies_that_contradict_each_other_are_left_out(tmp_path: Path) -> None:
    files = flower_files()
    files["flower_photos/roses/01a.jpg"] = files["flower_photos/tulips/02a.jpg"]
    placed = split_by_near_duplicate(flowers(tmp_path, files), 0.2, 0.2, 0)
    assert {picture.key for picture, _ in placed} == {
        name.removeprefix("flower_photos/") for name in files if name.endswith(".jpg")
    } - {"roses/01a.jpg", "tulips/02a.jpg"}


def test_the_seed_decides_and_the_order_does_not(tmp_path: Path) -> None:
    xray_pictures = xrays(tmp_path / "x", xray_files())
    flower_pictures = flowers(tmp_path / "f", flower_files())
    assert split_by_patient(xray_pictures, 0.2, 0) == split_by_patient(xray_pictures[::-1], 0.2, 0)
    assert split_by_patient(xray_pictures, 0.2, 0) != split_by_patient(xray_pictures, 0.2, 1)
    assert split_by_near_duplicate(flower_pictures, 0.2, 0.2, 0) == split_by_near_duplicate(
        flower_pictures[::-1], 0.2, 0.2, 0
    )
    assert split_by_near_duplicate(flower_pictures, 0.2, 0.2, 0) != split_by_near_duplicate(
        flower_pictures, 0.2, 0.2, 1
    )


def test_by_rank_gives_validation_its_exact_share_on_any_machine() -> None:
    names = [f"train/{index:05}" for index in range(60_000)]
    split_of = split_by_hash(names, 1 / 12, seed=0)
    chosen = [name for name in names if split_of[name] == "val"]
    assert len(chosen) == 5000
    assert chosen[:3] == ["train/00011", "train/00043", "train/00082"]
