"""The checks before publishing, and the package of files."""

from pathlib import Path

import pytest

from models import bundle
from models.catalog import BUNDLED
from models.errors import BundleError
from tests.helpers.bundles import reseal
from train.errors import PublishError
from train.publishing.package import load_package


def test_a_run_stands_for_its_bundle(exported: Path) -> None:
    assert load_package(exported.parent).directory == load_package(exported).directory == exported


def test_all_files_are_told(exported: Path) -> None:
    """With their sizes, and the card below."""
    told = load_package(exported).describe()
    for path in exported.rglob("*"):
        if path.is_file():
            assert f"{path.stat().st_size:,} bytes  {path.relative_to(exported).as_posix()}\n" in told
    assert told.endswith((exported / bundle.CARD_NAME).read_text(encoding="utf-8"))


def test_what_is_not_listed_stays_here(directory: Path) -> None:
    (directory / ".DS_Store").write_bytes(b"of no use to anyone")
    assert ".DS_Store" not in load_package(directory).files


@pytest.mark.parametrize("name", ["model.weights.h5", "README.md"])
def test_a_copy_to_serve_from_is_not_whole(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(PublishError, match=rf"is a copy for serving, without {name}: export the run"):
        load_package(directory)


def test_the_bundled_models_are_copies_to_serve_from() -> None:
    with pytest.raises(PublishError, match=r"without .*model\.weights\.h5"):
        load_package(BUNDLED / "digit")


def test_a_damaged_bundle(directory: Path) -> None:
    (directory / "config.json").write_bytes(b"{}")
    with pytest.raises(BundleError, match="is not the file that was exported"):
        load_package(directory)


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("# Digits\n", "front matter of .* has no library_name"),
        ("---\nlicense: [mit\n---\n", "front matter of .* cannot be read"),
    ],
)
def test_a_card_that_nobody_would_find(directory: Path, card: str, says: str) -> None:
    (directory / "README.md").write_text(card)
    reseal(directory)
    with pytest.raises(PublishError, match=says):
        load_package(directory)
