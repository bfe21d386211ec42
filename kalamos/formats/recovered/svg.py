"""A recovered page as centre lines: one open path a stroke, in the picture's own coordinates, for plotters."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from kalamos.formats.export.text import xml_attribute
from kalamos.formats.recovered import RecoveredPage, facts_of
from kalamos.ink import Ink
from kalamos.machinery.files import writing_text


def write_svg(page: RecoveredPage, path: Path) -> None:
    """Write one recovered page; groups of lines and words, each path in the direction of the pen.

    Raises:
        StoreError: where the file cannot be written.
    """
    width, height = page.width_px, page.height_px
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    style = 'fill="none" stroke="black" stroke-linecap="round" stroke-linejoin="round"'
    pens = iter(page.pens())
    with writing_text(path) as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n')
        file.write(f"<desc>{_escaped(json.dumps(page.facts()))}</desc>\n")
        for row, line in enumerate(page.recovery.lines):
            file.write(f'<g id="line{row}">\n')
            for place in range(len(line.pieces)):
                piece, pen = next(pens)
                facts = xml_attribute(json.dumps(facts_of(piece)))
                file.write(f'<g id="word{row}.{place}" stroke-width="{pen:.2f}" data-piece={facts}>\n')
                file.writelines(f'<path d="{data}"/>\n' for data in _paths(piece.ink))
                file.write("</g>\n")
            file.write("</g>\n")
        file.write("</svg>\n")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _paths(ink: Ink) -> Iterator[str]:
    """Yield the data of each stroke, hundredths of a pixel; a dot is a line of no length, which a round pen draws."""
    points = [f"{x:.2f},{y:.2f}" for x, y in ink.xy.tolist()]
    for a, b in itertools.pairwise(ink.offsets.tolist()):
        yield "M" + "L".join(points[a:b] if b - a > 1 else points[a:b] * 2)
