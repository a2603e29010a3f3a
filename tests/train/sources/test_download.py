"""Downloads against a real server on this machine."""

import hashlib
import socket
from pathlib import Path

import pytest
from rich.progress import Progress

from tests.helpers.site import Site
from train.errors import ChecksumError, DownloadError
from train.sources.datasets import Download
from train.sources.download import download_file

CONTENT = bytes(range(256)) * 400  # 102,400 bytes, no two neighbours alike
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture(params=[None, MD5], ids=["no checksum", "checksum"])
def file(request: pytest.FixtureRequest, site: Site) -> Download:
    """A file that the server has, with and without known checksum."""
    site.files["file.bin"] = CONTENT
    return Download("file.bin", (site.url + "file.bin",), request.param)


def left_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_file_arrives_and_nothing_else_stays(file: Download, tmp_path: Path, progress: Progress) -> None:
    assert download_file(file, tmp_path, progress) == tmp_path / "file.bin"
    assert left_in(tmp_path) == {"file.bin": CONTENT}


def test_a_cut_connection_is_resumed_where_it_broke(
    file: Download, site: Site, tmp_path: Path, progress: Progress
) -> None:
    site.cut_after = 40_000
    download_file(file, tmp_path, progress)
    assert site.asked == ["", "bytes=40000-", "bytes=80000-"]
    assert left_in(tmp_path) == {"file.bin": CONTENT}


def test_the_next_call_resumes_a_broken_download(
    file: Download, site: Site, tmp_path: Path, progress: Progress
) -> None:
    site.cut_after = 10_000
    with pytest.raises(DownloadError, match="run the same command again"):
        download_file(file, tmp_path, progress)
    assert not (tmp_path / "file.bin").exists()
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:30_000]
    site.cut_after = None
    download_file(file, tmp_path, progress)
    assert site.asked[-1] == "bytes=30000-"
    assert left_in(tmp_path) == {"file.bin": CONTENT}


def test_a_server_without_range_sends_all_again(file: Download, site: Site, tmp_path: Path, progress: Progress) -> None:
    site.ranges = False
    site.cut_after = 10_000
    with pytest.raises(DownloadError):
        download_file(file, tmp_path, progress)
    site.cut_after = None
    download_file(file, tmp_path, progress)
    assert left_in(tmp_path) == {"file.bin": CONTENT}


def test_a_file_that_changed_upstream_is_not_glued_to_the_old_one(
    site: Site, tmp_path: Path, progress: Progress
) -> None:
    site.files["file.bin"] = CONTENT
    file = Download("file.bin", (site.url + "file.bin",))
    site.cut_after = 10_000
    with pytest.raises(DownloadError):
        download_file(file, tmp_path, progress)
    site.files["file.bin"] = CONTENT[::-1]
    site.cut_after = None
    download_file(file, tmp_path, progress)
    assert left_in(tmp_path) == {"file.bin": CONTENT[::-1]}


def test_without_version_nor_checksum_it_starts_anew(site: Site, tmp_path: Path, progress: Progress) -> None:
    site.files["file.bin"] = CONTENT
    site.versions = False
    file = Download("file.bin", (site.url + "file.bin",))
    site.cut_after = 10_000
    with pytest.raises(DownloadError):
        download_file(file, tmp_path, progress)
    site.cut_after = None
    download_file(file, tmp_path, progress)
    assert set(site.asked) == {""}
    assert left_in(tmp_path) == {"file.bin": CONTENT}


def test_a_download_cut_after_its_last_byte_is_complete(site: Site, tmp_path: Path, progress: Progress) -> None:
    site.files["file.bin"] = CONTENT
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    download_file(Download("file.bin", (site.url + "file.bin",), MD5), tmp_path, progress)
    assert left_in(tmp_path) == {"file.bin": CONTENT}


@pytest.mark.parametrize("start", [b"", b"of another file" * 9000], ids=["fresh", "longer part"])
def test_a_part_of_another_file_ends_in_an_error_and_then_in_the_file(
    start: bytes, site: Site, tmp_path: Path, progress: Progress
) -> None:
    site.files["file.bin"] = CONTENT[:-1] + b"!"
    (tmp_path / "file.bin.part").write_bytes(start)
    file = Download("file.bin", (site.url + "file.bin",), MD5)
    with pytest.raises(DownloadError):
        download_file(file, tmp_path, progress)
    assert not (tmp_path / "file.bin").exists()
    site.files["file.bin"] = CONTENT
    download_file(file, tmp_path, progress)
    assert left_in(tmp_path) == {"file.bin": CONTENT}


def test_a_wrong_checksum_is_refused_and_not_resumed(site: Site, tmp_path: Path, progress: Progress) -> None:
    site.files["file.bin"] = CONTENT[:-1]
    file = Download("file.bin", (site.url + "file.bin",), MD5)
    with pytest.raises(ChecksumError, match=MD5):
        download_file(file, tmp_path, progress)
    assert left_in(tmp_path) == {}


def test_the_second_address_is_asked_when_the_first_fails(site: Site, tmp_path: Path, progress: Progress) -> None:
    site.files["file.bin"] = CONTENT
    file = Download("file.bin", (site.url + "nowhere", site.url + "file.bin"), MD5)
    download_file(file, tmp_path, progress)
    assert left_in(tmp_path) == {"file.bin": CONTENT}


def test_a_missing_file_names_address_and_answer(site: Site, tmp_path: Path, progress: Progress) -> None:
    with pytest.raises(DownloadError, match=f"{site.url}nowhere responded with status 404"):
        download_file(Download("file.bin", (site.url + "nowhere",)), tmp_path, progress)


def test_no_network_is_one_sentence(tmp_path: Path, progress: Progress) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file.bin"
        with pytest.raises(DownloadError, match=r"could not be reached.*check the network"):
            download_file(Download("file.bin", (url,)), tmp_path, progress)


def test_a_complete_file_is_not_downloaded_again(
    file: Download, site: Site, tmp_path: Path, progress: Progress
) -> None:
    download_file(file, tmp_path, progress)
    download_file(file, tmp_path, progress)
    assert site.asked == [""]


def test_a_complete_file_that_was_damaged_is(site: Site, tmp_path: Path, progress: Progress) -> None:
    site.files["file.bin"] = CONTENT
    (tmp_path / "file.bin").write_bytes(CONTENT[:-1])
    download_file(Download("file.bin", (site.url + "file.bin",), MD5), tmp_path, progress)
    assert left_in(tmp_path) == {"file.bin": CONTENT}
