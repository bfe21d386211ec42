"""Names to objects: built-ins by module, others by entry point, by ``module:Object`` or by ``path/to/file.py:Class``.

Nothing is imported before it is asked for, so that listing names costs nothing and a broken plug-in breaks only itself.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from kalamos.errors import KalamosError, UnknownNameError

EXTRAS = {"torch": "models", "matplotlib": "models", "distributed": "dask"}
"""Modules that come with an extra of the package."""


@dataclass(frozen=True)
class Registry:
    """The objects of one kind.

    Attributes:
        kind: what they are, in the singular, as messages say it ("corpus").
        group: the entry-point group that plug-ins use ("kalamos.corpora").
        builtins: name -> ``module:attribute``.
        refused: name -> why what is called so is known and cannot be had.
    """

    kind: str
    group: str
    builtins: dict[str, str]
    refused: dict[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return all names, built-ins first, each once."""
        return list(dict.fromkeys([*self.builtins, *(point.name for point in self._points())]))

    def load(self, name: str) -> Any:
        """Return the object called ``name``.

        Raises:
            UnknownNameError: where nothing is called so; says what comes nearest.
            KalamosError: where it is known but cannot be imported; says why.
        """
        if not isinstance(name, str):
            raise UnknownNameError(f"a {self.kind} is called by a name; got {name!r}")
        target = self.target(name)
        if target is None and name in self.refused:
            raise UnknownNameError(f"{name} is {self.refused[name]}")
        if target is None:
            near = difflib.get_close_matches(name, self.names(), n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(self.names())}."
            raise UnknownNameError(f"no {self.kind} is called {name!r}; {hint}")
        try:
            return load_object(target)
        except KalamosError:
            raise
        except Exception as error:
            extra = EXTRAS.get(error.name or "") if isinstance(error, ModuleNotFoundError) else None
            hint = f"; pip install 'kalamos[{extra}]'" if extra else ""
            raise KalamosError(f"{self.kind} {name!r} ({target}) cannot be loaded: {describe(error)}{hint}") from error

    def target(self, name: str) -> str | None:
        """Return the ``module:attribute`` that a name stands for, None where nothing is called so."""
        if name in self.builtins:
            return self.builtins[name]
        for point in self._points():
            if point.name == name:
                return point.value
        return name if ":" in name else None

    def _points(self) -> importlib.metadata.EntryPoints:
        return _installed(self.group, tuple((place, _changed_ns(place)) for place in sys.path))


@lru_cache(maxsize=64)
def _installed(group: str, _places: tuple[tuple[str, int], ...]) -> importlib.metadata.EntryPoints:
    """Return the entry points of a group; every package is looked through anew when a folder of packages has changed.

    This takes some milliseconds, and is asked for every file of which no format is known.
    """
    return importlib.metadata.entry_points(group=group)


def _changed_ns(place: str) -> int:
    try:
        return Path(place or ".").stat().st_mtime_ns
    except OSError:
        return -1


def load_object(target: str) -> Any:
    """Import ``package.module:attribute`` or ``path/to/file.py:attribute``."""
    place, _, attribute = target.rpartition(":")
    module = _module_from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, attribute):
        raise KalamosError(f"{place} has no {attribute!r}; it defines {', '.join(_public(module)) or 'nothing public'}")
    return getattr(module, attribute)


def describe(error: BaseException) -> str:
    """Say in one line what an exception of somebody else's code was."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _module_from_file(path: Path) -> Any:
    if not path.is_file():
        raise KalamosError(f"{path} is not a file; give path/to/file.py:Class")
    name = f"kalamos_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise KalamosError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _public(module: Any) -> list[str]:
    return [name for name in vars(module) if not name.startswith("_")]
