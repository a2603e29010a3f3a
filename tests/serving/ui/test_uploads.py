"""The uploads of the page: on a real disk."""

import tempfile
import time
from pathlib import Path

import pytest

from serving.errors import Busy
from serving.ui import uploads
from serving.ui.uploads import UploadFolder, prepare_directory


def stored(directory: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in directory.rglob("*") if path.is_file())


def test_the_folder_is_empty_after_a_start_whatever_the_last_server_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    UploadFolder(prepare_directory(5000)).store("x.png", b"an X-ray", "ana")
    other = prepare_directory(5001)
    assert prepare_directory(5000) != other
    assert stored(tmp_path) == []
    assert prepare_directory(5000).stat().st_mode & 0o077 == 0, "for this user only"


def test_uploads_are_deleted_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = UploadFolder(tmp_path)
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    folder.store("old.png", b"old", "ana")
    now = uploads.AGE_S - 1
    folder.store("new.png", b"new", "ana")
    assert stored(tmp_path) == [b"new", b"old"]
    now = uploads.AGE_S + 1
    folder.sweep()
    assert stored(tmp_path) == [b"new"]


def test_a_visitor_with_too_much_loses_the_oldest_and_nobody_else_does(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path, visitor_bytes=10)
    for name, visitor in (("1", "ana"), ("2", "eva"), ("3", "ana"), ("4", "ana")):
        folder.store(f"{name}.png", name.encode() * 5, visitor)
    assert stored(tmp_path) == [b"22222", b"33333", b"44444"]


def test_all_visitors_together_are_bounded(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path, total_bytes=10)
    folder.store("1.png", bytes(6), "ana")
    with pytest.raises(Busy):
        folder.store("2.png", b"22222", "eva")
    assert stored(tmp_path) == [bytes(6)]


def test_the_same_picture_again_is_one_file(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path)
    assert folder.store("a.png", b"same", "ana") == folder.store("a.png", b"same", "eva")
    assert stored(tmp_path) == [b"same"]


def test_what_was_in_the_folder_is_never_deleted(tmp_path: Path) -> None:
    """An example of the page that a visitor uploads has the path of the example."""
    folder = UploadFolder(tmp_path)
    example = folder.store("a.png", b"example", "the page")
    again = UploadFolder(tmp_path, visitor_bytes=1)
    assert again.store("a.png", b"example", "ana") == example
    again.store("b.png", b"another", "ana")
    assert example.exists()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\Users\\x.png", "/etc/passwd", "", "..", ".", "a\x00b\nc.png", "ñ" * 300 + ".png"]
)
def test_a_file_stays_in_the_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = UploadFolder(tmp_path).store(name, b"bytes", "ana")
    assert path.resolve().is_relative_to(tmp_path)
    assert path.resolve().parent.parent == tmp_path
    assert path.read_bytes() == b"bytes"
