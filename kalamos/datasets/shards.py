"""The files of one shard: its rows, a file a split, and beside them what the shard met.

A loader of Parquet takes splits by file, so each split of a shard has a file of its own
(``train-00003-of-00032.parquet`` and so on, ``part-...`` for samples without a split). What the shard met stands in the
metadata of one of them, which is renamed last: while it is not there, the shard is not done, and is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from kalamos.errors import StoreError
from kalamos.ink import Split
from kalamos.storage.parquet import Row, RowFile, file_metadata, row_file

LAYOUT = "a file a split"
UNSPLIT = "part"
"""What stands in the names of files in place of a split."""

_KEY = "kalamos"


@dataclass(frozen=True)
class Shard:
    """Where a shard goes.

    Attributes:
        folder: the folder of the conversion.
        number: from 0.
        of: how many there are.
        units: a hash of the names of its units.
    """

    folder: Path
    number: int
    of: int
    units: str

    @property
    def name(self) -> str:
        """Return the name by which the shard is spoken of: that of its file without a split."""
        return self.path(None).name

    def path(self, split: Split | None) -> Path:
        """Return the file of a split of this shard."""
        return self.folder / f"{split or UNSPLIT}-{self.number:05d}-of-{self.of:05d}.parquet"


def write_shard(shard: Shard, rows: Iterable[Row], facts: Callable[[], Mapping[str, Any]]) -> int:
    """Write the rows of a shard; return how many.

    Args:
        shard: where to.
        rows: in any order of splits; each file keeps their order.
        facts: what the shard met, asked for when all rows are made.

    Raises:
        StoreError: where the disk is full or the folder cannot be written; no half shard counts as done.
    """
    with ExitStack() as stack:
        files: dict[Split | None, RowFile] = {}

        def file_of(split: Split | None) -> RowFile:
            if split not in files:
                files[split] = stack.enter_context(row_file(shard.path(split)))
            return files[split]

        for row in rows:
            file_of(row.sample.split).add(row)
        first = file_of(next(iter(files), None))  # entered first: renamed last
        held = {shard.path(split).name: file.rows for split, file in files.items()}
        told = {**facts(), "files": dict(sorted(held.items()))}
        for split, file in files.items():
            said = {"units": shard.units, "name": shard.path(split).name, **(told if file is first else {})}
            file.finish({_KEY: json.dumps(said, sort_keys=True)})
        return sum(held.values())


def shard_facts(shard: Shard) -> Mapping[str, Any] | None:
    """Return what a shard met, and its ``files`` with their rows; None where it is not done.

    A damaged file is found here, before hours of work and not after.

    Raises:
        StoreError: where a file is damaged, or is none of this shard.
    """
    found = {
        path.name: _said(path, shard) for split in (*get_args(Split), None) if (path := shard.path(split)).exists()
    }
    told = next((said for said in found.values() if "files" in said), None)
    if told is None or told["files"].keys() - found.keys():
        return None
    for name in found.keys() - told["files"].keys():
        raise _damaged(shard.folder / name, "it is none of the files of its shard")
    return told


def _said(path: Path, shard: Shard) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(file_metadata(path)[_KEY])
        if said["units"] != shard.units or said["name"] != path.name:
            raise ValueError("it holds other samples, those of another file perhaps")
        if "files" in said:
            parts = [said[part] for part in ("counts", "expected", "mendings", "recognised", "files")]
            if not all(isinstance(n, int) for part in parts for n in part.values()):
                raise ValueError("its counts are no numbers")
            said["refusals"] = list(said["refusals"])
    except (StoreError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, str(error)) from error
    return said


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(
        f"{path} is damaged, or no shard of this conversion ({why}); delete it and run the same command "
        "again: only this shard is made anew"
    )
