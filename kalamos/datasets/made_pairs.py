"""Pairs of a recording and a scan of which the truth is known: a simulated hand signs, the paper moves, ink is lost.

The picture is drawn from the moved ink, less a part of its lines, in the look of a scan; so every point of the
recording has a known place on the picture. As the corpus ``made-pairs`` the truth is that place, or (``truth=laid``)
where :func:`kalamos.align.align` lays the recording, so that a score against laid truth can be compared with the true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kalamos.align import align
from kalamos.datasets.corpus import Card, Refusal, UnitReport, split_by_writer
from kalamos.datasets.folders import refuse_options
from kalamos.datasets.pairs import Scan, image_of
from kalamos.datasets.synthetic import Writer
from kalamos.datasets.synthetic.signatures import sign
from kalamos.errors import CorpusError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import preset, render
from kalamos.scans.load import prepare

NAME = "made-pairs"
PAIRS, MOST_PAIRS, PAIRS_A_UNIT = 1000, 1_000_000, 10
HEIGHT_PX = 192
PEN_PX = (3.5, 7.0)
LOST, GAPS = 0.1, 3
"""Share of the line that left no ink, and in how many stretches."""
SCALE, TURN_DEG, SHEAR = 0.2, 10.0, 0.03
"""Most that the paper is scaled, turned, and scaled otherwise in y than in x."""
BEND, WAVES = 0.03, 3
"""Standard deviation of the bend, of the ink's height; of how many waves it is made."""
LAID = "laid"


class MadePair(NamedTuple):
    """A recording, its scan, and where each of its points is on it.

    Attributes:
        ink: the recording, in its own unit (millimetres).
        image: the scan.
        truth: float64 ``(n, 2)``, pixels of the scan.
        height_px: of the ink on the scan.
    """

    ink: Ink
    image: OfflineImage
    truth: Floats
    height_px: float


def made_pair(number: int, seed: int = 0, look: str = "scan") -> MadePair:
    """Return the pair of a number; other seeds have other hands."""
    rng = rng_for(seed, NAME, number)
    return pair_of(sign(Writer.from_seed(seed, number), rng), rng, f"pair-{number}", look)


def pair_of(ink: Ink, rng: np.random.Generator, key: str, look: str = "scan", height_px: int = HEIGHT_PX) -> MadePair:
    """Return a recording with a scan of it, drawn on paper that moved."""
    moved = _moved(ink, rng)
    style = replace(preset(look), frame="height", image_height_px=height_px, width_px=float(rng.uniform(*PEN_PX)))
    drawn = render(_less(moved, rng), style, seed=0, key=key)
    truth = drawn.placement.to_pixels(moved).xy.astype(np.float64)
    return MadePair(ink, drawn.image, truth, float(np.ptp(truth[:, 1])))


def signed_again(number: int, seed: int = 0) -> Ink:
    """Return how the hand of a pair signs the next time: alike, and not what lies on the scan."""
    return sign(Writer.from_seed(seed, number), rng_for(seed, f"{NAME}, next", number))


def _moved(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return the ink as the paper moved it: scaled, turned, and bent by a few smooth waves."""
    xy = ink.xy.astype(np.float64)
    low, size = xy.min(axis=0), np.ptp(xy, axis=0)
    height = max(size[1], size[0] / 4)
    scale, turn = rng.uniform(1 - SCALE, 1 + SCALE, 2), np.radians(rng.uniform(-TURN_DEG, TURN_DEG))
    scale[1] = scale[0] * rng.uniform(1 - SHEAR, 1 + SHEAR)
    place = (xy - low) / height
    bend = np.zeros_like(xy)
    for _ in range(WAVES):
        wave, phase = rng.normal(0.0, 2.0, 2), rng.uniform(0, 2 * np.pi)
        bend += rng.normal(0.0, BEND / np.sqrt(WAVES), 2) * np.sin(place @ wave + phase)[:, None] * np.sqrt(2)
    c, s = np.cos(turn), np.sin(turn)
    moved = ((xy + height * bend) * scale) @ np.array([[c, s], [-s, c]])
    return ink.with_points(moved.astype(np.float32), ink.offsets, ink.channels())


def _less(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return an ink of which some stretches left no trace on the paper."""
    lengths = [np.hypot(*np.diff(stroke, axis=0).T) for stroke in ink.strokes()]
    total = sum(float(length.sum()) for length in lengths)
    gaps = np.sort(rng.uniform(0.0, total, GAPS))
    kept, done = [], 0.0
    for stroke, length in zip(ink.strokes(), lengths, strict=True):
        along = done + np.concatenate([[0.0], np.cumsum(length)])
        done = float(along[-1])
        lost = np.zeros(len(stroke), bool)
        for gap in gaps:
            lost |= (along >= gap) & (along < gap + LOST * total / GAPS)
        edges = np.flatnonzero(np.diff(np.concatenate([[True], lost, [True]]).astype(int)))
        kept += [stroke[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]
    return Ink.from_strokes(kept) if kept else ink


class MadePairs:
    """The corpus."""

    card = Card(
        name=NAME,
        title="Pairs of recording and scan that Kalamos makes: the same signature, moved and bent",
        scripts=("Latn",),
        levels=("word",),
        size=f"as many pairs as asked for ({PAIRS} by default), each of another simulated hand",
        licence="MIT, as Kalamos itself",
        citation="The Kalamos authors, Kalamos: built-in synthetic corpus (sigma-lognormal model of Plamondon 1995)",
        obtain="Nothing to obtain: it is computed. The folder that a command asks for is ignored.",
        layout="No files. A unit is a range of ten pairs, pairs/000000-000009.",
        verified="Simulated: hands, paper and scanner; docs/align.md has how much of the alignment is right.",
        options=(
            ("seed", "the population of writers (0)"),
            ("pairs", f"how many ({PAIRS})"),
            ("truth", "known: where the ink was drawn; laid: where the alignment lays the recording (known)"),
        ),
    )

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return ranges of pairs.

        Raises:
            CorpusError: where an option is unknown or has no meaning.
        """
        refuse_options(self.card, options)
        seed, pairs, truth = _choices(options)
        tail = f"#seed={seed}&truth={truth}"
        return [
            f"pairs/{first:06d}-{min(first + PAIRS_A_UNIT, pairs) - 1:06d}{tail}"
            for first in range(0, pairs, PAIRS_A_UNIT)
        ]

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the pairs of a range; where truth is laid, those that do not fit are refused, as real ones are."""
        first, last, seed, truth = _parsed(unit)
        for number in range(first, last + 1):
            pair, writer = _pair(number, seed), Writer.from_seed(seed, number).name
            ink = pair.ink.with_points(pair.truth.astype(np.float32), pair.ink.offsets, pair.ink.channels())
            key = f"{NAME}/{seed}/{number:06d}"
            if truth == LAID:
                found = align(_grey(number, seed), pair.ink)
                if found.verdict != "fits":
                    report.refusals.append(Refusal(unit, key, f"{found.verdict}: {'; '.join(found.reasons)}"))
                    continue
                ink = found.ink
            yield Sample(
                key=key,
                ink=ink,
                level="word",
                script="Latn",
                writer=writer,
                corpus=NAME,
                split=split_by_writer("synthetic", writer),
                units="px",
                time_source="synthetic",
                source=unit,
                provenance="synthetic",
            )

    def image(self, root: Path, sample: Sample) -> tuple[OfflineImage, Placement]:
        """Return the picture of a pair as a method gets it, and where its ink lies on it."""
        _, seed, number = sample.key.split("/")
        return image_of(Scan(_grey(int(number), int(seed)), 1), sample.script)


CORPUS = MadePairs()


@lru_cache(maxsize=16)
def _pair(number: int, seed: int) -> MadePair:
    return made_pair(number, seed)


@lru_cache(maxsize=16)
def _grey(number: int, seed: int) -> Bytes:
    return prepare(_pair(number, seed).image.pixels).grey


def _choices(options: dict[str, str]) -> tuple[int, int, str]:
    seed, pairs = options.get("seed", "0"), options.get("pairs", str(PAIRS))
    truth = options.get("truth", "known")
    if truth not in ("known", LAID):
        raise CorpusError(f"{NAME}: truth is known or {LAID}, not {truth!r}")
    if not seed.isdecimal() or not pairs.isdecimal() or not 1 <= int(pairs) <= MOST_PAIRS or int(seed) >= 2**63:
        raise CorpusError(f"{NAME}: seed and pairs are whole numbers, pairs from 1 to {MOST_PAIRS}")
    return int(seed), int(pairs), truth


def _parsed(unit: str) -> tuple[int, int, int, str]:
    try:
        place, _, tail = unit.partition("#")
        first, last = (int(number) for number in place.removeprefix("pairs/").split("-"))
        seed, _, truth = _choices(dict(part.split("=") for part in tail.split("&")) if tail else {})
    except (ValueError, TypeError) as error:
        raise CorpusError(f"{NAME}: {unit!r} is not a unit; units look like pairs/000000-000009") from error
    return first, last, seed, truth
