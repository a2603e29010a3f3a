"""The Space gets what git knows and it needs, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.bundle import SERVING_FILES
from models.catalog import TASKS
from spaces_config import card, folder
from spaces_config.errors import SpaceError
from tests.helpers.checkout import commit, git
from tests.helpers.project import environment

UNWANTED = ("tests", "train", "data", "runs", "benchmarks", "notebooks", "docs", "spaces_config")


def test_the_files(checkout: Path) -> None:
    names = set(folder.space_files(card.build_card({}), checkout))
    assert {"app.py", "README.md", "requirements.txt", "LICENSE", "serving/ui/page.css"} <= names
    assert not [name for name in names if name.startswith(UNWANTED)]
    assert {name for name in names if name.startswith("models/bundled/")} == {
        f"models/bundled/{task}/{name}" for task in TASKS for name in SERVING_FILES
    }
    assert not [name for name in names if name.endswith((".h5", ".keras", ".pyc", ".pyi"))]
    assert (
        folder.space_files(card.build_card({}), checkout)["requirements.txt"]
        == (checkout / "spaces_config" / "requirements.txt").read_bytes()
    )


def test_what_git_does_not_know_stays(checkout: Path) -> None:
    before = set(folder.space_files(card.build_card({}), checkout))
    (checkout / "models" / "junk.py").write_text("")
    (checkout / "serving" / "secret.env").write_text("HF_TOKEN=x")
    assert set(folder.space_files(card.build_card({}), checkout)) == before
    assert folder.untracked_files(checkout) == ["models/junk.py", "serving/secret.env"]


def test_app_imports_nothing_that_is_not_there(checkout: Path, tmp_path: Path) -> None:
    directory = tmp_path / "space"
    folder.write_folder(folder.space_files(card.build_card({}), checkout), directory)
    script = """
import sys
import app
from serving import server
for name in ("tensorflow", "keras", "train", "tests", "sklearn"):
    assert name not in sys.modules, name
own = {
    name: module.__file__ for name, module in sys.modules.items()
    if name.partition(".")[0] in ("app", "models", "serving")
}
assert {"app", "models.catalog", "serving.server"} <= own.keys()
print("\\n".join(file for file in own.values() if file))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=directory, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(Path(file).is_relative_to(directory) for file in done.stdout.split())
    folder.remove_folder(directory)
    assert not directory.exists()


def test_changes(checkout: Path) -> None:
    assert folder.changed_files(checkout) == []
    (checkout / "app.py").write_text("")
    git(checkout, "mv", "LICENSE", "LICENCE")
    (checkout / "new.py").write_text("")
    assert set(folder.changed_files(checkout)) == {"app.py", "LICENSE", "LICENCE", "new.py"}
    made = commit(checkout)
    assert folder.changed_files(checkout) == []
    assert folder.head_commit(checkout) == made


def test_a_file_that_was_removed(checkout: Path) -> None:
    (checkout / "app.py").unlink()
    with pytest.raises(SpaceError, match=r"app\.py is in git and cannot be read"):
        folder.space_files(card.build_card({}), checkout)


def test_outside_git(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="clone the repository"):
        folder.space_files(card.build_card({}), tmp_path)
