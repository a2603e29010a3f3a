"""`python -m train fit --data`, as a person runs it on pictures of their own."""

from pathlib import Path

import pytest

from models import bundle
from models.loading import load_classifier
from tests.helpers.commands import run_train
from tests.helpers.samples import own_folder, scene, write_files
from tests.helpers.small_task import small_cnn
from train.manifest import read_manifest
from train.sources.folder import prepare


def test_from_the_smallest_folder_to_a_bundle(tmp_path: Path) -> None:
    files = own_folder({"Diente de león": 10, "rosa": 10}) | {"rosa/rota.jpg": scene(1)[:200]}
    folder = write_files(tmp_path / "mis fotos", files)
    data_dir, runs = tmp_path / "data", tmp_path / "runs"
    options = ("--arch", "cnn", "--epochs", "1", "--data-dir", str(data_dir), "--runs-dir", str(runs))
    with small_cnn():
        fitted = run_train("fit", "--data", str(folder), "--name", "flores", *options)
    assert fitted.returncode == 0, fitted.stderr
    assert "flores: 2 classes, 20 pictures (train 12, val 4, test 4)" in fitted.stdout
    assert "excluded 1: rosa/rota.jpg" in fitted.stdout
    (directory,) = runs.iterdir()
    assert directory.name.startswith("flores-")
    assert fitted.stdout.splitlines()[-1] == str(directory)

    exported = run_train("export", str(directory))
    assert exported.returncode == 0, exported.stderr
    manifest = bundle.load(directory / "bundle")
    assert (manifest.task, manifest.label_ids) == ("flores", ("Diente de león", "rosa"))
    assert (manifest.data.name, manifest.data.license) == ("flores", "unknown")
    assert (manifest.data.train, manifest.metrics["val"].n, manifest.metrics["test"].n) == (12, 4, 4)
    card = (directory / "bundle" / "README.md").read_text(encoding="utf-8")
    assert "so the licence of the model is not recorded either" in card
    picture = load_classifier(directory / "bundle").classify(files["rosa/003.jpg"])
    assert picture.label in (None, "Diente de león", "rosa")

    (folder / "rosa" / "new.jpg").write_bytes(scene(4242))
    prepare(folder, "flores", data_dir)
    assert len(read_manifest(data_dir / "flores")) == 21
    again = run_train("export", str(directory))
    assert again.returncode == 1
    assert "has changed since this run" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "fit takes either a task, or --data FOLDER and --name NAME"),
        (["digit", "--data", "FOLDER", "--name", "own"], "fit takes either a task"),
        (["--data", "FOLDER"], "fit takes either a task"),
        (["--name", "own"], "fit takes either a task"),
        (["digit", "--name", "own"], "fit takes either a task"),
        (
            ["folder"],
            "there is no recipe for 'folder': choose one of digit, flower, pneumonia, or train on your own folder",
        ),
        (["--data", "FOLDER", "--name", "Own"], "is not a valid name"),
        (["--data", "FOLDER", "--name", "own"], "each class needs at least 10 readable pictures: b 9"),
    ],
)
def test_a_command_that_cannot_work_prints_one_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "own", own_folder({"a": 10, "b": 9}))
    where = ["--data-dir", str(tmp_path / "data"), "--runs-dir", str(tmp_path / "runs")]
    done = run_train("fit", *(str(folder) if word == "FOLDER" else word for word in arguments), *where)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (sentence,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert words in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["own"], "nothing half-made"
