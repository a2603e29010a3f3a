"""Models of a catalog with sources on the Hub, when the Hub works and when it fails."""

import shutil
from pathlib import Path

import pytest

from models import bundle
from models.catalog import Catalog, Entry
from models.errors import BundleError, HubError, HubUnreachable, ModelNotLoaded
from models.hub.source import Repository
from tests.helpers.bundles import revision
from tests.helpers.hub_stub.stub import Fault, Hub

REPO = "ana/digit"


def load(reference: str, task: str = "digit") -> Entry:
    return Catalog.load({task: Repository(REPO, reference)}, limit_s=60).entry(task)


def away(hub: Hub) -> None:
    hub.faults.append(Fault(".", times=999, status=503))


@pytest.fixture
def first(hub_here: Hub) -> str:
    return hub_here.commit(REPO, revision("1.0.0"))


def test_what_was_asked_for(first: str) -> None:
    entry = load("main")
    assert (entry.source, entry.origin, entry.fallback) == (f"{REPO}@{first}", "hub", None)
    assert (entry.model.revision, entry.model.info.version) == (first, "1.0.0")


def test_the_last_verified_copy_when_the_hub_is_away(hub_here: Hub, first: str) -> None:
    load("main")
    hub_here.commit(REPO, revision("2.0.0"))
    away(hub_here)
    entry = load("main")
    assert (entry.source, entry.origin) == (f"{REPO}@{first}", "hub")
    assert entry.fallback is not None
    assert str(entry.fallback.wanted) == f"{REPO}@main"
    assert isinstance(entry.fallback.error, HubUnreachable)


def test_the_last_verified_copy_when_the_new_one_is_damaged(hub_here: Hub, first: str) -> None:
    load("main")
    second = hub_here.commit(REPO, revision("2.0.0"))
    hub_here.replace(REPO, bundle.MODEL_NAME, b"something else")
    entry = load("main")
    assert entry.model.revision == first
    assert isinstance(entry.fallback and entry.fallback.error, BundleError)
    assert load(second).model.revision == first, "a bad copy is not remembered"


@pytest.mark.usefixtures("hub_here")
def test_the_bundled_model_when_there_is_no_copy() -> None:
    entry = load("main")
    assert (entry.origin, entry.model.task) == ("bundled", "digit")
    assert type(entry.fallback and entry.fallback.error) is HubError


def test_the_bundled_model_when_the_copy_is_damaged(hub_here: Hub, first: str) -> None:
    copy = load("main").copy
    assert copy is not None
    (copy.directory / bundle.MODEL_NAME).resolve().write_bytes(b"")
    away(hub_here)
    for reference in ("main", first):
        assert load(reference).origin == "bundled"


@pytest.mark.usefixtures("hub_here")
def test_no_model_for_a_task_that_is_not_bundled() -> None:
    catalog = Catalog.load({"bird": Repository("ana/bird")})
    assert catalog.entry("bird").fallback is not None
    with pytest.raises(ModelNotLoaded, match="ana/bird"):
        catalog.get("bird")
    assert catalog.get("digit").task == "digit"


def test_a_candidate_is_beside_the_one_that_is_served(hub_here: Hub, first: str) -> None:
    catalog = Catalog.load({"digit": Repository(REPO)})
    second = hub_here.commit(REPO, revision("2.0.0"))
    candidate = catalog.load_candidate("digit")
    assert (candidate.model.revision, catalog.get("digit").revision) == (second, first)
    catalog.put(candidate)
    assert catalog.get("digit").revision == second
    assert [entry.task for entry in catalog.entries] == ["pneumonia", "digit", "flower"]
    assert catalog.load_candidate("digit", Repository(REPO, first)).model.revision == first
    away(hub_here)
    with pytest.raises(HubUnreachable):
        catalog.load_candidate("digit")
    assert load("main").model.revision == second, "what was put is remembered"


def test_a_directory_is_read_again(bundle_copy: Path) -> None:
    catalog = Catalog.load({"digit": bundle_copy})
    shutil.rmtree(bundle_copy)
    with pytest.raises(BundleError, match="cannot be read"):
        catalog.load_candidate("digit")
    bundle_copy.mkdir()
    for name, content in revision("3.0.0").items():
        if name not in bundle.KERAS_FILES:
            (bundle_copy / name).write_bytes(content)
    assert catalog.load_candidate("digit").model.info.version == "3.0.0"


def test_a_run_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    catalog = Catalog.load(runs=tmp_path)
    with pytest.raises(BundleError, match="no bundle for 'bird'"):
        catalog.load_candidate("bird")
