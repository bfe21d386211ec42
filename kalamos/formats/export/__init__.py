"""Write samples in the formats of the field: InkML, UNIPEN, SVG, JSON, stroke-3.

Every writer is ``write_<format>(samples, path)``; the file is replaced only when it is complete. What a format can hold
comes back exactly when Kalamos reads the file:

============  =====================================================================================
InkML         everything: positions, times, pressure, further channels, all fields of the sample
JSON          everything
UNIPEN        positions, times to a rounding in the last place, pressure relative to the file's largest, labels,
              writers; samples of one level
SVG           positions, all fields of the sample; no channels
stroke-3      positions and pen lifts, in the order of the samples; nothing else
============  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from kalamos.formats.export.inkml import write_inkml
from kalamos.formats.export.json import write_json
from kalamos.formats.export.stroke3 import write_stroke3
from kalamos.formats.export.svg import write_svg
from kalamos.formats.export.unipen import write_unipen
from kalamos.ink import Sample

__all__ = ["WRITERS", "write_inkml", "write_json", "write_stroke3", "write_svg", "write_unipen"]

WRITERS: dict[str, Callable[[Iterable[Sample], Path], int]] = {
    "inkml": write_inkml,
    "unipen": write_unipen,
    "svg": write_svg,
    "json": write_json,
    "stroke3": write_stroke3,
}
"""Format name -> its writer, which returns how many samples it wrote."""
