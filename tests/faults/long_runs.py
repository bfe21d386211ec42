"""Time and peak memory where much is asked: ``python tests/faults/long_runs.py board|page|score|pictures [--size N]``.

``board``: the leaderboard of N result folders, in every form. ``page``: the page of three entries on a task of N
samples. ``score``: two inks of N points, all metrics. ``pictures``: ``recover`` on a folder of N small pictures. Run it
with two sizes to see what grows.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
SIZES = {"board": 300, "page": 5000, "score": 10_000_000, "pictures": 5000}


def results(folder: Path) -> Path:
    """Run a benchmark of forty samples and return the folder of its one entry."""
    from commands import tiny_task

    from kalamos.benchmark.run import bench

    bench(str(tiny_task(folder)), ("nearest",), None, folder / "runs", cache=folder / "cache", controls=False)
    return folder / "runs" / "tiny" / "nearest"


def repeated(path: Path, size: int) -> None:
    """Make a table of a result as long as ``size``; each row gets a key of its own."""
    table = pq.read_table(path)
    long = pa.concat_tables([table] * (-(-size // table.num_rows))).slice(0, size)
    keys = pa.array([f"sample/{k}" for k in range(size)])
    pq.write_table(long.set_column(long.schema.get_field_index("key"), "key", keys), path)


def copied(entry: Path, name: str, **changes: Any) -> None:
    """Put the same results beside themselves, under another name."""
    target = entry.parent / name
    shutil.copytree(entry, target)
    told = json.loads((target / "result.json").read_text())
    (target / "result.json").write_text(json.dumps({**told, "entry": name, **changes}))


def shown(folder: Path) -> Callable[[], None]:
    """Return what makes the board of a folder in every form."""
    from kalamos.benchmark.board.latex import to_latex
    from kalamos.benchmark.board.page import page
    from kalamos.benchmark.board.table import find_results, to_csv, to_json, to_markdown

    def make() -> None:
        found = find_results([folder])
        sizes = {form.__name__: len(form(found)) for form in (to_markdown, to_latex, to_csv, to_json, page)}
        print(f"{len(found)} entries; characters: {sizes}")

    return make


def board(folder: Path, size: int) -> Callable[[], None]:
    entry = results(folder)
    for k in range(size - 1):
        copied(entry, f"entry-{k:04d}")
    return shown(entry.parent)


def page_of(folder: Path, size: int) -> Callable[[], None]:
    entry = results(folder)
    for path in (entry / "scores.parquet", entry / "predictions.parquet", entry.parent / "task.parquet"):
        repeated(path, size)
    told = json.loads((entry / "result.json").read_text())
    (entry / "result.json").write_text(json.dumps({**told, "samples": size}))
    for k in range(2):
        copied(entry, f"entry-{k}")
    return shown(entry.parent)


def score(folder: Path, size: int) -> Callable[[], None]:
    import kalamos
    from kalamos.ink import Ink

    rng = np.random.default_rng(0)
    xy = np.cumsum(rng.normal(0, 1, (size, 2)), axis=0).astype(np.float32)
    xy = (xy - xy.min(axis=0)) * np.float32(2000 / np.ptp(xy))
    offsets = np.linspace(0, size, 51).astype(np.int32)
    t = np.arange(size) * 0.01
    truth = Ink(xy, offsets, t)
    recovered = Ink((xy + rng.normal(0, 0.5, xy.shape)).astype(np.float32), offsets, t)
    return lambda: print({name: round(value, 4) for name, value in kalamos.score(recovered, truth).items()})


def pictures(folder: Path, size: int) -> Callable[[], None]:
    from click.testing import CliRunner
    from fuzz_pictures import encoded, writing

    from kalamos.cli import main

    (folder / "in").mkdir()
    for k in range(size):
        (folder / "in" / f"{k:05d}.png").write_bytes(encoded(writing(40 + k % 20, 60), "PNG", "L"))
    arguments = ["--quiet", "recover", str(folder / "in"), "-m", "nearest", "--to", "inkml", "--out", str(folder / "o")]

    def make() -> None:
        done = CliRunner().invoke(main, arguments)
        print(f"exit {done.exit_code}, {sum(1 for _ in (folder / 'o').rglob('*.inkml'))} files")

    return make


def main() -> None:
    """Prepare what is asked for, then measure it alone."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=SIZES)
    parser.add_argument("--size", type=int)
    asked = parser.parse_args()
    size = asked.size or SIZES[asked.what]
    prepare = {"board": board, "page": page_of, "score": score, "pictures": pictures}[asked.what]
    with TemporaryDirectory() as folder:
        make = prepare(Path(folder), size)
        before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, time.process_time()
        make()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        spent = time.process_time() - begun
        print(f"{asked.what}, {size:,}: {spent:.1f} s of processor time, peak {peak} MB ({before} MB before)")


if __name__ == "__main__":
    main()
