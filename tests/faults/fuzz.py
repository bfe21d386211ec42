"""Damage files of every format and pictures, and read them: ``python tests/faults/fuzz.py --cases 100000 --seed 1``.

Each case is a seed file in a true format, damaged a few times (bytes flipped, cut, inserted, spliced with other seeds
and with tokens of the formats), and read as `inspect` reads it; ``--pictures`` damages the bytes or the pixels of
images and reads them as ``recover`` does. Only Kalamos' own errors may come, nothing may take over 5 s of processor
time or 1 GB. What breaks this is kept in ``tests/formats/found`` (pictures: ``tests/faults/found``), where the tests
read it for ever. Every 10,000 cases have a seed of their own, so that a run can be continued at the next one.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "formats")]

from fuzz_pictures import damaged_picture, pictures, read_picture  # noqa: E402 - found by the path above

MAX_S, MAX_KB = 5.0, 1 << 20
PER_SEED = 10_000


def seed_files() -> list[bytes]:
    """Return small files in every format: those of the tests, and what Kalamos itself writes."""
    import one_of_each
    import test_fuzz_formats
    import test_inks_of_today

    seeds = [*test_fuzz_formats.SEEDS, *test_inks_of_today.SEEDS]
    found = [*(seed for _, seed in seeds), *(data for _, data in one_of_each.ink_files().values())]
    return [*found, *(path.read_bytes() for path in sorted((HERE / "inputs").iterdir()) if path.suffix != ".png")]


def damaged(seeds: list[bytes], rng: random.Random) -> bytes:
    """Return a seed that was damaged a few times, now and then with a piece of another."""
    import test_fuzz_formats

    content = test_fuzz_formats.mutated(rng.choice(seeds), rng)
    if rng.random() < 0.2:
        other = rng.choice(seeds)
        a, b = sorted((rng.randrange(len(other) + 1), rng.randrange(len(other) + 1)))
        at = rng.randrange(len(content) + 1)
        content = content[:at] + other[a : min(b, a + 2000)] + content[at:]
    return content


def read_ink(path: Path) -> None:
    """Read a file of ink of whatever format."""
    from kalamos.formats import read_samples
    from kalamos.formats.report import UnitReport

    for _ in read_samples(path, UnitReport()):
        pass


def run(read: Callable[[Path], None], cases: Iterator[bytes], kept: Path | None) -> Counter[str]:
    """Read all cases and count how they end; keep those that break a reader in a folder."""
    from kalamos.errors import KalamosError

    ends: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "case"
        for data in cases:
            path.write_bytes(data)
            begun, before_kb = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            fault = ""
            try:
                read(path)
                ends["read"] += 1
            except KalamosError:
                ends["refused"] += 1
            except Exception as error:
                fault = type(error).__name__
                traceback.print_exc()
            if not fault and time.process_time() - begun > MAX_S:
                fault = "slow"
            if not fault and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > max(before_kb, MAX_KB):
                fault = "memory"
            if fault and kept is not None:
                ends[fault] += 1
                kept.mkdir(exist_ok=True)
                (kept / f"{fault}-{hashlib.sha256(data).hexdigest()[:8]}").write_bytes(data)
    return ends


def main() -> None:
    """Run the cases and end with 1 where any of them broke a reader."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    broken = 0
    for name, number, seeds, damage, read, kept in [
        ("files", asked.cases, seed_files, damaged, read_ink, HERE.parent / "formats" / "found"),
        ("pictures", asked.pictures, pictures, damaged_picture, read_picture, HERE / "found"),
    ]:
        if not number:
            continue
        originals, ends = seeds(), Counter[str]()
        run(read, iter(originals), None)  # what is compiled once is no part of any case's time
        begun = time.process_time()
        for seed in range(asked.seed, asked.seed + math.ceil(number / PER_SEED)):
            rng, left = random.Random(seed), min(PER_SEED, number - ends.total())
            ends += run(read, (damage(originals, rng) for _ in range(left)), kept)
            spent, peak = time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            said = f"{ends.total():,} {name}, seeds {asked.seed} to {seed}: {dict(ends)}; {spent:.0f} s, peak {peak} MB"
            print(said, flush=True)
        broken += sum(count for end, count in ends.items() if end not in ("read", "refused"))
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
