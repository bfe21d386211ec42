"""How well recordings are laid on scans, on made pairs of which the truth is known: the table of docs/align.md.

    python -m kalamos.benchmark.alignment --pairs 500 --seed 2026

The numbers of the method and its limits were chosen on pairs of seeds 7 and 11.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click
import numpy as np

from kalamos.align import Alignment, align
from kalamos.datasets.made_pairs import MadePair, made_pair, pair_of, signed_again
from kalamos.datasets.synthetic import Writer
from kalamos.datasets.synthetic.glyphs import words
from kalamos.datasets.synthetic.writing import synthesise
from kalamos.geometry import transform
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.machinery.seeding import rng_for
from kalamos.scans.load import prepare

FRAME_PX = 64
OWN, OWN_WORD = "its own scan", "a word on its own scan"
VERDICTS = ("fits", "in doubt", "does not fit")


class Trial(NamedTuple):
    """A recording laid on a scan.

    Attributes:
        kind: of the pair.
        found: what became of it.
        error_px: mean distance of the recording's points from their true places, pixels of a frame 64 px high; NaN
            where the two do not belong together.
        seconds: of processor time that it took.
    """

    kind: str
    found: Alignment
    error_px: float
    seconds: float


def trials(pairs: int, seed: int, look: str = "scan") -> Iterator[Trial]:
    """Lay each recording on its own scan, and on scans that are not its own; signatures, then words."""
    before = _prepared(made_pair(pairs - 1, seed, look))
    for number in range(pairs):
        pair = made_pair(number, seed, look)
        grey = _prepared(pair)
        yield _trial(OWN, grey, pair.ink, pair)
        yield _trial("another hand's signature", before, pair.ink)
        yield _trial("the same hand's next signature", grey, signed_again(number, seed))
        yield _trial("its mirror image", grey, _mirrored(pair.ink))
        yield from _words(number, seed, look)
        before = grey


def _words(number: int, seed: int, look: str) -> Iterator[Trial]:
    """Lay a written word on its own scan, and the same word by another hand."""
    rng = rng_for(seed, "made-pairs, words", number)
    text = str(rng.choice(words("Latn")))
    hands = [Writer.from_seed(seed, number + k) for k in (0, 1)]
    mine, other = (synthesise(text, "Latn", hand, rng_for(seed, hand.name, text)) for hand in hands)
    pair = pair_of(mine, rng, f"word-{number}", look)
    grey = _prepared(pair)
    yield _trial(OWN_WORD, grey, pair.ink, pair)
    yield _trial("the same word by another hand", grey, other)


def _prepared(pair: MadePair) -> Bytes:
    return prepare(pair.image.pixels).grey


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


def table(found: Sequence[Trial]) -> str:
    """Return the table in Markdown."""
    lines = [
        "| recording laid on | pairs | fits | in doubt | does not fit | error px, median"
        " | where it fits: median, 99 % below | CPU s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for kind in dict.fromkeys(trial.kind for trial in found):
        some = [trial for trial in found if trial.kind == kind]
        verdicts: list[str] = [trial.found.verdict for trial in some]
        shares = " | ".join(f"{verdicts.count(name) / len(some):.1%}" for name in VERDICTS)
        seconds = np.mean([trial.seconds for trial in some])
        lines.append(f"| {kind} | {len(some)} | {shares} | {_errors(some)} | {seconds:.2f} |")
    return "\n".join(lines)


def _errors(some: Sequence[Trial]) -> str:
    errors: Floats = np.array([trial.error_px for trial in some])
    if np.isnan(errors).all():
        return "- | -"
    fits = errors[[trial.found.verdict == "fits" for trial in some]]
    told = f"{np.median(fits):.2f}, {np.quantile(fits, 0.99):.2f}" if len(fits) else "-"
    return f"{np.median(errors):.2f} | {told}"


@click.command()
@click.option("--pairs", type=click.IntRange(2), default=500, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=2026, show_default=True)
@click.option("--look", default="scan", show_default=True, help="A preset of the renderers.")
def main(pairs: int, seed: int, look: str) -> None:
    """Print how well recordings are laid on made scans."""
    click.echo(table(list(trials(pairs, seed, look))))


if __name__ == "__main__":
    main()
