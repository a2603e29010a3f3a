"""Archives that are what they should be, and archives that attack."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.progress import Progress

from tests.helpers.samples import Files, tgz_bytes, zip_bytes
from train.errors import ArchiveError, UnsafeArchive
from train.sources.archives import Limits, gunzip, unpack

Pack = Callable[[Files], bytes]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The path of a test's archive."""
    return tmp_path / "archive"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_archive_becomes_its_files(pack: Pack, archive: Path, tmp_path: Path, progress: Progress) -> None:
    files = {"a.txt": b"one", "folder/b.txt": b"two" * 1_000_000, "./folder/deeper/c.txt": b""}
    archive.write_bytes(pack(files))
    unpack(archive, tmp_path / "out", progress)
    assert tree(tmp_path / "out") == {name.removeprefix("./"): content for name, content in files.items()}


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "folder/../../evil", "..\\evil", "C:\\evil", "C:evil", "..", "good:stream"]
)
def test_a_member_that_leaves_the_folder_is_refused(
    name: str, pack: Pack, archive: Path, tmp_path: Path, progress: Progress
) -> None:
    archive.write_bytes(pack({"good": b"", name: b"evil"}))
    with pytest.raises(UnsafeArchive, match="leaves its folder"):
        unpack(archive, tmp_path / "target" / "out", progress)
    assert tree(tmp_path) == {"archive": archive.read_bytes(), "target/out/good": b""}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, archive: Path, tmp_path: Path, progress: Progress) -> None:
    info = tarfile.TarInfo("link")
    info.type = kind
    info.linkname = "../outside"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(info)
    with pytest.raises(UnsafeArchive, match="a link or a device"):
        unpack(archive, tmp_path / "out", progress)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_in_a_zip_is_refused(archive: Path, tmp_path: Path, progress: Progress) -> None:
    info = zipfile.ZipInfo("link")
    info.create_system = 3  # Unix
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr(info, "../outside")
    with pytest.raises(UnsafeArchive, match="a link or a device"):
        unpack(archive, tmp_path / "out", progress)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "limits", [Limits(members=2), Limits(member_bytes=999), Limits(total_bytes=2999)], ids=["count", "one", "all"]
)
def test_absurd_sizes_are_refused(
    limits: Limits, pack: Pack, archive: Path, tmp_path: Path, progress: Progress
) -> None:
    archive.write_bytes(pack(dict.fromkeys("abc", b"0" * 1000)))
    unpack(archive, tmp_path / "allowed", progress, Limits(members=3, member_bytes=1000, total_bytes=3000))
    with pytest.raises(UnsafeArchive):
        unpack(archive, tmp_path / "out", progress, limits)


@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile warns while the archive is made
def test_a_member_that_comes_twice_is_refused(archive: Path, tmp_path: Path, progress: Progress) -> None:
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("same", "one")
        bundle.writestr("same", "other")
    with pytest.raises(UnsafeArchive, match="twice"):
        unpack(archive, tmp_path / "out", progress)


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.999])
def test_a_truncated_archive_is_damaged(
    keep: float, pack: Pack, archive: Path, tmp_path: Path, progress: Progress
) -> None:
    content = pack({f"{number}.bin": bytes([number]) * number * 4001 for number in range(200)})
    archive.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ArchiveError, match="download it again"):
        unpack(archive, tmp_path / "out", progress)


def test_a_flipped_bit_is_damage(archive: Path, tmp_path: Path, progress: Progress) -> None:
    content = bytearray(zip_bytes({"a": b"content" * 1000}))
    content[500] ^= 1
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="is damaged"):
        unpack(archive, tmp_path / "out", progress)


def test_a_locked_zip_is_named(archive: Path, tmp_path: Path, progress: Progress) -> None:
    content = bytearray(zip_bytes({"a": b"content"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the directory's flag for "encrypted"
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="password"):
        unpack(archive, tmp_path / "out", progress)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8bnot really gzip"])
def test_what_is_no_archive_is_named(content: bytes, archive: Path, tmp_path: Path, progress: Progress) -> None:
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="neither a zip nor a tar"):
        unpack(archive, tmp_path / "out", progress)


def test_a_tar_without_compression_is_read(archive: Path, tmp_path: Path, progress: Progress) -> None:
    archive.write_bytes(gzip.decompress(tgz_bytes({"a": b"one"})))
    unpack(archive, tmp_path / "out", progress)
    assert tree(tmp_path / "out") == {"a": b"one"}


def test_gunzip_returns_the_content_and_stops_at_the_limit(archive: Path) -> None:
    archive.write_bytes(gzip.compress(b"0" * 1000))
    assert gunzip(archive, Limits(member_bytes=1000)) == b"0" * 1000
    with pytest.raises(UnsafeArchive):
        gunzip(archive, Limits(member_bytes=999))


def test_gunzip_names_damage(archive: Path) -> None:
    stream = io.BytesIO(gzip.compress(bytes(range(256))))
    archive.write_bytes(stream.getvalue()[:-20])
    with pytest.raises(ArchiveError, match="is damaged"):
        gunzip(archive)
