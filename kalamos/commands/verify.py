"""Verify entries that were sent: those of a folder, or those that a pull request changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kalamos.benchmark.run import Progress, no_progress
from kalamos.benchmark.submission.changed import changed_since
from kalamos.benchmark.submission.finding import look, wrong
from kalamos.benchmark.submission.verify import Verified, entries_in, verify


def verify_folder(
    folder: Path,
    *,
    root: Path | None,
    out: Path,
    tasks: Path | None = None,
    cache: Path | None = None,
    since: str | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> list[Verified]:
    """Verify the entry in a folder, or all below it; with ``since`` those that were committed since that commit.

    Raises:
        KalamosError: where there is no entry, a task cannot be prepared, or git does not know the commit.
    """
    found: list[Verified] = []
    if since is None:
        folders = entries_in(folder)
    else:
        folders, found = _changed(folder, since)
    return [*found, *verify(folders, root, out, tasks=tasks, cache=cache, workers=workers, progress=progress)]


def _changed(folder: Path, since: str) -> tuple[list[Path], list[Verified]]:
    """Return the changed entries, and what is to be said of the change as a whole."""
    changed = changed_since(folder, since)
    found = []
    if changed.others and (changed.entries or changed.removed):
        text = "a pull request with an entry changes its folder alone; send the rest by another one"
        found.append(wrong("other files", text, changed.others))
    if changed.astray:
        found.append(wrong("other files", f"an entry is a folder TASK/ENTRY in {folder}, and no file", changed.astray))
    found += [look("removed", f"the entry {home} is taken away") for home in changed.removed]
    return list(changed.entries), [Verified(folder, tuple(found))] if found else []


def as_json(done: Sequence[Verified]) -> str:
    """Return what came of entries as one JSON array."""
    return json.dumps([one.as_dict() for one in done], ensure_ascii=False, indent=1)


def is_wrong(done: Sequence[Verified]) -> bool:
    """Say whether anything is wrong."""
    return any(finding.level == "wrong" for one in done for finding in one.findings)
