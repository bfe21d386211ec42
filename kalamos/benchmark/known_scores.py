"""What controls score on a task, kept: they are made from the task alone, so that each has one table of scores on it.

To score fifteen controls is most of a benchmark's work, and no model changes anything about it. So their tables are
kept beside the prepared tasks, in the user's cache, for every later run; for the built-in task they ship with Kalamos.
A table is used only for the very file of the task that it was made from, byte for byte, and only as long as the code
and the weights that decide scores are what they were (:func:`scoring`); otherwise controls are scored anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import kalamos
from kalamos.benchmark.provenance import libraries, provenance
from kalamos.benchmark.score import schema
from kalamos.benchmark.task import shipped
from kalamos.machinery.files import remove_abandoned, replacing, sha256_of

DECIDES = (
    "geometry.py",
    "image.py",
    "ink.py",
    "recoverer.py",
    "scripts.py",
    "benchmark/certainty.py",
    "benchmark/cheats.py",
    "benchmark/control_answers.py",
    "benchmark/controls.py",
    "benchmark/recognised.py",
    "benchmark/scan_ink.py",
    "benchmark/score.py",
    "machinery/seeding.py",
    "metrics",
    "recognition",
    "skeleton",
)
"""The files and rooms of the package by which controls and scores are computed."""
SUFFIX = ".controls.parquet"
_CODE, _WEIGHTS = (".py", ".json"), ".safetensors"


@dataclass(frozen=True)
class Known:
    """The scores of a control.

    Attributes:
        table: what stands in ``scores.parquet``.
        problems: what was put aside on reading its predictions, counted.
        scored: where and with what they were computed.
    """

    table: pa.Table
    problems: Mapping[str, int]
    scored: Mapping[str, str]


@dataclass(frozen=True)
class KnownScores:
    """The kept scores of the controls of one prepared task.

    Attributes:
        task: the task's name.
        task_file: its images and truth.
        cache: the folder of prepared tasks.
    """

    task: str
    task_file: Path
    cache: Path

    def find(self, control: str) -> Known | None:
        """Return what is known of a control; None where it has to be scored."""
        for path, wanted in self._places(control):
            known = _read(path, control, wanted)
            if known is not None:
                return known
        return None

    def keep(self, control: str, scores: Path, problems: Mapping[str, int]) -> None:
        """Keep the scores of a control for later runs."""
        path, wanted = list(self._places(control))[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path.parent)
        write_known(path, {control: (pq.read_table(scores), problems)}, wanted)

    def _places(self, control: str) -> Iterator[tuple[Path, dict[str, str]]]:
        """Yield the files that may hold a control, each with what it must have been made from."""
        made_from = {"task_file": self._task_hash, "scoring": scoring()}
        ready = shipped(self.task, SUFFIX)
        if ready is not None:
            yield ready, made_from
        folder = self.cache / "controls" / self._task_hash[:16]
        yield folder / f"{control}.parquet", made_from | {"libraries": json.dumps(libraries())}

    @cached_property
    def _task_hash(self) -> str:
        return sha256_of(self.task_file)


def write_known(
    path: Path, known: Mapping[str, tuple[pa.Table, Mapping[str, int]]], made_from: Mapping[str, str]
) -> None:
    """Write the scores of controls, name -> (table, problems), to one file."""
    tables = [
        table.replace_schema_metadata(None).add_column(0, "entry", pa.array([name] * table.num_rows, pa.string()))
        for name, (table, _) in known.items()
    ]
    told = {"problems": json.dumps({name: dict(problems) for name, (_, problems) in known.items()})}
    metadata = {**made_from, **told, "scored": json.dumps(provenance())}
    with replacing(path) as part:
        joined = pa.concat_tables(tables).replace_schema_metadata(metadata)
        pq.write_table(joined, part, compression="zstd", compression_level=19, write_statistics=False)


def _read(path: Path, control: str, wanted: Mapping[str, str]) -> Known | None:
    """Return a control of a kept file; None where it was made from something else, or cannot be read."""
    if not path.is_file():
        return None
    try:
        told = {key.decode(): value.decode() for key, value in (pq.read_schema(path).metadata or {}).items()}
        if any(told.get(name) != value for name, value in wanted.items()):
            return None
        table = pq.read_table(path)
        table = table.filter(pc.equal(table.column("entry"), control)).drop_columns(["entry"])
        if not table.num_rows or table.schema.remove_metadata() != schema():
            return None
        return Known(table, json.loads(told["problems"])[control], json.loads(told["scored"]))
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return None


@cache
def scoring() -> str:
    """Return a hash of the code and the weights that decide what controls score; ends of lines do not count."""
    seen = hashlib.sha256()
    root = Path(kalamos.__file__).parent
    for path in deciding(root):
        seen.update(f"{path.relative_to(root).as_posix()}\n".encode())
        content = path.read_bytes()
        seen.update(content.replace(b"\r\n", b"\n") if path.suffix in _CODE else content)
    return seen.hexdigest()


def deciding(root: Path) -> Sequence[Path]:
    """Return the files below the package's folder that decide scores, sorted."""
    places = [root / name for name in DECIDES]
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    return sorted(path for path in files if path.suffix in (*_CODE, _WEIGHTS))
