"""Publishing to the Hub, exactly once. The Hub is a stub here; the client is the real one."""

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import HfApi, ModelCard
from huggingface_hub.errors import HfHubHTTPError

from models import bundle
from models.errors import HubError
from tests.helpers.bundles import reseal
from tests.helpers.hub_stub.storage import Repository
from tests.helpers.hub_stub.stub import Fault, Hub
from train.errors import PublishError
from train.publishing.hub import Published, publish
from train.publishing.package import load_package

REPOSITORY = "ana/digit"


def send(directory: Path, private: bool = False) -> Published:
    return publish(load_package(directory), REPOSITORY, private)


def on_the_hub(hub: Hub, revision: str = "main") -> dict[str, bytes]:
    commit = hub.model(REPOSITORY).find(revision)
    assert commit is not None
    return {path: file.content for path, file in commit.files.items() if path != ".gitattributes"}


def on_disk(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited for, by us and by the client."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def big_weights(directory: Path) -> str:
    """Make the weights 15 MB of noise; their SHA-256."""
    content = np.random.default_rng(0).bytes(15_000_000)
    (directory / "model.weights.h5").write_bytes(content)
    reseal(directory)
    return hashlib.sha256(content).hexdigest()


def test_the_whole_bundle_in_one_tagged_commit(hub_here: Hub, directory: Path) -> None:
    done = send(directory)
    repository = hub_here.model(REPOSITORY)
    assert on_the_hub(hub_here) == on_disk(directory)
    assert {"vistazo.json", "README.md", "model.tflite", "model.weights.h5"} < on_the_hub(hub_here).keys()
    assert repository.head.files["model.tflite"].lfs
    assert not repository.head.files["vistazo.json"].lfs
    assert len(repository.commits) == 2  # the Hub's own first one, and ours
    assert repository.tags == {bundle.load(directory).version: done.commit} == {"0.1.0": repository.head.oid}
    assert done.url == f"{hub_here.endpoint}/{REPOSITORY}/tree/{done.commit}"
    assert not repository.private
    assert ModelCard.load(REPOSITORY).data.library_name == "keras"


def test_publishing_again_makes_no_commit(hub_here: Hub, directory: Path) -> None:
    first = send(directory)
    hub_here.requests.clear()
    again = send(directory)
    assert (again.commit, again.committed, again.tagged) == (first.commit, False, False)
    assert len(hub_here.model(REPOSITORY).commits) == 2
    assert not hub_here.asked("/(preupload|lfs|commit|tag)/")


def test_a_new_version_replaces_the_old_one(hub_here: Hub, directory: Path) -> None:
    """Files that it no longer has are deleted in the same commit; the old version stays under its tag."""
    (directory / "figures" / "old.png").write_bytes(b"\0old")
    reseal(directory)
    send(directory)
    before = on_disk(directory)
    (directory / "figures" / "old.png").unlink()
    (directory / "config.json").write_bytes(b"{}\n")
    reseal(directory, version="0.2.0")
    done = send(directory)
    assert on_the_hub(hub_here) == on_the_hub(hub_here, "0.2.0") == on_disk(directory)
    assert on_the_hub(hub_here, "0.1.0") == before
    assert len(hub_here.model(REPOSITORY).commits) == 3
    assert len(hub_here.asked("PUT /lfs")) == len(
        [path for path in before if path.endswith((".png", ".tflite", ".h5"))]
    )
    assert done.commit == hub_here.model(REPOSITORY).head.oid
    assert hub_here.model(REPOSITORY).head.files.keys() >= {".gitattributes"}


def test_a_version_never_changes(hub_here: Hub, directory: Path) -> None:
    """Refused before anything is sent."""
    first = send(directory)
    (directory / "config.json").write_bytes(b"{}\n")
    reseal(directory)
    hub_here.requests.clear()
    with pytest.raises(PublishError, match=r"has a version 0\.1\.0 with other files .* increase `version` in the run"):
        send(directory)
    assert not hub_here.asked("/(preupload|lfs|commit|tag)/")
    assert hub_here.model(REPOSITORY).tags == {"0.1.0": first.commit}


def test_the_tag_alone_was_missing(hub_here: Hub, directory: Path) -> None:
    """An upload that stopped between the commit and its tag is completed there."""
    hub_here.faults.append(Fault(f"POST /api/models/{REPOSITORY}/tag", status=403))
    with pytest.raises(HubError, match="no permission"):
        send(directory)
    assert hub_here.model(REPOSITORY).tags == {}
    done = send(directory)
    assert (done.committed, done.tagged) == (False, True)
    assert len(hub_here.model(REPOSITORY).commits) == 2
    assert hub_here.model(REPOSITORY).tags == {"0.1.0": hub_here.model(REPOSITORY).head.oid}


def test_an_old_version_is_found_by_its_tag(hub_here: Hub, directory: Path, exported: Path) -> None:
    """And main stays at the newer one."""
    first = send(exported)
    reseal(directory, version="0.2.0")
    newer = send(directory)
    assert send(exported) == Published(REPOSITORY, first.commit, first.url, committed=False, tagged=False)
    assert hub_here.model(REPOSITORY).head.oid == newer.commit


def test_private(hub_here: Hub, directory: Path) -> None:
    """Created so that nobody else sees it; what is public already is not filled by somebody who wanted it private."""
    send(directory, private=True)
    assert hub_here.model(REPOSITORY).private
    assert send(directory, private=True).committed is False
    hub_here.model(REPOSITORY).private = False
    with pytest.raises(PublishError, match="is public already"):
        send(directory, private=True)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"model.safetensors": b"somebody's"}, "files that do not belong to a Vistazo model"),
        ({"vistazo.json": b'{"task": "flower"}'}, "a model for 'flower', and this one is for 'digit'"),
    ],
)
def test_a_name_that_is_taken(hub_here: Hub, directory: Path, files: dict[str, bytes], says: str) -> None:
    """Nothing of what somebody else has there is overwritten."""
    hub_here.commit(REPOSITORY, files)
    with pytest.raises(PublishError, match=says):
        send(directory)
    assert on_the_hub(hub_here) == files


def test_an_empty_repository_made_by_hand(hub_here: Hub, directory: Path) -> None:
    """With the README.md that the Hub's page offers to write."""
    hub_here.commit(REPOSITORY, {"README.md": b"---\nlicense: mit\n---\n"})
    assert send(directory).committed
    assert on_the_hub(hub_here) == on_disk(directory)


def test_somebody_else_commits_meanwhile(hub_here: Hub, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their commit is not undone."""
    send_commit = HfApi.create_commit

    def late(api: HfApi, *arguments: Any, **more: Any) -> Any:
        hub_here.model(REPOSITORY).commit("main", {"notes.txt": b"theirs"}, "in between")
        return send_commit(api, *arguments, **more)

    monkeypatch.setattr(HfApi, "create_commit", late)
    with pytest.raises(HubError, match="at the same time"):
        send(directory)
    assert on_the_hub(hub_here) == {"notes.txt": b"theirs"}
    assert hub_here.model(REPOSITORY).tags == {}


def test_the_hub_refuses_the_card(hub_here: Hub, directory: Path) -> None:
    """Before a repository is made."""
    (directory / "README.md").write_text("---\nlibrary_name: keras\nlicense: [mit, apache-2.0]\n---\n")
    reseal(directory)
    with pytest.raises(PublishError, match=r'refuses the card of .* \("license" must be a string\)'):
        send(directory)
    assert hub_here.repositories == {}


def test_it_asks_again_while_the_hub_is_busy(hub_here: Hub, directory: Path, waits: list[float]) -> None:
    """As long as the Hub says, or a little longer each time."""
    hub_here.repositories["model", REPOSITORY] = Repository()
    for method in ("GET", "POST"):
        for what in (f"{REPOSITORY}$", "refs", "tag", "commit"):
            hub_here.faults.append(Fault(f"{method} /api/models/.*{what}", status=429, headers={"Retry-After": "7"}))
    hub_here.faults.append(Fault("validate-yaml", status=503, times=2))
    assert send(directory).committed
    assert waits == [1, 2, 7, 7, 7, 7]


def test_it_does_not_wait_for_long(hub_here: Hub, directory: Path, waits: list[float]) -> None:
    hub_here.faults.append(Fault("validate-yaml", status=429, headers={"Retry-After": "300"}))
    with pytest.raises(HubError, match="try again in 300 seconds"):
        send(directory)
    assert waits == []


def test_an_upload_that_is_cut_is_sent_again(hub_here: Hub, directory: Path, waits: list[float]) -> None:
    oid = big_weights(directory)
    hub_here.faults.append(Fault(f"PUT /lfs/{oid}", cut_after=6_000_000))
    assert send(directory).committed
    assert on_the_hub(hub_here) == on_disk(directory)
    assert (len(hub_here.asked(f"PUT /lfs/{oid}")), len(waits)) == (2, 1)


def test_an_upload_that_is_cut_every_time(hub_here: Hub, directory: Path, waits: list[float]) -> None:
    """Nothing is published by halves, and the next attempt does the rest: what has arrived is not sent again."""
    oid = big_weights(directory)
    cut = Fault(f"PUT /lfs/{oid}", cut_after=6_000_000, times=99)
    hub_here.faults.append(cut)
    with pytest.raises(HubError, match=r"cannot publish ana/digit: the connection to .* failed .* try again"):
        send(directory)
    assert waits == [1, 2, 4, 8, 8]
    assert on_the_hub(hub_here) == {}
    assert hub_here.model(REPOSITORY).tags == {}
    arrived = hub_here.asked(f"PUT /lfs/(?!{oid})")
    cut.times = 0
    assert send(directory).committed
    assert on_the_hub(hub_here) == on_disk(directory)
    assert hub_here.asked(f"PUT /lfs/(?!{oid})") == arrived
    assert len(hub_here.model(REPOSITORY).commits) == 2


def test_a_connection_that_says_nothing_more(
    hub_here: Hub, directory: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    """The client itself would wait for ever."""
    monkeypatch.setattr("train.publishing.hub.TIMEOUT_S", 5)  # enough for the other requests on a busy machine
    hub_here.faults.append(Fault("POST .*/commit/", wait_s=60))
    with pytest.raises(HubError, match="did not answer in time"):
        send(directory)
    assert waits == []
    assert on_the_hub(hub_here) == {}


def test_the_fault_of_the_hub_is_the_cause(hub_here: Hub, directory: Path) -> None:
    """So that `--debug` shows it."""
    hub_here.faults.append(Fault("create", status=402))
    with pytest.raises(HubError, match="paid plan") as refused:
        send(directory)
    assert isinstance(refused.value.__cause__, HfHubHTTPError)
