"""A recovered page as InkML: traces at the top, where every reader finds them, and page, line and word over them.

The groups point at the traces by ``traceView``, as the files of CROHME do; each says its level and its box, and a word
also the share of its ink that is covered, the confidence and a warning. A brush holds the width of the pen.

Other ways in which a word may have been written stand in ``definitions``, where nothing is drawn: a group
``word0.1-or2`` for the second other path of the word ``word0.1``, with its ``log_probability``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

from kalamos.formats.export.text import numbers, xml_attribute, xml_text
from kalamos.formats.recovered import RecoveredPage, box_text
from kalamos.ink import Ink
from kalamos.machinery.files import writing_text

_TIME = '<channel name="T" type="decimal" units="s"/>'
_CONTEXT = (
    '<context xml:id="{name}"><traceFormat><channel name="X" type="decimal" units="px"/>'
    '<channel name="Y" type="decimal" units="px"/>{time}</traceFormat></context>\n'
)


def write_inkml(page: RecoveredPage, path: Path) -> None:
    """Write one recovered page.

    Raises:
        StoreError: where the file cannot be written.
    """
    timed = page.time_source != "none"
    with writing_text(path) as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<ink xmlns="http://www.w3.org/2003/InkML">\n')
        file.writelines(_annotations(page.facts()))
        file.write("<definitions>\n")
        file.write(_CONTEXT.format(name="context0", time=_TIME if timed else ""))
        if page.is_estimated and any(piece.alternatives for piece in page.recovery.pieces):
            file.write(_CONTEXT.format(name="places", time=""))
        file.writelines(_brush(k, pen) for k, (_, pen) in enumerate(page.pens()))
        file.writelines(_alternatives(page))
        file.write("</definitions>\n")
        file.writelines(_traces(page, timed))
        file.writelines(_groups(page))
        file.write("</ink>\n")


def _annotations(facts: dict[str, str]) -> Iterator[str]:
    for name, text in facts.items():
        yield f"<annotation type={xml_attribute(name)}>{xml_text(text)}</annotation>\n"


def _brush(k: int, pen_px: float) -> str:
    width = f'<brushProperty name="width" value="{pen_px:.2f}" units="px"/>'
    height = f'<brushProperty name="height" value="{pen_px:.2f}" units="px"/>'
    return f'<brush xml:id="pen{k}">{width}{height}</brush>\n'


def _traces(page: RecoveredPage, timed: bool) -> Iterator[str]:
    """Yield all strokes in the order of writing; times go on from piece to piece as those of the whole page do."""
    whole = page.recovery.ink
    owners = [k for k, piece in enumerate(page.recovery.pieces) for _ in range(piece.ink.n_strokes)]
    for number, (owner, points) in enumerate(zip(owners, _points(whole, timed), strict=True)):
        yield f'<trace xml:id="t{number}" contextRef="#context0" brushRef="#pen{owner}">{points}</trace>\n'


def _alternatives(page: RecoveredPage) -> Iterator[str]:
    """Yield a group for each other path, of places alone: an estimate of its times is not asked for."""
    pens = itertools.count()
    for row, line in enumerate(page.recovery.lines):
        for place, piece in enumerate(line.pieces):
            pen = next(pens)
            for rank, other in enumerate(piece.alternatives if page.is_estimated else (), 1):
                name = f"word{row}.{place}-or{rank}"
                yield f'<traceGroup xml:id="{name}" contextRef="#places" brushRef="#pen{pen}">\n'
                said = {"level": "alternative", "of": f"word{row}.{place}", "rank": str(rank)}
                if math.isfinite(other.log_probability):
                    said["log_probability"] = f"{other.log_probability:.4f}"
                yield from _annotations(said)
                for points in _points(other.ink, timed=False):
                    yield f"<trace>{points}</trace>\n"
                yield "</traceGroup>\n"


def _points(ink: Ink, timed: bool) -> Iterator[str]:
    columns = [numbers(ink.xy[:, 0]), numbers(ink.xy[:, 1])]
    if timed and ink.t is not None:
        columns.append(numbers(ink.t))
    points = [" ".join(point) for point in zip(*columns, strict=True)]
    return (", ".join(points[a:b]) for a, b in itertools.pairwise(ink.offsets.tolist()))


def _groups(page: RecoveredPage) -> Iterator[str]:
    number = 0
    yield f'<traceGroup xml:id="page{page.number}">\n'
    yield from _annotations({"level": "page", "box": f"0 0 {page.width_px} {page.height_px}"})
    for row, line in enumerate(page.recovery.lines):
        yield f'<traceGroup xml:id="line{row}">\n'
        yield from _annotations({"level": "line", "box": box_text(line.box)})
        for place, piece in enumerate(line.pieces):
            yield f'<traceGroup xml:id="word{row}.{place}">\n'
            yield from _annotations({"level": "word", **page.facts_of(piece)})
            for _ in range(piece.ink.n_strokes):
                yield f'<traceView traceDataRef="#t{number}"/>\n'
                number += 1
            yield "</traceGroup>\n"
        yield "</traceGroup>\n"
    yield "</traceGroup>\n"
