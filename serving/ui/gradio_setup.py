"""Settings of Gradio that must be made before it is imported.

Gradio 6.31 writes type stubs (`.pyi` files, for editors) of its 80 component classes at every import, although its
package has them. That takes half of the CPU time of a start, as `python -m benchmarks.cold_start` measures.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_MODULE, _FUNCTION = "gradio.component_meta", "create_or_modify_pyi"  # the function that writes the stubs


class _LoaderWithoutStubs(Loader):
    """Loads Gradio's module, then replaces the function that writes stubs with one that does nothing."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        setattr(module, _FUNCTION, _write_no_stub)


class _Finder:
    """Finds that one module and leaves all others to Python."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == _MODULE else None
        if spec is not None and spec.loader is not None:
            spec.loader = _LoaderWithoutStubs(spec.loader)
        return spec


def configure_gradio() -> None:
    """Turn off Gradio's analytics and its type stubs, also those of Vistazo's own components.

    Call it before Gradio is imported. If Gradio is imported already, no stubs are written from now on.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    if _MODULE in sys.modules:
        setattr(sys.modules[_MODULE], _FUNCTION, _write_no_stub)
    elif _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


def _write_no_stub(*_: object) -> None:
    """Do nothing, in place of Gradio's function."""
