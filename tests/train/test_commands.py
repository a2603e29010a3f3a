"""`python -m train fetch`, and what holds for every command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.commands import run_train
from tests.helpers.project import ROOT
from tests.helpers.samples import flower_files, tgz_bytes, write_files
from tests.helpers.site import Site

DEADLINE = 300  # seconds until a test gives up on a process

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `python -m train` with the arguments, with its data under tmp_path/data."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        where = ("--data-dir", str(tmp_path / "data")) if arguments and arguments[0] == "fetch" else ()
        return run_train(*arguments, *where)

    return run


def assert_one_sentence(finished: subprocess.CompletedProcess[str]) -> None:
    assert finished.returncode == 1
    errors = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""


def test_fetch_reports_what_it_made_and_that_it_was_there(run: Run, tmp_path: Path) -> None:
    source = write_files(tmp_path / "source", flower_files())
    first = run("fetch", "flower", "--source", str(source))
    assert first.returncode == 0, first.stderr
    assert "is ready" in first.stdout
    assert "tulips" in first.stdout
    again = run("fetch", "flower")
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout.replace("is ready", "was already there")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["rose"], "choose one of digit, flower, pneumonia"),
        (["pneumonia"], "kaggle.com"),
        (["flower", "--source", "nowhere.zip"], "nowhere.zip does not exist"),
        (["flower", "--source", __file__], "neither a zip nor a tar"),
        (["flower", "--source", "http://127.0.0.1:9/flower_photos.tgz"], "check the network"),
    ],
)
def test_errors_are_one_sentence(arguments: list[str], part: str, run: Run) -> None:
    finished = run("fetch", *arguments)
    assert_one_sentence(finished)
    assert part in finished.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    finished = run("fetch", "flower", "--source", str(write_files(tmp_path / "source", flower_files())))
    assert_one_sentence(finished)
    assert str(tmp_path / "data") in finished.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "train", "fetch", "rose", "--debug", "--data-dir", str(tmp_path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert finished.returncode == 1
    assert "Traceback" in finished.stderr
    assert "UnknownDataset" in finished.stderr


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["fetch"], ["fetch", "digit", "--bogus"]])
def test_wrong_usage_ends_with_2(arguments: list[str], run: Run) -> None:
    finished = run(*arguments)
    assert finished.returncode == 2
    assert "Usage: python -m train" in finished.stdout + finished.stderr


def test_help_names_the_defaults_and_loads_nothing_heavy(run: Run) -> None:
    shown = run("fetch", "--help").stdout
    for part in ("--source", "--data-dir", "[default: data]", "--seed", "[default: 0]", "--debug"):
        assert part in shown
    code = "import sys, train.__main__; print([m for m in ('numpy', 'PIL', 'httpx2', 'keras') if m in sys.modules])"
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert finished.stdout.strip() == "[]"


def test_the_list_of_commands_imports_none_of_them(run: Run) -> None:
    """Although it shows the first sentence of each command's own help."""
    code = """
import sys
from typer.testing import CliRunner
from train.__main__ import app
shown = CliRunner().invoke(app, ["--help"], terminal_width=200).stdout
modules = [name for name in ("fetch", "fit", "publish") if f"train.commands.{name}" in sys.modules]
print(modules, [name for name in ("numpy", "keras", "huggingface_hub") if name in sys.modules])
print(shown)
"""
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    loaded, _, shown = finished.stdout.partition("\n")
    assert loaded == "[] []"
    for name in ("fetch", "explore", "publish"):
        listed = next(line for line in shown.splitlines() if line.startswith(f"  {name} "))
        own_help = " ".join(run(name, "--help").stdout.split())
        assert listed.split(maxsplit=1)[1].rstrip(".") in own_help


@pytest.mark.parametrize("name", ["evaluate", "compare", "export", "fit"])
def test_a_mistyped_option_is_reported_before_keras_is_imported(name: str) -> None:
    code = f"""
import sys
from typer.testing import CliRunner
from train.__main__ import app
print(CliRunner().invoke(app, [{name!r}, "run", "--bogus"]).exit_code, "keras" in sys.modules)
"""
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert finished.stdout.split() == ["2", "False"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the console, not to a process")
def test_ctrl_c_leaves_a_part_that_resumes(run: Run, site: Site, tmp_path: Path) -> None:
    content = tgz_bytes(flower_files())
    site.files["flower_photos.tgz"] = content
    site.pause_after = half = len(content) // 2
    source = site.url + "flower_photos.tgz"
    command = [sys.executable, "-m", "train", "fetch", "flower", "--source", source, "--data-dir", "data"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, as a CI may be, ignores SIGINT and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            wait_for(lambda: any(part.stat().st_size == half for part in tmp_path.rglob("*.part") if part.is_file()))
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "interrupted: run the command again" in errors
    assert "Traceback" not in errors
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["downloads"]
    assert [part.read_bytes() for part in tmp_path.rglob("*.part")] == [content[:half]]
    site.pause_after = None
    finished = run("fetch", "flower", "--source", source)
    assert finished.returncode == 0, finished.stderr
    assert site.asked == ["", f"bytes={half}-"]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["downloads", "flower"]
