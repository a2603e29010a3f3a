"""`python -m train publish` as a person runs it, and what people do with what it published."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from models import bundle
from models.classifier import softmax
from models.engines.litert import LiteRTEngine
from tests.helpers.hub_stub.stub import Fault, Hub
from tests.helpers.project import ROOT, environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ALWAYS = 99


@pytest.fixture
def run(hub: Hub, tmp_path: Path) -> Run:
    """Runs a command against the stub, with other settings where a test has some."""

    def run(*command: str | Path, **settings: str) -> "subprocess.CompletedProcess[str]":
        env = environment(**{**hub.env, "PYTHONPATH": str(ROOT), **settings})
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def publish(run: Run, exported: Path) -> Run:
    """Runs the command with the bundle."""

    def publish(*options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return run(sys.executable, "-m", "train", "publish", exported, "--repo-id", "ana/digit", *options, **settings)

    return publish


def test_publish_download_and_load(hub: Hub, run: Run, publish: Run, exported: Path, tmp_path: Path) -> None:
    """By `hf download`, `models verify` and plain Keras, whose answers are those of the serving model."""
    published = publish()
    assert published.returncode == 0, published.stderr
    commit = hub.model("ana/digit").head.oid
    assert published.stdout.splitlines() == [
        "ana/digit 0.1.0: published",
        f"{commit}  {hub.endpoint}/ana/digit/tree/{commit}",
        f"VISTAZO_MODELS=digit=ana/digit@{commit}",
    ]
    down = tmp_path / "down"
    hf = Path(sys.executable).with_name("hf")
    downloaded = run(hf, "download", "ana/digit", "--revision", "0.1.0", "--local-dir", down)
    assert downloaded.returncode == 0, downloaded.stderr
    for path in exported.rglob("*"):
        assert path.is_dir() or path.read_bytes() == (down / path.relative_to(exported)).read_bytes()
    verified = run(sys.executable, "-m", "models", "verify", down)
    assert verified.returncode == 0, verified.stderr

    network = keras.saving.load_model(down, compile=False)
    engine = LiteRTEngine(down / bundle.MODEL_NAME, 1)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), np.uint8)
    expected = softmax(network.predict(pixels.astype(np.float32), verbose=0))
    answers = softmax(engine.infer(pixels).logits)
    assert np.abs(answers - expected).max() < 1e-3
    assert np.ptp(expected) > 0.1  # it is not the same answer to everything

    again = publish()
    assert again.stdout.splitlines()[0] == "ana/digit 0.1.0: published already, nothing to do"
    assert again.stdout.splitlines()[1:] == published.stdout.splitlines()[1:]


@pytest.mark.parametrize(
    ("fault", "settings", "says"),
    [
        (None, {"HF_TOKEN": ""}, "there is no token: run `hf auth login` or set HF_TOKEN"),
        (None, {"HF_TOKEN": "hf_wrong"}, "the token is not valid (HTTP 401): run `hf auth login`"),
        (None, {"HF_TOKEN": "hf_reader"}, "the token has no permission (HTTP 403): use a token with write access"),
        (Fault("create", status=402), {}, "the Hub requires a paid plan (HTTP 402"),
        (Fault("create", status=409), {}, "the name is taken (HTTP 409): choose another"),
        (
            Fault("refs", status=429, headers={"Retry-After": "0"}, times=ALWAYS),
            {},
            "too many requests to the Hub (HTTP 429): try again",
        ),
        (
            Fault("preupload", status=503, headers={"Retry-After": "0"}, times=ALWAYS),
            {},
            "the Hub failed (HTTP 503): try again later",
        ),
        (None, {"HF_ENDPOINT": "http://127.0.0.1:9"}, "the connection to http://127.0.0.1:9 failed"),
        (None, {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set, which forbids requests to the Hub: unset it"),
    ],
)
def test_one_sentence(hub: Hub, publish: Run, fault: Fault | None, settings: dict[str, str], says: str) -> None:
    """For what the Hub refuses; exit code 1, and nothing is published."""
    hub.faults += [fault] if fault else []
    failed = publish(**settings)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "Traceback" not in failed.stderr
    (error,) = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    assert error.startswith(f"error: cannot publish ana/digit: {says}")
    for repository in hub.repositories.values():
        assert list(repository.head.files) == [".gitattributes"]
        assert repository.tags == {}


def test_a_version_that_is_taken(hub: Hub, publish: Run) -> None:
    hub.model("ana/digit").tags["0.1.0"] = hub.commit("ana/digit", {"vistazo.json": b'{"task": "digit"}'})
    failed = publish()
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ana/digit has a version 0.1.0 with other files")
    assert len(hub.model("ana/digit").commits) == 2


def test_a_dry_run_asks_nobody(hub: Hub, publish: Run, exported: Path) -> None:
    shown = publish("--dry-run", "--private", HF_TOKEN="")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("would publish digit 0.1.0 as ana/digit, private if it is new:\n")
    assert "model.weights.h5" in shown.stdout
    assert (exported / bundle.CARD_NAME).read_text(encoding="utf-8") in shown.stdout
    assert hub.requests == []


@pytest.mark.parametrize("name", ["digit", "ana/digit@main", "ana/digit/more"])
def test_a_name_that_cannot_be(hub: Hub, run: Run, exported: Path, name: str) -> None:
    failed = run(sys.executable, "-m", "train", "publish", exported, "--repo-id", name)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "USER/NAME" in failed.stderr
    assert hub.requests == []
