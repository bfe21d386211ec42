"""How well recordings are laid on scans, on made pairs of which the truth is known: the table of docs/align.md.

    python -m kalamos.align.study --pairs 500 --seed 2026

The numbers of the method and its thresholds were chosen on pairs of seeds 7 and 11.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import NamedTuple, get_args

import numpy as np

from kalamos.align.made import MadePair, made_pair, second_time
from kalamos.align.registration import Alignment, Verdict, align
from kalamos.geometry import transform
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.scans.load import prepare

FRAME_PX = 64


class Trial(NamedTuple):
    """A recording laid on a scan.

    Attributes:
        kind: of the pair.
        found: what became of it.
        error_px: mean distance of the recording's points from their true places, pixels of a frame 64 px high; NaN
            where the two do not belong together.
        seconds: it took.
    """

    kind: str
    found: Alignment
    error_px: float
    seconds: float


def trials(pairs: int, seed: int, look: str) -> Iterator[Trial]:
    """Lay each recording on its own scan, and on scans that are not its own."""
    made = [made_pair(k, seed, look) for k in range(pairs)]
    greys = [prepare(pair.image.pixels).grey for pair in made]
    for k, (pair, grey) in enumerate(zip(made, greys, strict=True)):
        yield _trial("its own scan", grey, pair.ink, pair)
        yield _trial("another hand's scan", greys[(k + 1) % pairs], pair.ink)
        yield _trial("the same hand's next signature", grey, second_time(k, seed))
        yield _trial("its mirror image", grey, _mirrored(pair.ink))


def _trial(kind: str, grey: Bytes, ink: Ink, pair: MadePair | None = None) -> Trial:
    began = time.process_time()
    found = align(grey, ink)
    seconds = time.process_time() - began
    if pair is None:
        return Trial(kind, found, float("nan"), seconds)
    gap = np.hypot(*(found.ink.xy.astype(np.float64) - pair.truth).T)
    return Trial(kind, found, float(gap.mean()) * FRAME_PX / pair.height_px, seconds)


def _mirrored(ink: Ink) -> Ink:
    return transform(ink, matrix=((-1.0, 0.0), (0.0, 1.0)))


def table(found: list[Trial]) -> str:
    """Return the table in Markdown."""
    lines = [
        "| recording laid on | pairs | fits | in doubt | does not fit | error px: median | nine of ten below | CPU s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for kind in dict.fromkeys(trial.kind for trial in found):
        some = [trial for trial in found if trial.kind == kind]
        shares = [np.mean([trial.found.verdict == verdict for trial in some]) for verdict in get_args(Verdict)]
        errors: Floats = np.array([trial.error_px for trial in some])
        told = "- | -" if np.isnan(errors).all() else f"{np.median(errors):.2f} | {np.quantile(errors, 0.9):.2f}"
        cells = " | ".join(f"{share:.1%}" for share in shares)
        lines.append(f"| {kind} | {len(some)} | {cells} | {told} | {np.mean([trial.seconds for trial in some]):.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--look", default="scan")
    arguments = parser.parse_args()
    print(table(list(trials(arguments.pairs, arguments.seed, arguments.look))))  # noqa: T201


if __name__ == "__main__":
    main()
