"""Composed pages as a corpus: every kind of :data:`kalamos.renderers.pages.SHEETS`, with the truth of all its writing.

Each page is written by another test writer of the built-in corpus. A sample is a whole page, in grey: its ink is all
handwriting in reading order, in pixels of the picture. Print, rules and stains are on the picture and not in the ink.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from kalamos.datasets.corpus import Card, UnitReport, split_by_writer
from kalamos.datasets.folders import refuse_options
from kalamos.datasets.synthetic import Writer, synthesise, words
from kalamos.errors import CorpusError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Sample
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.renderers.pages import SHEETS, ComposedPage, compose_page
from kalamos.scans.light import luma_of

NAME = "paper-pages"
PAGES, MOST_PAGES = 1, 1000
SCRIPTS = ("Latn", "Arab", "Deva")
"""The scripts of the kinds of page: a hash of the kind says which is the first."""
_WORDS = 70
_POPULATION = 1_000_000


class PaperPages:
    """The corpus: a unit is one page, ``old-page/0#seed=0``."""

    card = Card(
        name=NAME,
        title="Pages that Kalamos composes: rulings, print, stains, columns, boards, photographs, the truth of all ink",
        scripts=SCRIPTS,
        levels=("page",),
        size=f"{len(SHEETS)} kinds of page, as many of each as asked for ({PAGES} by default)",
        licence="MIT, as Kalamos itself",
        citation="The Kalamos authors, Kalamos: built-in synthetic corpus (sigma-lognormal model of Plamondon 1995)",
        obtain="Nothing to obtain: it is computed. The folder that a command asks for is ignored.",
        layout="No files. A unit is a page, KIND/NUMBER.",
        verified="Simulated: hands, paper and camera; docs/scans.md has how much of their ink is found.",
        options=(
            ("seed", "the population of writers and pages (0)"),
            ("pages", f"of each kind ({PAGES})"),
            ("kinds", f"separated by commas; all of {', '.join(SHEETS)} by default"),
        ),
    )

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the pages.

        Raises:
            CorpusError: where an option is unknown or has no meaning.
        """
        refuse_options(self.card, options)
        seed, pages = options.get("seed", "0"), options.get("pages", str(PAGES))
        if not seed.isdecimal() or not pages.isdecimal() or not 1 <= int(pages) <= MOST_PAGES or int(seed) >= 2**63:
            raise CorpusError(f"{NAME}: seed and pages are whole numbers, pages from 1 to {MOST_PAGES}")
        kinds = options.get("kinds", ",".join(SHEETS)).split(",")
        if unknown := [kind for kind in kinds if kind not in SHEETS]:
            raise CorpusError(f"{NAME}: no kind of page is called {unknown[0]!r}; kinds are {', '.join(SHEETS)}")
        return [f"{kind}/{number}#seed={int(seed)}" for kind in kinds for number in range(int(pages))]

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield a page."""
        kind, number, seed = _parsed(unit)
        page, writer = _page(kind, number, seed), _writer(kind, number, seed).name
        yield Sample(
            key=unit,
            ink=page.ink,
            label=" ".join(word.text for word in page.words),
            level="page",
            script=page.script,
            writer=writer,
            corpus=NAME,
            split=split_by_writer("synthetic", writer),
            units="px",
            time_source="synthetic",
            source=unit,
            provenance="synthetic",
        )

    def image(self, root: Path, sample: Sample) -> tuple[OfflineImage, Placement]:
        """Return the picture of a page, in grey, in whose pixels its ink is."""
        page = _page(*_parsed(sample.key))
        grey = page.pixels if page.pixels.ndim == 2 else luma_of(page.pixels[..., :3])
        return OfflineImage(grey, page.script), Placement(1.0, 0.0, 0.0)


CORPUS = PaperPages()


@lru_cache(maxsize=1024)
def _writer(kind: str, number: int, seed: int) -> Writer:
    """Return a test writer of the built-in corpus, another for each page: models that learnt from it know none."""
    first = stable_hash(f"{NAME}/{kind}/{number}") % _POPULATION
    writers = (Writer.from_seed(seed, k) for k in itertools.count(first))
    return next(writer for writer in writers if split_by_writer("synthetic", writer.name) == "test")


@lru_cache(maxsize=4)
def _page(kind: str, number: int, seed: int) -> ComposedPage:
    """Compose a page of words that one hand writes."""
    script = SCRIPTS[(stable_hash(f"{NAME}/{kind}") + number) % len(SCRIPTS)]
    chance, writer, texts = rng_for(seed, NAME, kind, number), _writer(kind, number, seed), words(script)
    written = []
    for k in range(_WORDS):
        text = texts[int(chance.integers(len(texts)))]
        ink = synthesise(text, script, writer, rng_for(seed, NAME, kind, number, k))
        written.append(Sample(f"{k}", ink, text, "word", script, units="mm", time_source="synthetic"))
    return compose_page(written, SHEETS[kind], seed=seed, key=f"{kind}/{number}")


def _parsed(unit: str) -> tuple[str, int, int]:
    place, _, tail = unit.partition("#seed=")
    kind, _, number = place.partition("/")
    if kind not in SHEETS or not number.isdecimal() or not tail.isdecimal():
        raise CorpusError(f"{NAME}: {unit!r} is not a unit; units look like old-page/0#seed=0")
    return kind, int(number), int(tail)
