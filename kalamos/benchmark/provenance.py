"""Where and with what a result was made."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path

import kalamos

_LIBRARIES = ("numpy", "scipy", "numba", "shapely", "pyarrow", "onnxruntime", "torch")


def provenance() -> dict[str, str]:
    """Return versions of Kalamos and of what it stands on, the commit in a checkout, and the kind of machine."""
    found = {"kalamos": kalamos.__version__, "python": platform.python_version(), "machine": _machine()}
    commit = _commit()
    if commit:
        found["commit"] = commit
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}"


def _commit() -> str:
    root = Path(kalamos.__file__).parent.parent
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
