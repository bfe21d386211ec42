"""The ink's exact outline as polygons: vector export, area, and the reference that the raster is tested against.

Each piece of path sweeps the hull of two nibs; shapely unites the hulls. Discs and ellipses become polygons whose
distance from the curve stays below ``tolerance_px``. An outline shows where ink is: how much of it there is (darkness
along a stroke, paper, capture) a polygon cannot say.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from kalamos.image import Placement
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.machinery.threads import side_by_side
from kalamos.renderers import nib
from kalamos.renderers.flat import Batch
from kalamos.renderers.frame import blank
from kalamos.renderers.render import placed_paths
from kalamos.renderers.style import Style

POINTS_PER_INCH = 72.0


class Outline(NamedTuple):
    """The outline of an ink in pixels.

    Attributes:
        strokes: one polygon or multipolygon a stroke.
        width_px: width of the frame.
        height_px: height of the frame.
        truth: the ink in pixels, before any perspective.
        placement: the similarity from the ink's own units to pixels.
    """

    strokes: list[shapely.Geometry]
    width_px: int
    height_px: int
    truth: Ink
    placement: Placement

    def union(self) -> shapely.Geometry:
        """Return all of the ink as one (multi)polygon; its ``area`` is in square pixels."""
        return shapely.union_all(self.strokes)


def outline(
    ink: Ink, style: Style | None = None, *, seed: int = 0, key: str = "", tolerance_px: float = 0.002
) -> Outline:
    """Return the outline of an ink in a style, exactly where :func:`kalamos.renderers.render` draws it.

    Perspective, which is the camera's, is left out.

    Raises:
        StyleError: where nib and margins do not fit the frame.
    """
    style = style or Style()
    if ink.n_points == 0:
        height, width = blank(style, nib.reach_px(style))
        return Outline([], width, height, Ink.empty(), Placement(1.0, 0.0, 0.0))
    batch, frames = placed_paths([ink], style, seed, [key])
    half = nib.half_widths(batch, style)
    shape = _nib_polygon(style, tolerance_px, float(half.max()))
    strokes = side_by_side(lambda k: shapely.union_all(_hulls(batch, half, shape, k)), range(len(batch.strokes) - 1))
    truth = Ink(batch.xy[batch.knots].astype(np.float32), ink.offsets, ink.t, ink.pressure, ink.extra)
    placement = Placement(float(frames.scale[0]), *frames.shift[0].tolist())
    return Outline(strokes, int(frames.widths[0]), int(frames.heights[0]), truth, placement)


def to_svg(outlined: Outline, *, colour: str = "#000", paper: str = "#fff") -> str:
    """Write an outline as SVG, one path a stroke, one unit a pixel."""
    width, height = outlined.width_px, outlined.height_px
    paths = "".join(f'<path d="{_svg_path(stroke)}"/>' for stroke in outlined.strokes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="{paper}"/>'
        f'<g fill="{colour}" fill-rule="evenodd">{paths}</g></svg>\n'
    )


def to_pdf(outlined: Outline, *, dpi: float = 300.0) -> bytes:
    """Write an outline as a one-page PDF 1.4, black on white, at that resolution; the same bytes for the same ink."""
    scale = POINTS_PER_INCH / dpi
    marks = "".join(_pdf_path(stroke) for stroke in outlined.strokes)
    content = f"q {scale:.6f} 0 0 {-scale:.6f} 0 {outlined.height_px * scale:.4f} cm 0 g\n{marks}Q\n".encode()
    packed = zlib.compress(content, 9)
    box = f"[0 0 {outlined.width_px * scale:.4f} {outlined.height_px * scale:.4f}]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources << >> /Contents 4 0 R >>".encode(),
        f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream",
    ]
    return _pdf_file(objects)


def _pdf_file(objects: list[bytes]) -> bytes:
    """Number the objects and append the table of where each begins (ISO 32000-1, section 7.5)."""
    out, starts = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    size = len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode()
    tail = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{out.index(b'xref')}\n%%EOF\n"
    return bytes(out) + tail.encode()


def _nib_polygon(style: Style, tolerance_px: float, largest_px: float) -> Floats:
    """Return the corners ``(k, 2)`` of a nib of half width 1."""
    aspect = 1.0 if style.nib_shape == "round" else nib.narrow_aspect(style)
    if style.nib_shape == "broad":
        corners = np.array([[-1, -aspect], [1, -aspect], [1, aspect], [-1, aspect]])
    else:
        # halfway between the polygon inside and the one outside, both a sagitta of the tolerance from the disc
        sides = max(12, math.ceil(math.pi / math.acos(max(0.5, 1 - tolerance_px / max(largest_px, tolerance_px)))))
        angles = np.arange(sides) * (2 * math.pi / sides)
        bulge = math.sqrt(2 * math.pi / sides / math.sin(2 * math.pi / sides))
        corners = np.stack([np.cos(angles), aspect * np.sin(angles)], axis=1) * bulge
    turn = math.radians(style.nib_angle_deg)
    cosine, sine = math.cos(turn), math.sin(turn)
    turned: Floats = corners @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


def _hulls(batch: Batch, half: Floats, shape: Floats, k: int) -> NDArray[np.object_]:
    """Return what each piece of a stroke's path sweeps: the hull of the nibs at both its ends."""
    first, last = int(batch.strokes[k]), int(batch.strokes[k + 1]) - 1
    start = np.arange(first, max(last, first + 1))
    ends = np.stack([start, np.minimum(start + 1, last)], axis=1)
    corners = batch.xy[ends][:, :, None, :] + half[ends][:, :, None, None] * shape
    return np.asarray(shapely.convex_hull(shapely.linestrings(corners.reshape(len(start), -1, 2))))


def _rings(geometry: shapely.Geometry) -> Iterator[Floats]:
    for polygon in shapely.get_parts(geometry):
        for ring in (polygon.exterior, *polygon.interiors):
            yield shapely.get_coordinates(ring)[:-1]


def _svg_path(geometry: shapely.Geometry) -> str:
    return "".join("M" + "L".join(f"{x:.3f} {y:.3f}" for x, y in ring.tolist()) + "Z" for ring in _rings(geometry))


def _pdf_path(geometry: shapely.Geometry) -> str:
    lines = []
    for ring in _rings(geometry):
        for i, (x, y) in enumerate(ring.tolist()):
            lines.append(f"{x:.3f} {y:.3f} {'l' if i else 'm'}\n")
        lines.append("h\n")
    return "".join([*lines, "f*\n"])
