"""Write SVG: a group for each sample, a path of straight lines for each stroke, in the order of writing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

from kalamos.formats.export.text import numbers, xml_attribute, xml_text
from kalamos.formats.sample_fields import fields_of
from kalamos.geometry import bounds
from kalamos.ink import Ink, Sample
from kalamos.machinery.files import writing_text

WIDTH = 0.02
"""Width of the lines, as a share of the drawing's larger side."""


def write_svg(samples: Iterable[Sample], path: Path) -> int:
    """Write samples into one drawing, each in its own coordinates, and return how many; channels are lost.

    Raises:
        StoreError: where the file cannot be written.
    """
    groups: list[str] = []
    boxes = []
    for sample in samples:
        groups.append(_group(sample))
        if sample.ink.n_points:
            boxes.append(bounds(sample.ink))
    x0, y0 = min((box.x0 for box in boxes), default=0.0), min((box.y0 for box in boxes), default=0.0)
    x1, y1 = max((box.x1 for box in boxes), default=1.0), max((box.y1 for box in boxes), default=1.0)
    line = WIDTH * max(x1 - x0, y1 - y0) or 1.0
    view = f"{x0 - line:.9g} {y0 - line:.9g} {x1 - x0 + 2 * line:.9g} {y1 - y0 + 2 * line:.9g}"
    style = f'fill="none" stroke="black" stroke-width="{line:.4g}" stroke-linecap="round" stroke-linejoin="round"'
    with writing_text(path) as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" {style}>\n')
        file.writelines(groups)
        file.write("</svg>\n")
    return len(groups)


def _group(sample: Sample) -> str:
    fields = fields_of(sample) if sample.ink.t is None else {**fields_of(sample), "time_source": "none"}
    title = f"<title>{xml_text(sample.label)}</title>\n" if sample.label else ""
    paths = "".join(f'<path d="{data}"/>\n' for data in _paths(sample.ink))
    return f"<g data-sample={xml_attribute(json.dumps(fields))}>\n{title}{paths}</g>\n"


def _paths(ink: Ink) -> list[str]:
    points = [f"{x} {y}" for x, y in zip(numbers(ink.xy[:, 0]), numbers(ink.xy[:, 1]), strict=True)]
    return ["M" + "L".join(points[a:b]) for a, b in itertools.pairwise(ink.offsets.tolist())]
