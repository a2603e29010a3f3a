"""What has to be settled before Gradio is imported. `serving/__init__.py` calls `prepare`, so it comes first.

Every time that it is imported, Gradio 6.31 makes anew the type stubs (`.pyi`, for editors) of its 80 component classes,
which its package holds already. That is about half of the processor time of a start, as
`python -m benchmarks.cold_start` measures.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_WRITER = "gradio.component_meta", "create_or_modify_pyi"  # the module and its function that writes them


class _WithoutStubs(Loader):
    """Loads Gradio's module as ever, then puts a function that does nothing in the place of the one that writes."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        setattr(module, _WRITER[1], _no_stub)


class _Finder:
    """Finds that one module, as Python would, and leaves all others to Python."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == _WRITER[0] else None
        if spec is not None and spec.loader is not None:
            spec.loader = _WithoutStubs(spec.loader)
        return spec


def prepare() -> None:
    """Keep Gradio quiet: nothing is told to its makers at each start, and no stubs are written, of our classes neither.

    Where Gradio has been imported already, from now on.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    module, function = _WRITER
    if module in sys.modules:
        setattr(sys.modules[module], function, _no_stub)
    else:
        sys.meta_path.insert(0, _Finder)


def _no_stub(*_: object) -> None:
    """In the place of the function that writes one."""
