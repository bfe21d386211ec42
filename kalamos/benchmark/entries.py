"""What entries are called, and what they were made with: names that cannot clash or lead anywhere, fingerprints."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import kalamos
from kalamos.benchmark.cheats import CHEATS
from kalamos.benchmark.controls import CONTROLS
from kalamos.errors import TaskError
from kalamos.machinery.files import utf8
from kalamos.recoverer import RECOVERERS

MEAN_TRAJECTORY = "mean_trajectory"
"""The control that needs the training split."""
TASK_FILE = "task.parquet"
"""What lies beside the folders of entries."""
MAX_NAME_BYTES = 120
"""A name is that of a folder, with room for what is added to it."""
CODE = (".py", ".toml", ".json")
WEIGHTS = (".safetensors", ".pt", ".pth", ".onnx", ".npz", ".npy", ".ckpt", ".h5", ".keras", ".pkl", ".joblib", ".bin")
MAX_FILES = 2000

_NAME = re.compile(r"\w[\w.+=-]*")


def checked_name(name: object, what: str) -> str:
    """Return a name that can be that of a folder everywhere.

    Raises:
        TaskError: where it leads elsewhere, is too long, or holds anything but letters, digits and ``. _ + = -``.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or len(utf8(name)) > MAX_NAME_BYTES:
        raise TaskError(
            f"{what} cannot be called {str(name)[:80]!r}: a name is a letter or digit, then letters, digits and "
            f". _ + = -, {MAX_NAME_BYTES} bytes at most"
        )
    return name


def is_declared(spec: str) -> bool:
    """Say whether a model has to be asked for its name: one that is given by a path or module, not by a known name."""
    return ":" in spec.partition("?")[0]


def entry_name(spec: str, declared: str = "") -> str:
    """Return the name of a model's row and folder: the registered or declared one, and its options.

    Raises:
        TaskError: where a model declares the name of a built-in one or of a control, or one that cannot be a name.
    """
    plain, _, options = spec.partition("?")
    name = plain
    if is_declared(spec):
        name = checked_name(declared, f"the model {plain} (its attribute `name`)")
        if name in reserved():
            raise TaskError(
                f"the model {plain} calls itself {name!r}, which is built in: give it another attribute `name`"
            )
    given = [re.sub(r"[^\w.+=-]+", "-", option) for option in options.split("&") if option]
    return checked_name("+".join([name, *given]), f"the model {spec}")


def reserved() -> set[str]:
    """Return the names that belong to Kalamos itself."""
    return {*RECOVERERS.builtins, *CONTROLS, *CHEATS, MEAN_TRAJECTORY, TASK_FILE}


def fingerprint(spec: str) -> str:
    """Return a hash of a model's code and weights, without running any of it.

    Of a file: its content, that of the code beside it, and size and time of weights beside it. Of a module: the same of
    its whole package. Of a name: the version of Kalamos, and its own package where it is a plug-in's.
    """
    seen = hashlib.sha256(f"{spec} {kalamos.__version__}".encode("utf-8", "surrogatepass"))
    for path in sorted(_files(spec)):
        seen.update(str(path.name).encode("utf-8", "surrogatepass"))
        try:
            if path.suffix in CODE:
                seen.update(path.read_bytes())
            else:
                status = path.stat()
                seen.update(f"{status.st_size} {status.st_mtime_ns}".encode())
        except OSError:
            continue
    return seen.hexdigest()[:16]


def _files(spec: str) -> Iterator[Path]:
    plain = spec.partition("?")[0]
    if plain in RECOVERERS.builtins:
        yield from _of_folder(Path(kalamos.__file__).parent.rglob("*"))
        return
    target = plain if ":" in plain else RECOVERERS.target(plain) or ""
    place = target.rpartition(":")[0]
    if place.endswith(".py"):
        yield from _of_folder(Path(place).absolute().parent.glob("*"))
        return
    found = importlib.util.find_spec(place.partition(".")[0]) if place else None
    for folder in (found.submodule_search_locations or []) if found else []:
        yield from _of_folder(Path(folder).rglob("*"))
    if found and found.origin and found.origin.endswith(".py"):
        yield Path(found.origin)


def _of_folder(paths: Iterable[Path]) -> Iterator[Path]:
    for number, path in enumerate(path for path in paths if path.suffix in (*CODE, *WEIGHTS)):
        if number == MAX_FILES:
            return
        yield path
