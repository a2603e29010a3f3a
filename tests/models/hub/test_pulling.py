"""Pulling from the stub of the Hub, with the real client: what comes, from where, and what is refused."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import bundle
from models.errors import BundleError, HubError, HubStorage, HubUnreachable
from models.hub import pulling
from models.hub.source import Repository
from tests.helpers.bundles import revision
from tests.helpers.hub_stub.stub import Fault, Hub
from tests.helpers.project import ROOT, environment

REPO = "ana/digit"


def pull(reference: str, limit_s: float = 60) -> pulling.LocalCopy:
    return pulling.pull(Repository(REPO, reference), "digit", limit_s)


def version(copy: pulling.LocalCopy) -> str:
    return bundle.load(copy.directory).version


def damage(path: Path) -> None:
    """Flip a byte of a file in the cache, through the link."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.resolve().write_bytes(content)


@pytest.fixture
def first(hub_here: Hub) -> str:
    return hub_here.commit(REPO, revision("1.0.0"))


def test_a_commit_a_branch_and_a_tag(hub_here: Hub, first: str) -> None:
    hub_here.model(REPO).tags["v1"] = first
    second = hub_here.commit(REPO, revision("2.0.0"))
    for reference, commit, expected in ((first, first, "1.0.0"), ("v1", first, "1.0.0"), ("main", second, "2.0.0")):
        copy = pull(reference)
        assert copy.repository == Repository(REPO, commit)
        assert version(copy) == expected


def test_only_what_serving_needs_is_fetched(hub_here: Hub, first: str) -> None:
    directory = pull(first).directory
    assert {path.name for path in directory.iterdir()} == set(bundle.SERVING_FILES)
    assert not any(hub_here.asked(name) for name in ("weights", "config", "README"))


def test_a_commit_in_the_cache_asks_nobody(hub_here: Hub, first: str) -> None:
    pull(first)
    hub_here.requests.clear()
    assert version(pull(first)) == "1.0.0"
    assert hub_here.requests == []


def test_a_moved_tag_is_another_model_and_a_commit_stays(hub_here: Hub, first: str) -> None:
    hub_here.model(REPO).tags["v1"] = first
    assert version(pull("v1")) == "1.0.0"
    hub_here.model(REPO).tags["v1"] = hub_here.commit(REPO, revision("2.0.0"))
    assert version(pull("v1")) == "2.0.0"
    assert version(pull(first)) == "1.0.0"


def test_a_file_changed_on_the_hub_is_refused_by_its_hash(hub_here: Hub, first: str) -> None:
    hub_here.replace(REPO, bundle.MODEL_NAME, b"TFL3 of somebody else" * 1000, first)
    with pytest.raises(BundleError, match=r"model\.tflite is not the file that was exported"):
        pull(first)
    assert len(hub_here.asked(r"GET /cdn/")) == 2, "it is fetched once more before it is refused"


def test_a_corrupt_file_in_the_cache_is_fetched_again(hub_here: Hub, first: str) -> None:
    copy = pull(first)
    damage(copy.directory / bundle.MODEL_NAME)
    assert version(pull(first)) == "1.0.0"
    assert len(hub_here.asked(r"GET /cdn/")) == 2
    damage(copy.directory / bundle.INFO_NAME)
    assert version(pull(first)) == "1.0.0"


def test_a_corrupt_file_is_refused_when_the_hub_is_away(hub_here: Hub, first: str) -> None:
    damage(pull(first).directory / bundle.MODEL_NAME)
    hub_here.faults.append(Fault(".", times=99, status=503))
    with pytest.raises(BundleError, match=r"is not the file .* downloading it again failed"):
        pull(first)


def test_a_download_that_is_cut_goes_on_where_it_was(hub_here: Hub) -> None:
    network = np.random.default_rng(0).bytes(15_000_000)
    hub_here.commit(REPO, revision("1.0.0", network))
    hub_here.faults.append(Fault("GET /cdn/", cut_after=12_000_000))
    assert (pull("main").directory / bundle.MODEL_NAME).read_bytes() == network
    assert len(hub_here.asked(r"GET /cdn/.* bytes=[1-9]\d*-")) == 1


def test_a_download_that_is_cut_early_begins_again(hub_here: Hub, first: str) -> None:
    hub_here.faults.append(Fault("GET /cdn/", cut_after=100_000))
    assert version(pull(first)) == "1.0.0"
    assert len(hub_here.asked("GET /cdn/")) == 2


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_hub_in_trouble_is_unreachable(hub_here: Hub, first: str, status: int) -> None:
    hub_here.faults.append(Fault(".", times=99, status=status))
    for reference in ("main", first):
        with pytest.raises(HubUnreachable) as caught:
            pull(reference)
        assert REPO in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("hub_here")
def test_a_dead_hub_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubUnreachable, match=REPO):
        pull("main")


def test_a_slow_hub_is_given_up(hub_here: Hub, first: str) -> None:
    hub_here.faults.append(Fault("GET /cdn/", times=99, wait_s=30))
    with pytest.raises(HubUnreachable, match="within 6 seconds"):
        pull(first, limit_s=6)


@pytest.mark.usefixtures("first")
def test_what_is_not_there_is_refused() -> None:
    for repository in (Repository("ana/nothing"), Repository(REPO, "v9"), Repository(REPO, "0" * 40)):
        with pytest.raises(HubError) as caught:
            pulling.pull(repository, "digit", 60)
        assert type(caught.value) is HubError
        assert str(repository.repo_id) in str(caught.value)


def test_a_private_model_needs_the_right_token(hub_here: Hub, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_here.model(REPO).private = True
    assert version(pull(first)) == "1.0.0"
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError) as caught:
        pull("main")
    assert type(caught.value) is HubError


def test_a_model_for_another_task_is_refused(first: str) -> None:
    with pytest.raises(BundleError, match="is a model for 'digit', not for 'flower'"):
        pulling.pull(Repository(REPO, first), "flower", 60)


def test_a_repository_without_a_bundle_is_refused(hub_here: Hub) -> None:
    commit = hub_here.commit("ana/other", {"README.md": b"# A model of another kind"})
    with pytest.raises(BundleError, match=r"vistazo\.json"):
        pulling.pull(Repository("ana/other", commit), "digit", 60)


def test_offline_a_cached_commit_is_there_and_a_branch_is_not(
    hub_here: Hub, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull("main")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub_here.requests.clear()
    assert version(pull(first)) == "1.0.0"
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        pull("main")
    assert hub_here.requests == []


@pytest.mark.skipif(os.name == "nt", reason="no such limit")
def test_a_full_disk_is_one_sentence_and_nothing_half_is_taken(hub: Hub) -> None:
    commit = hub.commit(REPO, revision("1.0.0"))
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "from models.errors import HubStorage; from models.hub import pulling\n"
        "from models.hub.source import Repository\n"
        "try: pulling.pull(Repository.parse(sys.argv[1]), 'digit', 60)\n"
        "except HubStorage as error: print(error)\n"
    )
    command = [sys.executable, "-c", script, f"{REPO}@{commit}"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(**hub.env), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert os.strerror(errno.EFBIG) in done.stdout or "disk" in done.stdout
    assert done.stdout.count("\n") == 1
    assert not list(hub.home.rglob(bundle.MODEL_NAME))


def test_a_cache_that_may_not_be_written_is_told(hub_here: Hub, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = hub_here.home / "a file"
    blocked.touch()
    monkeypatch.setenv("HF_HOME", str(blocked / "in it"))
    with pytest.raises(HubStorage):
        pull(first)


def test_the_last_verified_copy_is_the_one_remembered(hub_here: Hub, first: str) -> None:
    assert pulling.last_verified(REPO, "digit") is None
    old = pull(first)
    second = hub_here.commit(REPO, revision("2.0.0"))
    pull(second)
    pulling.remember(old)
    assert pulling.last_verified(REPO, "digit") == old
    assert pulling.last_verified(REPO, "flower") is None
    damage(old.directory / bundle.MODEL_NAME)
    assert pulling.last_verified(REPO, "digit") is None


def test_fetching_needs_no_tensorflow(hub: Hub) -> None:
    hub.commit(REPO, revision("1.0.0"))
    script = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'torch', 'h5py'): sys.modules[name] = None\n"
        "from models.hub import download\n"
        "download.main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, REPO], cwd=ROOT, env=environment(**hub.env), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"directory"' in done.stdout
