"""Names of sources, as people write them."""

from pathlib import Path

import pytest

from models import settings
from models.errors import SourceError
from models.hub.source import Repository, parse, parse_all

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana/digit", Repository("ana/digit", "main")),
        ("ana/digit@v1.2", Repository("ana/digit", "v1.2")),
        (f"ana-b.c/my_digit.x@{COMMIT}", Repository("ana-b.c/my_digit.x", COMMIT)),
        ("ana/digit@refs/pr/3", Repository("ana/digit", "refs/pr/3")),
        ("./ana/digit", Path("ana/digit")),
        ("/ana/digit", Path("/ana/digit")),
        ("~/digit", Path.home() / "digit"),
        ("runs/digit-1/bundle", Path("runs/digit-1/bundle")),
        ("birds", Path("birds")),
    ],
)
def test_a_repository_or_a_directory(text: str, expected: object) -> None:
    assert parse(text) == expected


def test_what_exists_as_a_directory_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ana" / "digit").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert parse("ana/digit") == Path("ana/digit")


@pytest.mark.parametrize("text", ["ana/digit@", "ana@v1", "ana/digit@v 1", "a/b/c@v1", "@", "ana/digit@a@b"])
def test_what_is_neither_is_one_sentence(text: str) -> None:
    with pytest.raises(SourceError, match="USER/NAME@REVISION"):
        parse(text)


def test_only_a_whole_commit_is_pinned() -> None:
    assert Repository("a/b", COMMIT).is_pinned
    assert not any(Repository("a/b", revision).is_pinned for revision in ("main", COMMIT[:7], COMMIT.upper()))


def test_several_are_separated_by_commas() -> None:
    assert parse_all(f" digit=ana/digit@{COMMIT} , bird=./birds,") == {
        "digit": Repository("ana/digit", COMMIT),
        "bird": Path("birds"),
    }


def test_the_command_line_reads_the_same_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("VISTAZO_MODELS=digit=ana/digit@v1\n")
    monkeypatch.delenv("VISTAZO_MODELS", raising=False)
    assert settings.named_models(file) == {"digit": Repository("ana/digit", "v1")}
    monkeypatch.setenv("VISTAZO_MODELS", "bird=birds")
    assert settings.named_models(file) == {"bird": Path("birds")}
    monkeypatch.setenv("VISTAZO_MODELS", "bird=")
    with pytest.raises(SourceError, match="VISTAZO_MODELS is 'bird='"):
        settings.named_models(file)
