"""Settings from the environment and from the file."""

import os
from pathlib import Path

import pytest

from serving import settings
from serving.settings import SettingsError


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(settings.PREFIX):
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
