"""Messages of `make` on a machine that is not ready. `.ci/run` covers a machine that is."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.project import ROOT, environment

FILES = ("Makefile", "spaces_config/requirements.txt", "app.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(checkout: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = shutil.which("make")
    if command is None:
        pytest.skip("there is no make here")
    return subprocess.run(
        [command, *arguments], cwd=checkout, env=environment(**settings), capture_output=True, text=True, check=False
    )


def said(done: "subprocess.CompletedProcess[str]") -> list[str]:
    """The lines that are ours: make adds one of its own after a failure."""
    assert done.returncode != 0
    return [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]


def test_python_too_old(checkout: Path) -> None:
    old = checkout / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\n')
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    (sentence,) = said(make(checkout, "run", f"PYTHON={old}"))
    assert "needs Python 3.11 or newer" in sentence
    assert "is Python 3.9.2" in sentence
    assert "make run PYTHON=" in sentence
    assert not (checkout / ".venv").exists()


def test_no_python_at_all(checkout: Path) -> None:
    (sentence,) = said(make(checkout, "run", "PYTHON=python-that-is-not-there"))
    assert "python-that-is-not-there is missing" in sentence


def test_bench_without_wrk(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (sentence,) = said(make(checkout, "bench", PATH=str(tmp_path / "empty")))
    assert "wrk is not installed" in sentence
    assert "apt-get install wrk" in sentence


def test_no_network(checkout: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    *progress, sentence = said(make(checkout, "run", f"PYTHON={sys.executable}", **nowhere))
    assert [line.split()[0] for line in progress] == ["Creating", "Installing"]
    assert "could not be installed: check the network and run make again" in sentence
    assert not (checkout / ".venv" / "serving").exists(), "the next make has to try again"
    assert (checkout / ".venv" / "install.log").read_text()
