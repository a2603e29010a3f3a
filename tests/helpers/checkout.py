"""Checkouts of the project in a git repository of their own, to build a Space from."""

import shutil
import subprocess
from pathlib import Path

from tests.helpers.project import ROOT

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
