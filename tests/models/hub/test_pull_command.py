"""`python -m models pull` and `list`, as a person runs them, against the stub of the Hub."""

from pathlib import Path

import pytest

from models import bundle
from tests.helpers.bundles import revision
from tests.helpers.commands import error_lines, start_models
from tests.helpers.hub_stub.stub import Fault, Hub
from tests.helpers.project import example

REPO = "ana/digit"


@pytest.fixture
def commit(hub: Hub) -> str:
    return hub.commit(REPO, revision("1.2.3"))


def test_what_the_setting_names_is_pulled_and_pinned(hub: Hub, commit: str) -> None:
    done = start_models("pull", "digit", settings=hub.env | {"VISTAZO_MODELS": f"flower=/nowhere,digit={REPO}"})
    assert done.returncode == 0, done.stderr
    first, pinned = done.stdout.splitlines()
    assert pinned == f"VISTAZO_MODELS=digit={REPO}@{commit}"
    said, _, directory = first.partition(", verified: ")
    assert said == f"{REPO}@main is commit {commit}"
    assert bundle.load(Path(directory)).version == "1.2.3"


def test_the_pinned_line_is_what_list_and_classify_use(hub: Hub, commit: str) -> None:
    settings = hub.env | {"VISTAZO_MODELS": f"digit={REPO}@{commit}", "COLUMNS": "250"}
    listed = start_models("list", settings=settings)
    assert listed.returncode == 0, listed.stderr
    assert f"{REPO}@{commit}" in listed.stdout
    assert "1.2.3" in listed.stdout
    offline = settings | {"HF_HUB_OFFLINE": "1"}
    classified = start_models("classify", "digit", str(example("digit")), settings=offline)
    assert classified.returncode == 0, classified.stderr


def test_a_source_may_be_named(hub: Hub, commit: str) -> None:
    hub.model(REPO).tags["v1"] = commit
    hub.commit(REPO, revision("2.0.0"))
    done = start_models("pull", "digit", "--from", f"{REPO}@v1", settings=hub.env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"VISTAZO_MODELS=digit={REPO}@{commit}\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("digit",), "error: VISTAZO_MODELS names no repository for 'digit'"),
        (("digit", "--from", "digit"), "error: 'digit' is not the name of a model on the Hub"),
        (("digit", "--from", "ana/nothing"), "error: cannot pull ana/nothing@main: the Hub has no such repository"),
        (("digit", "--from", f"{REPO}@v9"), f"error: cannot pull {REPO}@v9: the repository has no such revision"),
        (("flower", "--from", REPO), "is a model for 'digit', not for 'flower'"),
    ],
)
@pytest.mark.usefixtures("commit")
def test_what_cannot_be_pulled_is_one_sentence(hub: Hub, arguments: tuple[str, ...], expected: str) -> None:
    done = start_models("pull", *arguments, settings=hub.env)
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = error_lines(done)
    assert expected in sentence


def test_the_list_says_what_is_there_instead_and_why(hub: Hub, commit: str) -> None:
    settings = hub.env | {"VISTAZO_MODELS": f"digit={REPO}", "COLUMNS": "250"}
    assert start_models("pull", "digit", settings=settings).returncode == 0
    hub.faults.append(Fault(".", times=999, status=503))
    listed = start_models("list", settings=settings)
    assert listed.returncode == 0
    assert f"{REPO}@{commit}" in listed.stdout
    assert f"digit: {REPO}@main is not in use: cannot pull {REPO}@main: the Hub failed (HTTP 503)" in listed.stdout
