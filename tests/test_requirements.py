"""Every third-party package that is imported is declared in the requirements file of the code that imports it."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.helpers.project import ROOT

# Requirements file → the code that has to run with it alone.
CODE = {
    "spaces_config/requirements.txt": ("app.py", "models", "serving", "spaces_config"),
    "requirements.txt": ("train",),
    "benchmarks/requirements.txt": ("benchmarks",),
    "requirements-dev.txt": ("tests",),
}
# Keras backends are imported only if the user has chosen one with KERAS_BACKEND, and so installed it.
OPTIONAL_BACKENDS = {"jax", "torch"}
OWN_PACKAGES = {"app", "benchmarks", "docs", "models", "serving", "spaces_config", "tests", "train"}


@cache
def distributions() -> Mapping[str, list[str]]:
    """Return the installed distributions by the top-level packages that they contain."""
    return packages_distributions()


def normalize(name: str) -> str:
    """Return the name of a distribution as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(path: Path) -> set[str]:
    """Return the distributions that a requirements file declares, including those of the files that it includes."""
    names = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        requirement = line.partition("#")[0].strip()
        if included := re.match(r"-r\s+(\S+)", requirement):
            names |= declared(path.parent / included[1])
        elif name := re.match(r"[A-Za-z0-9._-]+", requirement):
            names.add(normalize(name[0]))
    return names


def imported(source: str) -> Iterator[str]:
    """Yield the top-level packages that a module imports, also within functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def undeclared(sources: Iterable[Path], requirements: set[str]) -> dict[str, str]:
    """Return the imported third-party packages that are not declared: package → one file that imports it."""
    missing = {}
    for path in sources:
        for package in imported(path.read_text(encoding="utf-8")):
            if package in sys.stdlib_module_names or package in OWN_PACKAGES | OPTIONAL_BACKENDS:
                continue
            if not {normalize(name) for name in distributions().get(package, [package])} & requirements:
                missing[package] = str(path)
    return missing


@pytest.mark.parametrize("name", CODE)
def test_what_is_imported_is_declared(name: str) -> None:
    paths = [ROOT / part for part in CODE[name]]
    sources = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    assert undeclared(sources, declared(ROOT / name)) == {}


def test_an_import_that_is_not_declared_is_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def late():\n    import yaml, json\n    from PIL import Image\n", encoding="utf-8")
    assert undeclared([path], {"pillow"}) == {"yaml": str(path)}
    assert undeclared([path], {"pillow", "pyyaml"}) == {}
