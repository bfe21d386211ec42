"""Which entries a change of a results repository sends, by git: a pull request with an entry changes entries alone."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kalamos.errors import KalamosError

_TIMEOUT_S = 60


@dataclass(frozen=True)
class Changed:
    """What a change touches.

    Attributes:
        entries: folders ``TASK/NAME`` with an entry that is new or changed.
        removed: folders of entries that are there no more.
        others: other files, relative to the repository.
        astray: those of them that lie in the folder of all entries and in no entry, but for its README.
    """

    entries: tuple[Path, ...]
    removed: tuple[Path, ...]
    others: tuple[str, ...]
    astray: tuple[str, ...]


def changed_since(folder: Path, ref: str) -> Changed:
    """Return what was committed since a branch or commit.

    Args:
        folder: of all entries, ``folder/TASK/NAME``, in a git repository.
        ref: what the change is to be merged into, like ``origin/main``.

    Raises:
        KalamosError: where git is not there, the folder is in no repository, or there is no such commit.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    base = _git(folder, "merge-base", "--end-of-options", ref, "HEAD").strip()
    names = _git(top, "diff", "--name-only", "--no-renames", "-z", base, "HEAD").split("\0")
    inside = PurePosixPath(folder.resolve().relative_to(top.resolve()).as_posix())
    homes: dict[Path, None] = {}
    others, astray = [], []
    for name in filter(None, names):
        path = PurePosixPath(name)
        parts = path.relative_to(inside).parts if path.is_relative_to(inside) else ()
        if len(parts) > 2:
            homes[folder / parts[0] / parts[1]] = None
        else:
            others.append(name)
            if parts and parts != ("README.md",):
                astray.append(name)
    there = [home for home in homes if home.exists()]
    return Changed(tuple(there), tuple(home for home in homes if not home.exists()), tuple(others), tuple(astray))


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "core.quotePath=false", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise KalamosError(f"git cannot be run: {error}") from error
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise KalamosError(f"git {arguments[0]} in {folder}: {said or 'nothing found'}")
    return done.stdout.decode("utf-8", "surrogateescape")
