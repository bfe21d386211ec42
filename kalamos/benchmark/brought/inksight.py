"""Answers of InkSight (Mitrevski et al., TMLR 2025, arXiv:2402.05804): its published InkML, or the tokens of the model.

The image that InkSight sees is a square of 224 pixels: the picture enlarged to fit, in the middle of paper. Ink comes
back in this square.

- InkML, as in the data set Derendering/InkSight-Derenderings: a file an image, ``<image>.inkml``, below
  ``<model>_<data set>_inkml/<mode>/``. Give one mode (``d+t``, ``vanilla``, ``r+d``), which is an entry of its own.
- JSON lines of ``{"image": NAME, "output": TEXT}``, the text with ``<ink_token_N>``: N from 0 to 224 is an x, from 225
  to 449 a y (less 225), 450 begins a stroke. A word that was recognised may stand before them.

Times are left out: where there are some, they count points. *Unvalidated*: this follows the published descriptions
(docs/dataset.md and the example code of google-research/inksight); no published file was at hand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kalamos.benchmark.brought.images import Frame, ImageSet, names_in
from kalamos.benchmark.brought.lines import answers_in
from kalamos.benchmark.brought.strokes import Found, Strokes
from kalamos.errors import FormatError, KalamosError
from kalamos.formats import inkml
from kalamos.formats.report import UnitReport

SIDE = 224
MODES = ("d+t", "vanilla", "r+d")
_PEN_DOWN = 2 * (SIDE + 1)
_TOKEN = re.compile(r"<ink_token_(\d{1,9})>")


def read(source: Path, images: ImageSet) -> Iterator[Found]:
    """Yield the answers of a folder of InkML, or of a file of JSON lines with tokens.

    Raises:
        FormatError: where the folder holds several modes or no InkML, or a line of the file is none.
    """
    yield from _from_folder(source, images) if source.is_dir() else _from_lines(source, images)


def strokes_of_tokens(text: str, frame: Frame) -> Strokes | str:
    """Return the strokes of the tokens in an answer, in pixels of the task's image, or why there are none."""
    tokens = [int(token) for token in _TOKEN.findall(text)]
    if not tokens:
        return "no ink tokens"
    strokes: list[list[tuple[float, float]]] = []
    place = 0
    while place < len(tokens):
        if tokens[place] == _PEN_DOWN:
            strokes.append([])
            place += 1
            continue
        if not strokes:
            return "a point before the first stroke"
        pair = tokens[place : place + 2]
        if len(pair) < 2 or not (0 <= pair[0] <= SIDE < pair[1] < _PEN_DOWN):
            return "tokens that are no point"
        strokes[-1].append((pair[0], pair[1] - SIDE - 1))
        place += 2
    drawn = [_in_image(np.array(stroke, np.float64), frame) for stroke in strokes if stroke]
    return drawn or "no points"


def _from_folder(folder: Path, images: ImageSet) -> Iterator[Found]:
    paths = list(names_in(folder, ".inkml"))
    modes = sorted({path.parent.name for path in paths} & set(MODES))
    if not paths or len(modes) > 1:
        why = f"holds several modes ({', '.join(modes)}); give the folder of one" if modes else "holds no InkML"
        raise FormatError(folder, why)
    for path in paths:
        frame = images.frames.get(path.stem)
        yield Found(path.stem, "" if frame is None else _of_inkml(path, frame))


def _of_inkml(path: Path, frame: Frame) -> Strokes | str:
    report = UnitReport()
    try:
        inks = [sample.ink for sample in inkml.read(path, report)]
    except KalamosError:
        return "InkML that cannot be read"
    if report.refusals or len(inks) != 1:
        return "InkML of several pieces, or of none"
    ends = inks[0].offsets
    return [_in_image(inks[0].xy[first:last].astype(np.float64), frame) for first, last in itertools.pairwise(ends)]


def _from_lines(source: Path, images: ImageSet) -> Iterator[Found]:
    for name, text in answers_in(source):
        frame = images.frames.get(name)
        yield Found(name, "" if frame is None else strokes_of_tokens(text, frame))


def _in_image(xy: np.ndarray, frame: Frame) -> np.ndarray:
    """Return positions in the square as positions in the task's image; undoes enlarging and the paper around it."""
    ratio = min(SIDE / frame.width, SIDE / frame.height)
    margins = [(SIDE - round(size * ratio)) // 2 for size in (frame.width, frame.height)]
    return (xy - margins) / ratio
