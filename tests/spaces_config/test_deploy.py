"""`python -m spaces_config deploy`, against the stub of the Hub."""

import subprocess
import sys
from pathlib import Path

import pytest

from spaces_config import card, folder
from tests.helpers.checkout import commit
from tests.helpers.hub_stub.stub import Fault, Hub
from tests.helpers.project import environment

SPACE = "ana/vistazo"
SHA = "0123456789abcdef0123456789abcdef01234567"


def deploy(checkout: Path, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "spaces_config", "deploy", "--space", SPACE, *options],
        cwd=checkout,
        env=environment(**{"COLUMNS": "120", **settings}),
        capture_output=True,
        text=True,
        check=False,
    )


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_it_holds_exactly_the_files_after_one_commit(hub: Hub, checkout: Path) -> None:
    done = deploy(checkout, "--untested", **hub.env)
    assert done.returncode == 0, done.stderr
    there = hub.repositories["space", SPACE]
    assert len(there.commits) == 2  # the one that it is born with, and ours
    files = folder.space_files(card.build_card({}, "ana-vistazo"), checkout)
    assert {name: file.content for name, file in there.head.files.items() if name != ".gitattributes"} == files
    assert there.branches["main"] in done.stdout
    assert len(hub.asked("POST /api/spaces/.*/commit/")) == 1


def test_again_it_changes_nothing(hub: Hub, checkout: Path) -> None:
    for said in ("now holds", "nothing was changed"):
        done = deploy(checkout, "--untested", **hub.env, VISTAZO_MODELS=f"digit=ana/digits@{SHA}")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    assert len(hub.repositories["space", SPACE].commits) == 2
    assert hub.repositories["space", SPACE].variables == {"VISTAZO_MODELS": f"digit=ana/digits@{SHA}"}
    assert len(hub.asked("POST /api/spaces/.*/variables")) == 1


def test_what_is_no_longer_needed_goes(hub: Hub, checkout: Path) -> None:
    hub.commit(SPACE, {"old.py": b"", "models/old.tflite": b"x" * 100}, "space")
    assert deploy(checkout, "--untested", **hub.env).returncode == 0
    there = hub.repositories["space", SPACE]
    assert not {"old.py", "models/old.tflite"} & set(there.head.files)
    assert ".gitattributes" in there.head.files
    assert len(there.commits) == 3


def test_a_space_wants_a_plan(hub: Hub, checkout: Path) -> None:
    hub.faults.append(Fault("POST /api/repos/create", status=402))
    said = sentence(deploy(checkout, "--untested", **hub.env))
    assert SPACE in said
    assert "402" in said
    assert "name a Space that exists" in said
    assert not hub.repositories


def test_a_space_that_exists_needs_no_plan(hub: Hub, checkout: Path) -> None:
    hub.commit(SPACE, {"README.md": b"---\nsdk: gradio\n---\n"}, "space")
    hub.faults.append(Fault("POST /api/repos/create", status=402))
    assert deploy(checkout, "--untested", **hub.env).returncode == 0
    assert "app.py" in hub.repositories["space", SPACE].head.files


def test_no_token(hub: Hub, checkout: Path) -> None:
    assert "HF_TOKEN" in sentence(deploy(checkout, "--untested", **{**hub.env, "HF_TOKEN": ""}))


def test_a_token_that_may_only_read(hub: Hub, checkout: Path) -> None:
    said = sentence(deploy(checkout, "--untested", **{**hub.env, "HF_TOKEN": hub.read_only_token}))
    assert "no permission" in said


def test_the_token_may_be_in_the_env_file(hub: Hub, checkout: Path) -> None:
    (checkout / ".env").write_text("\n".join(f"{name}={value}" for name, value in hub.env.items() if "HF_" in name))
    rest = {name: value for name, value in hub.env.items() if name not in ("HF_TOKEN", "HF_ENDPOINT", "HF_HOME")}
    done = deploy(checkout, "--untested", **rest)
    assert done.returncode == 0, done.stderr
    assert ("space", SPACE) in hub.repositories
    assert ".env" not in hub.repositories["space", SPACE].head.files


def test_changes_that_are_not_committed(hub: Hub, checkout: Path) -> None:
    (checkout / "app.py").write_text((checkout / "app.py").read_text() + "# changed\n")
    said = sentence(deploy(checkout, "--untested", **hub.env))
    assert "app.py" in said
    assert "--allow-dirty" in said
    assert not hub.repositories
    assert deploy(checkout, "--untested", "--allow-dirty", **hub.env).returncode == 0
    head = hub.repositories["space", SPACE].head
    assert head.files["app.py"].content.endswith(b"# changed\n")


def test_dry_run_needs_nobody(checkout: Path) -> None:
    (checkout / "junk.txt").write_text("")
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "", "HF_HUB_OFFLINE": "1"}
    done = deploy(checkout, "--dry-run", VISTAZO_MODELS=f"digit=ana/digits@{SHA}", **nowhere)
    assert done.returncode == 0, done.stderr
    files = folder.space_files(card.build_card({}, "ana-vistazo"), checkout)
    rows = {row.split()[0]: row.split()[1] for row in done.stdout.splitlines() if len(row.split()) == 2}
    for name, content in files.items():
        if name != "README.md":  # it differs by the models
            assert rows[name] == f"{len(content):,}"
    assert "sdk_version: 6." in done.stdout
    assert f"- ana/digits vistazo.json,model.tflite {SHA}" in done.stdout
    assert f"variable VISTAZO_MODELS=digit=ana/digits@{SHA}" in done.stdout
    assert "would be refused" in done.stderr
    assert "junk.txt" in done.stderr


@pytest.mark.parametrize("name", ["vistazo", "ana/vistazo@main"])
def test_a_name_that_is_none(checkout: Path, name: str) -> None:
    assert (
        "write it as USER/NAME" in (said := sentence(deploy(checkout, "--space", name)))
        or "USER/NAME without it" in said
    )


def test_a_directory_cannot_be_served_there(checkout: Path) -> None:
    said = sentence(deploy(checkout, "--dry-run", VISTAZO_MODELS="digit=./runs/digit/bundle"))
    assert "train publish" in said


@pytest.mark.network
@pytest.mark.usefixtures("space")
def test_only_a_space_that_runs_is_deployed(hub: Hub, built_checkout: Path) -> None:
    app = built_checkout / "app.py"
    works = app.read_text()
    app.write_text("raise SystemExit('it is broken')\n")
    commit(built_checkout)
    said = sentence(deploy(built_checkout, **hub.env))
    app.write_text(works)
    commit(built_checkout)
    assert "it is broken" in said
    assert not hub.repositories

    done = deploy(built_checkout, **hub.env)
    assert done.returncode == 0, done.stderr
    assert "first prediction after" in done.stdout
    assert len(hub.repositories["space", SPACE].commits) == 2
