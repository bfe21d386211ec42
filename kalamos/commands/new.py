"""Write the beginnings of something new: a plug-in that installs and benches; a results repository."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import kalamos
from kalamos.errors import KalamosError, StoreError
from kalamos.machinery.files import write_text
from kalamos.recoverer import RECOVERERS

_PLUG_IN = {
    "README.md.template": "README.md",
    "pyproject.toml.template": "pyproject.toml",
    "init.py.template": "src/PACKAGE/__init__.py",
    "model.py.template": "src/PACKAGE/model.py",
    "test_model.py.template": "tests/test_model.py",
}
_RESULTS_REPOSITORY = {
    "README.md.template": "README.md",
    "CONTRIBUTING.md.template": "CONTRIBUTING.md",
    "card.toml.template": "card.example.toml",
    "requirements.txt.template": "requirements.txt",
    "gitignore.template": ".gitignore",
    "gitattributes.template": ".gitattributes",
    "workflow.yml.template": ".github/workflows/entries.yml",
    "entries.md.template": "entries/README.md",
    "tasks.md.template": "tasks/README.md",
    "attacks.md.template": "attacks/README.md",
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
    words = {"NAME": name, "PACKAGE": package, "CLASS": "".join(part.capitalize() for part in name.split("-"))}
    return _written("plug-in", _PLUG_IN, words, folder)


def new_results_repository(name: str, folder: Path) -> list[Path]:
    """Write a repository for results that others send into a new folder, and return its files.

    Args:
        name: of the repository: small letters, digits and single hyphens, a letter first.
        folder: a folder that does not exist yet, or is empty.

    Raises:
        KalamosError: where the name cannot be one.
        StoreError: where the folder holds something, or cannot be written.
    """
    _check_name(name, "a results repository", "my-results")
    return _written("results-repository", _RESULTS_REPOSITORY, {"NAME": name, "VERSION": kalamos.__version__}, folder)


KINDS: Mapping[str, Callable[[str, Path], list[Path]]] = {
    "plug-in": new_plug_in,
    "results-repository": new_results_repository,
}
"""What can be begun -> the function that writes it."""
NEXT = {
    "plug-in": "pip install -e {folder} && kalamos bench synthetic-3scripts -m {name} --quick",
    "results-repository": "cd {folder} && git init -b main && git add . && git commit -m 'A results repository'",
}
"""What can be begun -> the commands that come next."""


def _written(kind: str, files: Mapping[str, str], words: dict[str, str], folder: Path) -> list[Path]:
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error
    if taken:
        raise StoreError(f"{folder} is there already and is not touched; choose another folder")
    written = []
    for source, place in files.items():
        text = (resources.files("kalamos.commands") / "templates" / kind / source).read_text(encoding="utf-8")
        path = folder / _filled(place, words)
        write_text(path, _filled(text, words), overwrite=False)
        written.append(path)
    return written


def _check_name(name: str, what: str, example: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise KalamosError(
            f"{name!r} is no name for {what}: small letters, digits and single hyphens, a letter first, at most "
            f"{_LONGEST} of them ({example})"
        )


def _package_of(name: str) -> str:
    _check_name(name, "a plug-in", "my-model")
    package = name.replace("-", "_")
    if name in RECOVERERS.names():
        raise KalamosError(f"a model is called {name!r} already; choose another name")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or package in ("kalamos", "numpy", "tests"):
        raise KalamosError(f"a package called {package!r} would hide Python's or Kalamos' own; choose another name")
    return package


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(rf"\b({'|'.join(words)})\b", lambda found: words[found[1]], text)
