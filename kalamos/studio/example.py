"""Pages to try the studio with, by a writer who does not exist, and what a tireless person would make of them.

    python -m kalamos.studio.example pages FOLDER --pages 4
    kalamos recover FOLDER --to inkml
    python -m kalamos.studio.example correct FOLDER

``pages`` composes pages whose truth is known and keeps it in ``FOLDER/truth``. The writer has the habits of a left
hand: bars run leftwards, and round letters clockwise. A method that learned from right hands errs there, and can learn.
``correct`` redraws each recovered piece by the true strokes that lie in it, through the same actions and the same log
as a person at the page, and saves.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from kalamos.datasets import CORPORA
from kalamos.formats.export.inkml import write_inkml
from kalamos.formats.inkml import read
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample, TimeSource
from kalamos.machinery.arrays import Floats32
from kalamos.recovery import Box
from kalamos.renderers.pages import Sheet, compose_page
from kalamos.studio.drawer import Drawer
from kalamos.studio.recoveries import Recoveries
from kalamos.studio.sessions import Session

FACTS = {"writer": "nobody", "script": "Latn", "licence": "CC0"}


def make_pages(folder: Path, count: int, seed: int = 5) -> None:
    """Write ``page-01.png`` and so on, and the truth of each in ``truth``, in pixels of the picture."""
    words = _words(seed)
    sheet = Sheet(lines=5, words=3, line_px=90)
    per_page = sheet.lines * sheet.words
    for k in range(count):
        name = f"page-{k + 1:02d}"
        page = compose_page(words[k * per_page : (k + 1) * per_page] or words, sheet, seed=seed, key=name)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(page.pixels).save(folder / f"{name}.png")
        ink = page.ink
        timed: TimeSource = "none" if ink.t is None else "synthetic"
        truth = Sample(name, ink, level="page", script="Latn", units="px", time_source=timed, provenance="synthetic")
        (folder / "truth").mkdir(exist_ok=True)
        write_inkml([truth], folder / "truth" / f"{name}.inkml")


def correct(folder: Path) -> int:
    """Put every page right by its truth, as a person would, and save it; return how many strokes were redrawn."""
    drawer, redrawn = Drawer(folder), 0
    try:
        drawer.set_facts(FACTS)
        queue = Recoveries(drawer)
        for item in drawer.items():
            truth = next(read(drawer.root / "truth" / f"{Path(item.name).stem}.inkml", UnitReport())).ink
            queue.take(item)
            session = Session(drawer, item)
            for k in range(len(session.history.sheet.parts)):
                redrawn += _put_right(session, k, truth)
            session.save(session.history.version)
    finally:
        drawer.close()
    return redrawn


def _put_right(session: Session, k: int, truth: Ink) -> int:
    part = session.history.sheet.parts[k]
    true = [xy for xy in truth.strokes() if _lies_in(xy, part.box)]
    if not true:
        return 0
    for xy in true:
        session.act({"do": "draw", "part": k, "xy": xy.astype(float).tolist()}, session.history.version)
    if part.strokes:
        gone = {"do": "delete", "part": k, "strokes": list(range(len(part.strokes)))}
        session.act(gone, session.history.version)
    return len(true)


def _lies_in(xy: Floats32, box: Box, slack_px: float = 4.0) -> bool:
    x0, y0, x1, y1 = box
    middle = xy.mean(axis=0)
    low, high = xy.min(axis=0), xy.max(axis=0)
    inside = (
        low[0] >= x0 - slack_px and high[0] <= x1 + slack_px and low[1] >= y0 - slack_px and high[1] <= y1 + slack_px
    )
    return bool(inside and x0 <= middle[0] <= x1)


def _words(seed: int) -> list[Sample]:
    corpus = CORPORA.load("synthetic")
    options = {"seed": str(seed), "writers": "1", "scripts": "Latn", "level": "word"}
    found = [
        replace(sample, ink=_left_handed(sample.ink), time_source="none")
        for unit in corpus.units(Path(), **options)
        for sample in corpus.read(Path(), unit, UnitReport())
        if sample.ink.n_points
    ]
    return sorted(found, key=lambda sample: sample.key)


def _left_handed(ink: Ink) -> Ink:
    """Return the ink with bars that run leftwards and loops that run clockwise; times are dropped."""
    return Ink.from_strokes([xy[::-1] if _is_bar(xy) or _is_loop(xy) else xy for xy in ink.strokes()])


def _is_bar(xy: Floats32) -> bool:
    width, height = np.ptp(xy, axis=0)
    return bool(width > 2.5 * height and xy[-1, 0] > xy[0, 0])


def _is_loop(xy: Floats32) -> bool:
    """Say whether a stroke ends where it began, and runs counterclockwise on the page (y grows downwards)."""
    x, y = xy[:, 0].astype(np.float64), xy[:, 1].astype(np.float64)
    area = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2
    gap = float(np.hypot(x[-1] - x[0], y[-1] - y[0]))
    return area < 0 and gap < 0.3 * float(np.ptp(xy, axis=0).max())


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pages", "correct"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=4)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    if given.what == "pages":
        make_pages(given.folder, given.pages, given.seed)
    else:
        sys.stdout.write(f"{correct(given.folder)} strokes drawn\n")


if __name__ == "__main__":
    main()
