"""Show a record in a notebook: an ink as a small SVG that stands still, its strokes coloured by order, and a caption.

What a notebook shows is stored in its file, so a drawing is kept below :data:`MAX_BYTES`: a path is thinned, and the
strokes of a large page get one colour each. The same ink gives the same bytes.
"""

from __future__ import annotations

from html import escape

import numpy as np

from kalamos.geometry import bounds
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats
from kalamos.recovery import Recovery
from kalamos.replay.smil import number, path, thin
from kalamos.replay.timeline import coloured_runs, plan, ramp

MAX_BYTES = 60_000
_PATHS_BYTES = MAX_BYTES - 1_000
"""What is left for the strokes beside the frame and the title."""
_SIZE_PX, _MARGIN_PX = 240.0, 8.0
_WIDEST = 3.0
_POINTS_IN_RUNS = 2_000
_RUN_PX = 6.0
_TOLERANCES_PX = (0.15, 0.4, 1.0, 3.0)
_CAPTION = "font:12px system-ui,sans-serif;color:#57606a;max-width:60em"


def drawing(ink: Ink) -> str:
    """Return a self-contained SVG: the path from blue (first) to orange (last), a dot where each stroke begins.

    An ink that has no point gives an empty frame. Strokes that do not fit in :data:`MAX_BYTES` are left out, the
    latest first, and the title says so.
    """
    return _drawn(ink)[0]


def _drawn(ink: Ink) -> tuple[str, int]:
    """Return the SVG, and how many strokes it shows."""
    zoom, corner, width, height = _frame(ink)
    parts: list[str] = []
    for tolerance_px in _TOLERANCES_PX:
        parts = _strokes(ink, zoom, corner, tolerance_px)
        if sum(map(len, parts)) < _PATHS_BYTES:
            break
    shown = int(np.searchsorted(np.cumsum([len(part) for part in parts], dtype=np.int64), _PATHS_BYTES))
    which = "" if shown == len(parts) else f", the first {shown} strokes shown"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" '
        f'width="{number(width)}" height="{number(height)}" role="img" style="background:#fff">'
        f"<title>{_words(ink)}, in the order written from blue to orange{which}</title>"
        '<g fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
        f"{''.join(parts[:shown])}</g></svg>"
    ), shown


def ink_html(ink: Ink) -> str:
    """Return an ink's drawing, and how much is in it."""
    return _figure(ink, [repr(ink)])


def sample_html(sample: Sample) -> str:
    """Return a sample's drawing, its label in bold, and where it comes from."""
    about = [sample.key, sample.script, sample.level, f"writer {sample.writer}" if sample.writer else ""]
    told = [*about, sample.split or "no split", f"{sample.provenance} ink", f"times: {sample.time_source}"]
    return _figure(sample.ink, [", ".join(filter(None, told)), repr(sample.ink)], sample.label)


def recovery_html(found: Recovery) -> str:
    """Return a recovery's drawing, what it covers, how sure the method is, and every warning."""
    sure = [piece.confidence for piece in found.pieces if piece.confidence is not None]
    told = [
        f"{found.method} {found.version}".strip(),
        f"{len(found.lines)} lines, {len(found.pieces)} pieces, {_words(found.ink)}",
        f"{found.covered:.1%} of the ink covered",
    ]
    if sure:
        told.append(f"confidence of a piece {min(sure):.2f} to {max(sure):.2f}")
    return _figure(found.ink, [", ".join(told), *(f"warning: {warning}" for warning in found.warnings)])


def _figure(ink: Ink, lines: list[str], label: str = "") -> str:
    svg, shown = _drawn(ink)
    if shown < ink.n_strokes:
        lines = [*lines, f"shown are the first {shown} strokes; kalamos show --svg draws all"]
    name = f'<b dir="auto">{escape(label)}</b><br>' if label else ""
    caption = f'<figcaption style="{_CAPTION}">{name}{"<br>".join(map(escape, lines))}</figcaption>'
    return f'<figure style="margin:0">{svg}{caption}</figure>'


def _words(ink: Ink) -> str:
    return f"{ink.n_strokes} stroke{'' if ink.n_strokes == 1 else 's'} of {ink.n_points} points"


def _frame(ink: Ink) -> tuple[float, Floats, float, float]:
    """Return pixels a unit, the ink's corner, and width and height in pixels; a wide ink gets a wider frame."""
    if not ink.n_points:
        return 1.0, np.zeros(2), _SIZE_PX / 4, _SIZE_PX / 4
    box = bounds(ink)
    room = min(_WIDEST, max(1.0, box.width / box.height if box.height > 0 else _WIDEST)) * _SIZE_PX
    longest = max(box.width, box.height)
    zoom = room / longest if longest > 0 else 1.0
    margins = 2 * _MARGIN_PX
    corner = np.array([box.x0, box.y0], np.float64)
    return zoom, corner, box.width * zoom + margins, box.height * zoom + margins


def _strokes(ink: Ink, zoom: float, corner: Floats, tolerance_px: float) -> list[str]:
    """Return one piece of SVG a stroke, in order."""

    def placed(xy: Floats) -> Floats:
        points = (xy - corner) * zoom + _MARGIN_PX
        kept: Floats = points[thin(points, tolerance_px=tolerance_px)]
        return kept

    parts = []
    if ink.n_points <= _POINTS_IN_RUNS:
        for runs in coloured_runs(ink, plan(ink), "time", _RUN_PX / zoom):
            drawn = "".join(f'<path d="{path(placed(run.xy))}" stroke="{run.colour}"/>' for run in runs)
            parts.append(drawn + _dot(placed(runs[0].xy[:1])[0], runs[0].colour))
        return parts
    last = max(ink.n_strokes - 1, 1)
    for k, xy in enumerate(ink.strokes()):
        points, colour = placed(xy.astype(np.float64)), ramp(k / last)
        parts.append(f'<path d="{path(points)}" stroke="{colour}"/>' + _dot(points[0], colour))
    return parts


def _dot(at: Floats, colour: str) -> str:
    return f'<circle cx="{number(at[0])}" cy="{number(at[1])}" r="3" fill="{colour}"/>'
