"""Where and with what a result was made."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

import kalamos

_LIBRARIES = ("numpy", "scipy", "numba", "shapely", "pyarrow", "onnxruntime", "torch")


def provenance() -> dict[str, str]:
    """Return versions of Kalamos and of what it stands on, the commit in a checkout, and the kind of machine."""
    commit = _commit()
    return {
        "kalamos": kalamos.__version__,
        "python": platform.python_version(),
        "machine": _machine(),
        **({"commit": commit} if commit else {}),
        **libraries(),
    }


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for library in _LIBRARIES:
        try:
            found.append((library, importlib.metadata.version(library)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that compute something, as far as they are installed."""
    return dict(_versions())


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}"


@cache
def _commit() -> str:
    root = Path(kalamos.__file__).parent.parent
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
