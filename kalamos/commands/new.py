"""Write the beginnings of something new: a plug-in, as a package that installs, passes its tests and benches."""

from __future__ import annotations

import keyword
import re
import sys
from importlib import resources
from pathlib import Path

from kalamos.errors import KalamosError, StoreError
from kalamos.machinery.files import write_text
from kalamos.recoverer import RECOVERERS

_FILES = {
    "README.md.template": "README.md",
    "pyproject.toml.template": "pyproject.toml",
    "init.py.template": "src/PACKAGE/__init__.py",
    "model.py.template": "src/PACKAGE/model.py",
    "test_model.py.template": "tests/test_model.py",
}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 60


def new_plug_in(name: str, folder: Path) -> list[Path]:
    """Write a package with a recovery model called ``name`` into a new folder, and return its files.

    Args:
        name: of the model and of the package: small letters, digits and single hyphens, a letter first.
        folder: a folder that does not exist yet, or is empty.

    Raises:
        KalamosError: where the name cannot be one, or is taken by a model or by a module of Python or of Kalamos' own.
        StoreError: where the folder holds something, or cannot be written.
    """
    package = _package_of(name)
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error
    if taken:
        raise StoreError(f"{folder} is there already and is not touched; choose another folder")
    words = {"NAME": name, "PACKAGE": package, "CLASS": "".join(part.capitalize() for part in name.split("-"))}
    written = []
    for source, place in _FILES.items():
        text = (resources.files("kalamos.commands") / "templates" / "plug-in" / source).read_text(encoding="utf-8")
        path = folder / _filled(place, words)
        write_text(path, _filled(text, words), overwrite=False)
        written.append(path)
    return written


def _package_of(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise KalamosError(
            f"{name!r} is no name for a plug-in: small letters, digits and single hyphens, a letter first, at most "
            f"{_LONGEST} of them (my-model)"
        )
    package = name.replace("-", "_")
    if name in RECOVERERS.names():
        raise KalamosError(f"a model is called {name!r} already; choose another name")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or package in ("kalamos", "numpy", "tests"):
        raise KalamosError(f"a package called {package!r} would hide Python's or Kalamos' own; choose another name")
    return package


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"\b(NAME|PACKAGE|CLASS)\b", lambda found: words[found[1]], text)
