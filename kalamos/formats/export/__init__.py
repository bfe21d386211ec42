"""Write samples in the formats of the field: InkML, UNIPEN, SVG, JSON, stroke-3, Xournal++, reMarkable.

Every writer is ``write_<format>(samples, path)``; the file is replaced only when it is complete. What a format can hold
comes back exactly when Kalamos reads the file:

============  =====================================================================================
InkML         everything: positions, times, pressure, further channels, all fields of the sample
JSON          everything
UNIPEN        positions, times to a rounding in the last place, pressure relative to the file's largest, labels,
              writers; samples of one level
SVG           positions, all fields of the sample; no channels
Xournal++     a page a sample: positions in points of 1/72 inch, order, widths; no times, pressure, fields
reMarkable    one page: positions, order, widths and pressure, rounded; no times, fields
stroke-3      positions and pen lifts, in the order of the samples; nothing else
============  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from kalamos.formats.export.inkml import write_inkml
from kalamos.formats.export.json import write_json
from kalamos.formats.export.remarkable import write_rm
from kalamos.formats.export.stroke3 import write_stroke3
from kalamos.formats.export.svg import write_svg
from kalamos.formats.export.unipen import write_unipen
from kalamos.formats.export.xournal import write_xopp
from kalamos.ink import Sample

__all__ = [
    "WRITERS",
    "write_inkml",
    "write_json",
    "write_rm",
    "write_stroke3",
    "write_svg",
    "write_unipen",
    "write_xopp",
]

WRITERS: dict[str, Callable[[Iterable[Sample], Path], int]] = {
    "inkml": write_inkml,
    "unipen": write_unipen,
    "svg": write_svg,
    "json": write_json,
    "stroke3": write_stroke3,
    "xopp": write_xopp,
    "rm": write_rm,
}
"""Format name -> its writer, which returns how many samples it wrote."""
