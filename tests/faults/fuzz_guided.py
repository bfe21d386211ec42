"""Damage files so that they reach new code: ``python tests/faults/fuzz_guided.py --cases 100000 --seed 1``.

Atheris (``pip install --group fuzz``; Linux) watches which branches of the readers a case takes, and goes on from those
that take new ones. It finds what lies behind conditions that the blind damage of ``fuzz.py`` meets too seldom. Kernels
are interpreted, so that it sees into them. What breaks a reader is kept, and counts, as there.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "formats")]

with atheris.instrument_imports(include=["kalamos.formats"]):
    import fuzz

    from kalamos.formats import FORMATS
    from kalamos.machinery.kernels import Kernel

    Kernel.__call__ = Kernel.interpreted  # watched code cannot be compiled
    Kernel.for_work = lambda kernel, _: kernel.interpreted
    for _name in FORMATS.names():
        FORMATS.load(_name)


def main() -> None:
    """Run the cases and print how they ended."""
    import one_of_each

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=FORMATS.names(), help="seeds of one format alone")
    asked = parser.parse_args()
    seeds = fuzz.seed_files()
    if asked.format:
        seeds = [data for kind, data in one_of_each.ink_files().values() if kind == asked.format]
    ends: Counter[str] = Counter()
    kept = HERE.parent / "formats" / "found"
    fuzz.run(fuzz.read_ink, iter(seeds), None)

    def one(data: bytes) -> None:
        ends.update(fuzz.run(fuzz.read_ink, iter([data]), kept))
        if ends.total() == asked.cases:
            print(f"{ends.total():,} files, guided, seed {asked.seed}: {dict(ends)}", flush=True)

    with TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds):
            (Path(corpus) / f"{number:04d}").write_bytes(data)
        options = [f"-runs={asked.cases}", f"-seed={asked.seed}", "-max_len=8192", "-print_final_stats=1", corpus]
        atheris.Setup([sys.argv[0], *options], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
