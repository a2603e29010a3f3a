"""Settings from the environment and from the file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.hub.source import Repository
from serving import settings
from serving.settings import SettingsError
from tests.helpers.project import ROOT, environment


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(settings.PREFIX):
            monkeypatch.delenv(name)
    for name in ("HF_TOKEN", "HF_HOME", "HF_ENDPOINT"):  # which reading a file may set: set first, so that it is undone
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def _env_file(tmp_path: Path, content: str = "") -> Path:
    path = tmp_path / ".env"
    path.write_text(content, encoding="utf-8")
    return path


def test_defaults(tmp_path: Path) -> None:
    loaded = settings.load(_env_file(tmp_path))
    assert (loaded.max_bytes, loaded.max_pixels, loaded.models) == (20_000_000, 50_000_000, {})


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _env_file(tmp_path, "VISTAZO_QUEUE=5\nVISTAZO_MAX_BYTES=100\nHF_TOKEN=secret\n")
    monkeypatch.setenv("VISTAZO_QUEUE", "6")
    loaded = settings.load(path)
    assert (loaded.queue, loaded.max_bytes) == (6, 100)


def test_models_are_named_by_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISTAZO_MODELS", "digit=/a/b, bird=birds")
    assert settings.load(_env_file(tmp_path)).models == {"digit": Path("/a/b"), "bird": Path("birds")}


def test_models_may_be_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISTAZO_MODELS", f"digit=ana/digit@{'a' * 40},flower=ana/flower")
    assert settings.load(_env_file(tmp_path)).models == {
        "digit": Repository("ana/digit", "a" * 40),
        "flower": Repository("ana/flower", "main"),
    }


def test_the_hubs_own_settings_may_be_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", "/mine")
    settings.load(_env_file(tmp_path, "HF_TOKEN=secret\nHF_HOME=/other\nHF_ENDPOINT=http://hub\n"))
    assert [os.environ[name] for name in ("HF_TOKEN", "HF_HOME", "HF_ENDPOINT")] == ["secret", "/mine", "http://hub"]


def test_the_settings_are_read_before_the_library_of_the_hub(tmp_path: Path) -> None:
    """The library reads them once, when it is imported."""
    script = (
        "import sys; from pathlib import Path; import app; from serving import settings\n"
        "assert not [name for name in sys.modules if name.startswith(('huggingface_hub', 'gradio'))]\n"
        "settings.load(Path(sys.argv[1]))\n"
        "from huggingface_hub import constants; print(constants.ENDPOINT)\n"
    )
    file = _env_file(tmp_path, "HF_ENDPOINT=http://127.0.0.1:9\n")
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], cwd=ROOT, env=environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "http://127.0.0.1:9\n"), done.stderr


def test_the_admin_key_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISTAZO_ADMIN_KEY", "a secret")
    assert "a secret" not in repr(settings.load(_env_file(tmp_path)))


def test_an_unknown_name_in_the_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISTAZO_MAX_BITES", "1")
    with pytest.raises(SettingsError, match=r"VISTAZO_MAX_BITES.*VISTAZO_MAX_BYTES"):
        settings.load(_env_file(tmp_path))


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VISTAZO_QEUE"):
        settings.load(_env_file(tmp_path, "VISTAZO_QEUE=1\n"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VISTAZO_MAX_BYTES", "many"),
        ("VISTAZO_MAX_PIXELS", "0"),
        ("VISTAZO_QUEUE", "-1"),
        ("VISTAZO_TIMEOUT_S", "-3"),
        ("VISTAZO_MODELS", "digit"),
        ("VISTAZO_MODELS", "digit="),
        ("VISTAZO_MODELS", "digit=ana/digit@"),
        ("VISTAZO_HUB_TIMEOUT_S", "0"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        settings.load(_env_file(tmp_path))
    assert name in str(caught.value)
    assert value in str(caught.value)
    assert "\n" not in str(caught.value)
