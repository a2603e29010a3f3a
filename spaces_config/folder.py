"""The files of the Space: those that it needs, out of those that git tracks."""

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


def space_files(card: SpaceCard, root: Path = ROOT) -> dict[str, bytes]:
    """Return the content of every file of the Space, by its path there. Raises SpaceError outside a git checkout."""
    names = [name for name in _git(root, "ls-files", "-z", "--", *PARTS).split("\0") if name and _is_needed(name)]
    paths = {name: root / name for name in names} | {"requirements.txt": root / REQUIREMENTS}
    try:
        files = {name: path.read_bytes() for name, path in paths.items()}
    except OSError as error:
        raise SpaceError(f"{error.filename} is in git and cannot be read ({error.strerror}): restore it") from error
    return dict(sorted((files | {README: str(card).encode()}).items()))


def changed_files(root: Path = ROOT) -> list[str]:
    """Return the files that differ from the last commit, including untracked ones. Raises SpaceError."""
    return [line[3:] for line in _git(root, "status", "--porcelain", "--no-renames", "-z").split("\0") if line]


def untracked_files(root: Path = ROOT) -> list[str]:
    """Return the files that git neither tracks nor ignores. Raises SpaceError."""
    return [name for name in _git(root, "ls-files", "-z", "--others", "--exclude-standard").split("\0") if name]


def head_commit(root: Path = ROOT) -> str:
    """Return the last commit, 40 hexadecimal digits. Raises SpaceError."""
    return _git(root, "rev-parse", "HEAD").strip()


def write_folder(files: dict[str, bytes], directory: Path) -> None:
    """Write exactly these files to `directory` and make it read-only, because a Space never writes there."""
    remove_folder(directory)
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in (directory, *directory.rglob("*")):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def remove_folder(directory: Path) -> None:
    """Remove a read-only folder that `write_folder` wrote, if it exists."""
    if directory.is_dir():
        for path in (directory, *(path for path in directory.rglob("*") if path.is_dir())):
            path.chmod(0o755)
        shutil.rmtree(directory)


def _is_needed(name: str) -> bool:
    """Return False for those files of a bundle that serving does not read, such as its card and its figures."""
    path = PurePosixPath(name)
    return not path.is_relative_to(BUNDLES) or path.name in bundle.SERVING_FILES


def _git(root: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise SpaceError("the program git was not found: install git, which lists the files of the Space")
    try:
        completed = subprocess.run([git, *arguments], cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SpaceError(
            f"git cannot list the files of {root}: a Space is built from a git checkout, so clone the repository"
        ) from error
    return completed.stdout
