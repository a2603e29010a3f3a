"""Imports go one way: `app → serving → models ← train`, and no packages import each other.

Reads the source with `ast`, so imports inside functions and under `if TYPE_CHECKING` count too. Every directory is a
package. A module that lies directly in a top-level package counts as a package of its own: `models.errors` is below
everything, `models.catalog` above `models.hub`.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.helpers.project import ROOT

# Top-level package → the top-level packages that it may import.
ALLOWED = {
    "models": set[str](),
    "serving": {"models"},
    "app": {"models", "serving"},
    "train": {"models"},
    "spaces_config": {"models", "serving"},
    "benchmarks": {"models", "serving", "spaces_config", "train"},
}

Graph = Mapping[str, set[str]]


def sources(root: Path) -> dict[str, Path]:
    """The modules of the project: dotted name → file."""
    files = [path for top in ALLOWED for path in (root / top).rglob("*.py")] + [root / "app.py"]
    return {_dotted(path.relative_to(root)): path for path in files if path.is_file()}


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the project that a module imports, anywhere in its source."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(filter(None, [*above, node.module]))
            # `from train import run` imports the module train.run; `from train.run import Run` imports train.run.
            candidates = [full if (full := f"{base}.{alias.name}") in known else base for alias in node.names]
        else:
            continue
        yield from (candidate for candidate in candidates if candidate in known and candidate != name)


def module_graph(root: Path) -> dict[str, set[str]]:
    known = sources(root)
    return {name: set(imports(name, path, known)) for name, path in known.items()}


def package_graph(modules: Graph) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = defaultdict(set)
    for name, targets in modules.items():
        package = _package(name)
        # A package may compose its own subpackages: `serving.ui.page` imports `serving.ui.tabs`.
        graph[package] |= {_package(target) for target in targets if not _package(target).startswith(f"{package}.")}
        graph[package].discard(package)
    return graph


def _package(module: str) -> str:
    """`train.evaluation` for `train.evaluation.metrics`; the module itself where it lies in a top-level package."""
    return module if module.count(".") < 2 else module.rpartition(".")[0]


def cycles(graph: Graph) -> list[str]:
    """The groups of nodes that reach each other (strongly connected components), each as text."""
    reach = {node: _reachable(graph, node) for node in graph}
    groups = {frozenset(other for other in reach[node] if node in reach.get(other, ())) for node in graph}
    return sorted(" ↔ ".join(sorted(group)) for group in groups if group)


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def wrong_ways(modules: Graph) -> list[str]:
    """The imports that the table of allowed directions does not have, as `importer → imported`."""
    return sorted(
        f"{name} → {target}"
        for name, targets in modules.items()
        for target in targets
        if (importer := name.split(".")[0]) != (imported := target.split(".")[0]) and imported not in ALLOWED[importer]
    )


def test_no_packages_import_each_other() -> None:
    assert cycles(package_graph(module_graph(ROOT))) == []


def test_no_modules_import_each_other() -> None:
    assert cycles(module_graph(ROOT)) == []


def test_imports_go_one_way() -> None:
    assert wrong_ways(module_graph(ROOT)) == []


def test_imports_in_functions_and_for_types_count(tmp_path: Path) -> None:
    files = {
        "models/__init__.py": "",
        "models/hub/__init__.py": "",
        "models/hub/pulling.py": "def pull():\n    from models.catalog import Catalog\n",
        "models/catalog.py": "import typing\nif typing.TYPE_CHECKING:\n    from models.hub import pulling\n",
        "models/errors.py": "import train.errors\n",
        "train/errors.py": "from models.errors import VistazoError\n",
        "train/learning/plan.py": "from ..errors import RunError\n",
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source, encoding="utf-8")
    modules = module_graph(tmp_path)
    assert cycles(package_graph(modules)) == ["models.catalog ↔ models.hub", "models.errors ↔ train.errors"]
    assert cycles(modules) == ["models.catalog ↔ models.hub.pulling", "models.errors ↔ train.errors"]
    assert wrong_ways(modules) == ["models.errors → train.errors"]
    assert modules["train.learning.plan"] == {"train.errors"}
