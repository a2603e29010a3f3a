"""A checkout of the project that is committed, and the Space that is built from it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from spaces_config import card, local
from spaces_config.local import Space
from tests.support import ROOT

PARTS = ("app.py", "models", "serving", "spaces_config", "LICENSE", ".gitignore")

NOBODYS_BUSINESS = "hf_secret"


def committed(directory: Path) -> Path:
    """Copies of what a Space is made of, in a git repository of their own."""
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, directory / name)
    git(directory, "init", "--quiet")
    commit(directory)
    return directory


def commit(checkout: Path) -> str:
    """Commit everything there is; the commit's id."""
    git(checkout, "add", "--all")
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    git(checkout, *who, "commit", "--quiet", "-m", "a test's commit")
    return git(checkout, "rev-parse", "HEAD").strip()


def git(checkout: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=checkout, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "vistazo").mkdir()
    return committed(tmp_path / "vistazo")


@pytest.fixture(scope="session")
def built_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose Space is installed: that is done once, since it takes a minute or two."""
    return committed(tmp_path_factory.mktemp("vistazo"))


@pytest.fixture(scope="session")
def space(built_checkout: Path) -> Space:
    """Built by somebody who has a secret and a setting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", NOBODYS_BUSINESS)
        patch.setenv("VISTAZO_QUEUE", "nonsense")
        return local.build(card.build_card({}), {}, built_checkout / local.BUILD_DIR.name, built_checkout)
