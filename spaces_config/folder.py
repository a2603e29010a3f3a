"""The Space's folder: exactly the files that it needs, out of those that git knows."""

import shutil
import stat
import subprocess
from pathlib import Path, PurePosixPath

from huggingface_hub import SpaceCard

from models import bundle
from spaces_config.errors import SpaceError

ROOT = Path(__file__).parent.parent
PARTS = ("app.py", "models", "serving", "LICENSE")
BUNDLES = PurePosixPath("models/bundled")
REQUIREMENTS = "spaces_config/requirements.txt"
README = "README.md"


def contents(card: SpaceCard, root: Path = ROOT) -> dict[str, bytes]:
    """Every file of the Space by its name there. Raises SpaceError outside a git checkout."""
    names = [name for name in _git(root, "ls-files", "-z", "--", *PARTS).split("\0") if name and _is_needed(name)]
    sources = {name: root / name for name in names} | {"requirements.txt": root / REQUIREMENTS}
    try:
        files = {name: path.read_bytes() for name, path in sources.items()}
    except OSError as error:
        raise SpaceError(f"{error.filename} is in git and cannot be read ({error.strerror}): restore it") from error
    return dict(sorted((files | {README: str(card).encode()}).items()))


def changes(root: Path = ROOT) -> list[str]:
    """What differs from the last commit, files that git does not know included. Raises SpaceError."""
    return [line[3:] for line in _git(root, "status", "--porcelain", "--no-renames", "-z").split("\0") if line]


def unknown(root: Path = ROOT) -> list[str]:
    """Files that git neither knows nor ignores. Raises SpaceError."""
    return [name for name in _git(root, "ls-files", "-z", "--others", "--exclude-standard").split("\0") if name]


def commit(root: Path = ROOT) -> str:
    """The last commit, 40 hexadecimal digits. Raises SpaceError."""
    return _git(root, "rev-parse", "HEAD").strip()


def write(files: dict[str, bytes], directory: Path) -> None:
    """Make `directory` hold these files and nothing else, and let nobody write there: a Space of ours needs no more."""
    remove(directory)
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in (directory, *directory.rglob("*")):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def remove(directory: Path) -> None:
    """Remove a folder that `write` made, if it is there."""
    if directory.is_dir():
        for path in (directory, *(path for path in directory.rglob("*") if path.is_dir())):
            path.chmod(0o755)
        shutil.rmtree(directory)


def _is_needed(name: str) -> bool:
    """Of a bundle only what serving reads: its card and its figures are for people, who find them on the Hub."""
    path = PurePosixPath(name)
    return not path.is_relative_to(BUNDLES) or path.name in bundle.SERVING_FILES


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (our own words)
            ["git", *words],  # noqa: S607  (whichever git the person has)
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise SpaceError(
            f"git does not know the files of {root}: a Space is made from a git checkout, so clone the repository"
        ) from error
    return done.stdout
