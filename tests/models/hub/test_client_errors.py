"""Each thing that the Hub's client raises becomes one sentence, of a kind that says whether waiting may help."""

import errno
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import LocalTokenNotFoundError

from models.errors import HubError, HubStorage, HubUnreachable
from models.hub.client_errors import hub_errors
from tests.helpers.hub_stub.stub import Fault, Hub

COMMIT = "0" * 40


def sentence(ask: Callable[[], object], kind: type[HubError]) -> str:
    with pytest.raises(HubError) as refused, hub_errors("do it"):
        ask()
    said = str(refused.value)
    assert type(refused.value) is kind
    assert said.startswith("cannot do it: ")
    assert "\n" not in said
    assert refused.value.__cause__ is not None
    return said


def failing(error: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: snapshot_download("ana/absent"), "no such repository, or it is private: check the name"),
        (lambda: snapshot_download("ana/one", revision="absent"), "no such revision"),
        (lambda: hf_hub_download("ana/one", "folder/absent.txt"), "the repository has no absent.txt"),
        (lambda: hf_hub_download("ana/one/more", "README.md"), "write it as USER/NAME"),
        (lambda: HfApi().create_repo("ana/one"), "the name is taken"),
        (lambda: HfApi().create_repo("another/one"), "no permission"),
        (lambda: HfApi().create_tag("ana/one", tag="x", revision="absent"), "no such revision"),
        (lambda: HfApi(token="hf_wrong").model_info("ana/one"), "token is not valid"),
        (failing(LocalTokenNotFoundError("no token")), "there is no token"),
        (failing(PermissionError("the storage's own words")), "refused it (the storage's own words)"),
    ],
)
def test_what_waiting_does_not_help(hub_here: Hub, ask: Callable[[], object], says: str) -> None:
    hub_here.commit("ana/one", {"README.md": b"# One\n"})
    assert says in sentence(ask, HubError)


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (429, {}, "too many requests to the Hub (HTTP 429): try again in some minutes"),
        (429, {"Retry-After": "90"}, "try again in 90 seconds"),
        (500, {}, "the Hub failed (HTTP 500)"),
        (503, {}, "the Hub failed (HTTP 503)"),
    ],
)
def test_what_waiting_helps(
    hub_here: Hub, status: int, headers: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the client says only that the file is not in its cache."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    hub_here.faults.append(Fault("GET|HEAD", status=status, headers=headers, times=99))
    assert says in sentence(lambda: HfApi().model_info("ana/one"), HubUnreachable)
    assert says in sentence(lambda: snapshot_download("ana/one"), HubUnreachable)
    assert says in sentence(lambda: hf_hub_download("ana/one", "README.md"), HubUnreachable)


def test_another_status(hub_here: Hub) -> None:
    """In the Hub's own words."""
    hub_here.faults.append(Fault("GET", status=418))
    said = sentence(lambda: HfApi().model_info("ana/one"), HubError)
    assert "(HTTP 418: a test wanted 418)" in said


def test_nobody_answers(hub_here: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = "http://127.0.0.1:9"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", closed)
    assert f"the connection to {closed} failed" in sentence(lambda: HfApi().model_info("ana/one"), HubUnreachable)
    hub_here.faults.append(Fault("GET", wait_s=30))
    slow = HfApi(endpoint=hub_here.endpoint)
    assert "did not answer in time" in sentence(lambda: slow.model_info("ana/one", timeout=0.2), HubUnreachable)


def test_offline(hub_here: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = hub_here.commit("ana/one", {"README.md": b"# One\n"})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for ask in (
        lambda: HfApi().model_info("ana/one"),
        lambda: snapshot_download("ana/one", revision=commit),
        lambda: snapshot_download("ana/one", revision=commit, local_files_only=True),
    ):
        assert "HF_HUB_OFFLINE" in sentence(ask, HubUnreachable)
    assert hub_here.requests == []


def test_a_full_disk() -> None:
    def fill() -> None:
        with Path("/dev/full").open("w") as stream:
            stream.write("x")

    assert "the disk is full" in sentence(fill, HubStorage)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_written(number: int) -> None:
    said = sentence(failing(OSError(number, os.strerror(number), "/cache/hub")), HubStorage)
    assert "/cache/hub cannot be used" in said


@pytest.mark.parametrize(
    "error",
    [httpx2.ReadError("reset by peer"), ConnectionResetError(errno.ECONNRESET, "reset by peer")],
)
def test_the_cause_is_told_where_the_client_wraps_it(error: Exception) -> None:
    """As it does for files of LFS, in a RuntimeError."""

    def upload() -> None:
        try:
            raise error
        except OSError as cause:
            raise RuntimeError("Error while uploading 'model.tflite' to the Hub.") from cause
        except httpx2.HTTPError as cause:
            raise RuntimeError("Error while uploading 'model.tflite' to the Hub.") from cause

    assert re.search("the connection to .* failed .*reset by peer", sentence(upload, HubUnreachable))


def test_what_else_it_may_raise() -> None:
    said = sentence(failing(ValueError("Malformed response from server\nand more")), HubUnreachable)
    assert "(Malformed response from server)" in said


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), hub_errors("do it"):
        failing(KeyError("ours"))()
