"""A recovered page as PAGE XML (2019-07-15): lines and words with their outlines, strokes as polylines.

PAGE knows no strokes: each word holds them as user-defined attributes ``stroke``, points as ``x,y`` in the order of
writing, as PAGE writes all its points, and beside them their times in seconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from kalamos.formats.export.text import xml_attribute, xml_text
from kalamos.formats.recovered import RecoveredPage, facts_of
from kalamos.ink import Ink
from kalamos.machinery.files import writing_text
from kalamos.recovery import RecoveredLine

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_MADE = "1970-01-01T00:00:00"  # the same page gives the same bytes


def write_pagexml(page: RecoveredPage, path: Path) -> None:
    """Write one recovered page.

    Raises:
        StoreError: where the file cannot be written.
    """
    with writing_text(path) as file:
        file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<PcGts xmlns="{NAMESPACE}">\n')
        file.write(f"<Metadata><Creator>Kalamos</Creator><Created>{_MADE}</Created><LastChange>{_MADE}</LastChange>")
        file.write(f"<Comments>{_text(page)}</Comments></Metadata>\n")
        name = xml_attribute(page.source)
        file.write(f'<Page imageFilename={name} imageWidth="{page.width_px}" imageHeight="{page.height_px}">\n')
        if page.recovery.lines:
            file.write('<TextRegion id="r0">\n')
            file.write(_outline([line.box for line in page.recovery.lines]))
            for row, line in enumerate(page.recovery.lines):
                file.writelines(_line(line, f"l{row}"))
            file.write("</TextRegion>\n")
        file.write("</Page>\n</PcGts>\n")


def _text(page: RecoveredPage) -> str:
    facts = "; ".join(f"{name}: {text}" for name, text in page.facts().items())
    return facts.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _outline(boxes: list[tuple[float, float, float, float]]) -> str:
    x0, y0 = (max(0, int(min(box[k] for box in boxes))) for k in (0, 1))
    x1, y1 = (max(0, round(max(box[k] for box in boxes))) for k in (2, 3))
    return f'<Coords points="{x0},{y0} {x1},{y0} {x1},{y1} {x0},{y1}"/>\n'


def _line(line: RecoveredLine, name: str) -> Iterator[str]:
    yield f'<TextLine id="{name}">\n'
    yield _outline([line.box])
    for place, piece in enumerate(line.pieces):
        yield f'<Word id="{name}w{place}">\n'
        yield _outline([piece.box])
        yield "<UserDefined>\n"
        for fact, value in facts_of(piece).items():
            yield f'<UserAttribute name="{fact}" type="xsd:string" value={xml_attribute(value)}/>\n'
        yield from _strokes(piece.ink)
        yield "</UserDefined>\n"
        if piece.label:
            yield f"<TextEquiv><Unicode>{xml_text(piece.label)}</Unicode></TextEquiv>\n"
        yield "</Word>\n"
    yield "</TextLine>\n"


def _strokes(ink: Ink) -> Iterator[str]:
    points = [f"{x:.2f},{y:.2f}" for x, y in ink.xy.tolist()]
    times = None if ink.t is None else [f"{t:.4f}" for t in ink.t.tolist()]
    for a, b in itertools.pairwise(ink.offsets.tolist()):
        yield f'<UserAttribute name="stroke" type="xsd:string" value="{" ".join(points[a:b])}"/>\n'
        if times is not None:
            yield f'<UserAttribute name="times" type="xsd:string" value="{" ".join(times[a:b])}"/>\n'
