"""The stub speaks to the real clients: `huggingface_hub`, the command `hf`, and Keras."""

import hashlib
import subprocess
import sys
from pathlib import Path

import httpx
import huggingface_hub.constants
import numpy as np
import pytest
from huggingface_hub import CommitOperationDelete, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from tests.helpers.hub_stub.stub import Fault, Hub
from tests.helpers.project import environment

HF = Path(sys.executable).with_name("hf")
BIG = np.random.default_rng(0).bytes(300_000)
CARD = b"---\nlicense: mit\nsdk: gradio\n---\n# One\n"
FILES = {"README.md": CARD, "model.tflite": BIG, "figures/roc.png": b"\0a picture"}

KERAS = """
import keras, numpy as np
pixels = keras.Input((4, 4, 1))
model = keras.Model(pixels, keras.layers.Dense(3)(keras.layers.Flatten()(pixels)))
keras.saving.save_model(model, "saved", zipped=False)
from huggingface_hub import HfApi
HfApi().create_repo("ana/keras")
HfApi().upload_folder(repo_id="ana/keras", folder_path="saved")
again = keras.saving.load_model("hf://ana/keras")
picture = np.ones((1, 4, 4, 1), "float32")
np.testing.assert_array_equal(again(picture), model(picture))
"""


@pytest.fixture
def api(hub_here: Hub) -> HfApi:
    return HfApi(endpoint=hub_here.endpoint)


def write(directory: Path) -> Path:
    for name, content in FILES.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return directory


def read(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.relative_to(directory).parts[0].startswith(".")
    }


def run(hub: Hub, *command: str | Path, cwd: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    settings = environment(**hub.env, **changes)
    return subprocess.run(command, env=settings, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("repo_type", "sdk"), [("model", None), ("space", "gradio")])
def test_upload_and_download(hub_here: Hub, api: HfApi, tmp_path: Path, repo_type: str, sdk: str | None) -> None:
    """A folder goes up in one commit and comes back byte for byte, by the tag."""
    api.create_repo("ana/one", repo_type=repo_type, space_sdk=sdk)
    commit = api.upload_folder(repo_id="ana/one", repo_type=repo_type, folder_path=write(tmp_path))
    api.create_tag("ana/one", repo_type=repo_type, tag="1.0", revision=commit.oid)
    there = Path(snapshot_download("ana/one", repo_type=repo_type, revision="1.0"))
    assert there.name == commit.oid
    assert read(there) == FILES
    repository = hub_here.repositories[repo_type, "ana/one"]
    assert len(repository.commits) == 2
    assert {path for path, file in repository.head.files.items() if file.lfs} == {"model.tflite", "figures/roc.png"}


def test_what_the_client_reads(hub_here: Hub, api: HfApi) -> None:
    """Revisions, the tree, single files, and the ids that git and LFS give them."""
    first = hub_here.commit("ana/one", FILES)
    second = hub_here.commit("ana/one", {"notes.txt": b"new\n"})
    api.create_tag("ana/one", tag="old", revision=first)
    assert api.model_info("ana/one").sha == second
    assert api.model_info("ana/one", revision="old").sha == first
    tree = {entry.path: entry for entry in api.list_repo_tree("ana/one", recursive=True, revision="main")}
    assert set(tree) == {".gitattributes", "figures", "notes.txt", *FILES}
    notes = tree["notes.txt"]
    assert isinstance(notes, RepoFile)
    assert notes.blob_id == "3e757656cf36eca53338e520d134963a44f793f8"  # git hash-object
    (info,) = api.get_paths_info("ana/one", ["model.tflite", "absent"])
    assert isinstance(info, RepoFile)
    assert info.lfs is not None
    assert info.lfs.sha256 == hashlib.sha256(BIG).hexdigest()
    assert Path(hf_hub_download("ana/one", "notes.txt")).read_bytes() == b"new\n"
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("ana/one", "notes.txt", revision="old")
    with pytest.raises(RevisionNotFoundError):
        snapshot_download("ana/one", revision="absent")
    api.create_commit("ana/one", [CommitOperationDelete("notes.txt")], commit_message="less")
    assert "notes.txt" not in hub_here.model("ana/one").head.files


def test_who_may_what(hub_here: Hub, api: HfApi) -> None:
    """A private repository needs a token, writing a token that may, and a name that is taken is 409."""
    api.create_repo("ana/secret", private=True)
    reader = HfApi(endpoint=hub_here.endpoint, token=hub_here.read_only_token)
    nobody = HfApi(endpoint=hub_here.endpoint, token=False)
    wrong = HfApi(endpoint=hub_here.endpoint, token=hub_here.token + "x")
    assert api.whoami()["name"] == reader.whoami()["name"] == "ana"
    assert reader.model_info("ana/secret").private
    with pytest.raises(RepositoryNotFoundError):
        nobody.model_info("ana/secret")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("ana/absent")
    for forbidden, status in (
        (lambda: wrong.model_info("ana/secret"), 401),
        (lambda: nobody.create_repo("ana/other"), 401),
        (lambda: reader.create_repo("ana/other"), 403),
        (lambda: api.create_repo("another/other"), 403),
        (lambda: api.create_repo("ana/secret"), 409),
        (lambda: reader.create_tag("ana/secret", tag="1"), 403),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            forbidden()
        assert error.value.response.status_code == status


def test_a_bad_card_is_refused(hub_here: Hub, api: HfApi) -> None:
    """By the stub, before any file is sent."""
    api.create_repo("ana/one")
    with pytest.raises(ValueError, match="license"):
        api.upload_file(repo_id="ana/one", path_in_repo="README.md", path_or_fileobj=b"---\nlicense: [a, b]\n---\n")
    assert len(hub_here.model("ana/one").commits) == 1


def test_an_upload_is_cut(hub_here: Hub, api: HfApi, tmp_path: Path) -> None:
    """The client sends the file again."""
    oid = hashlib.sha256(BIG).hexdigest()
    hub_here.faults.append(Fault(f"PUT /lfs/{oid}", cut_after=100_000))
    api.create_repo("ana/one")
    api.upload_folder(repo_id="ana/one", folder_path=write(tmp_path))
    assert hub_here.model("ana/one").head.files["model.tflite"].content == BIG
    assert len(hub_here.asked(f"PUT /lfs/{oid}")) == 2


def test_a_download_is_cut_and_resumed(hub_here: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 50_000)  # 10 MB: what is lost at most
    hub_here.commit("ana/one", FILES)
    hub_here.faults.append(Fault("GET /cdn", cut_after=100_000))
    assert Path(hf_hub_download("ana/one", "model.tflite")).read_bytes() == BIG
    assert hub_here.asked("GET /cdn")[1].endswith("bytes=100000-")


def test_a_status_and_a_slow_answer(hub: Hub) -> None:
    hub.commit("ana/one", FILES)
    hub.faults.append(Fault("GET /api/models", times=2, status=429, headers={"Retry-After": "7"}))
    answers = [httpx.get(f"{hub.endpoint}/api/models/ana/one") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    hub.faults.append(Fault("GET /api/models", wait_s=30))
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{hub.endpoint}/api/models/ana/one", timeout=httpx.Timeout(60, read=0.5))


def test_a_file_changes_without_a_commit(hub: Hub) -> None:
    commit = hub.commit("ana/one", FILES)
    hub.replace("ana/one", "README.md", b"something else")
    url = f"{hub.endpoint}/ana/one/resolve/{commit}/README.md"
    assert httpx.get(url).content == b"something else"
    assert httpx.head(url).headers["X-Repo-Commit"] == commit


def test_the_command_hf(hub: Hub, tmp_path: Path) -> None:
    """`hf auth whoami`, `hf upload` and `hf download`, with what a script expects of each."""
    folder = write(tmp_path / "up")
    assert "ana" in run(hub, HF, "auth", "whoami", cwd=tmp_path).stdout
    assert run(hub, HF, "upload", "ana/one", folder, ".", cwd=tmp_path).returncode == 0
    hub.model("ana/one").tags["1.0"] = hub.model("ana/one").head.oid
    down = run(hub, HF, "download", "ana/one", "--revision", "1.0", "--local-dir", "down", cwd=tmp_path)
    assert down.returncode == 0
    assert read(tmp_path / "down") == FILES
    absent = run(hub, HF, "download", "ana/absent", cwd=tmp_path)
    assert absent.returncode != 0
    assert "not found" in absent.stderr.lower()


def test_keras_loads_from_it(hub: Hub, tmp_path: Path) -> None:
    """`keras.saving.load_model("hf://…")` answers as the model that was uploaded."""
    done = run(hub, sys.executable, "-c", KERAS, cwd=tmp_path, KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 0, done.stderr
