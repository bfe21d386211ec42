"""Replay an ink over its image: an animated SVG of one file, and GIF or APNG through :mod:`.animation`.

The SVG is animated by SMIL, which browsers play inside ``<img>`` too, where scripts are not allowed (README pages on
code hosts). Every element's resting state is the finished drawing, so that a viewer without animation shows the whole
ink. The same ink gives the same bytes.
"""

from __future__ import annotations

import base64
import itertools
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from kalamos.errors import KalamosError
from kalamos.geometry import bounds
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.machinery.seeding import stable_hash
from kalamos.replay.animation import reduced, to_apng, to_gif
from kalamos.replay.smil import Loop, area, number, path, spans, thin
from kalamos.replay.timeline import (
    MAX_PAUSE_S,
    ColourBy,
    Run,
    Timeline,
    coloured_runs,
    fastest,
    number_places,
    plan,
    ramp,
    speed_curve,
)
from kalamos.storage.png import encode_png

__all__ = ["ColourBy", "to_apng", "to_gif", "to_svg"]


_HOLD_S = 1.4
_MARGIN_PX = 14
_CAPTION_PX = 26
_CHART_PX = 62
_MAX_NUMBERS = 60
_PEAK = 1.7
_LARGE_PX = 512
_INK, _MUTED, _FAINT = "#24292f", "#57606a", "#d0d7de"


class _View(NamedTuple):
    """Where the picture lies on the card: ``card = zoom * (ink - (x0, y0)) + margin``."""

    zoom: float
    x0: float
    y0: float
    width: float
    height: float

    def place(self, xy: Floats) -> Floats:
        """Return card coordinates ``(k, 2)``."""
        return (xy - (self.x0, self.y0)) * self.zoom + _MARGIN_PX


def to_svg(
    ink: Ink,
    image: OfflineImage | None = None,
    *,
    colour_by: ColourBy = "time",
    duration_s: float | None = None,
    max_pause_s: float = MAX_PAUSE_S,
    size_px: int | None = None,
    speed_profile: bool = True,
    title: str = "",
) -> str:
    """Draw an ink as an animated, self-contained SVG that loops.

    Args:
        ink: what to show; in the image's pixels where there is an image.
        image: laid under the ink, faded; without it the whole path is shown in pale grey.
        colour_by: ``"time"``, ``"stroke"`` or ``"speed"`` (which needs times).
        duration_s: seconds of writing on screen; by default the true duration, brought into 1.5 to 10 s.
        max_pause_s: the longest pen-up pause shown, in the ink's own seconds.
        size_px: the longer side of the picture; by default 384, and 720 for a wide or a large one.
        speed_profile: draw the pen's speed below, where the ink has times.
        title: one line above the picture.

    Raises:
        KalamosError: for an unknown colouring, speed without times, or a duration that is not positive.
    """
    timeline = plan(ink, duration_s, max_pause_s)
    view = _view(ink, image, size_px)
    loop = Loop(timeline.duration_s + _HOLD_S)
    runs = [
        [Run(view.place(run.xy), run.shown_s, run.colour) for run in stroke]
        for stroke in coloured_runs(ink, timeline, colour_by, 5.0 / view.zoom)
    ]
    chart = _chart(ink, timeline, view, loop, colour_by) if speed_profile and timeline.speed is not None else ""
    picture = [
        _underlay(view, image, runs),
        _jumps(runs, loop),
        _strokes(runs, loop, _nib(view)),
        _numbers(runs, loop, view),
    ]
    if runs:
        picture.append(_pen(runs, loop))
    foot = view.height + 2 * _MARGIN_PX
    body = "".join(picture) + (f'<g transform="translate(0 {number(foot - 4)})">{chart}</g>' if chart else "")
    foot += _CHART_PX if chart else 0
    body += f'<g transform="translate(0 {number(foot - 6)})">{_caption(ink, timeline, view, colour_by)}</g>'
    return _document(view.width + 2 * _MARGIN_PX, foot + _CAPTION_PX, body, title, _describe(ink, timeline))


def _view(ink: Ink, image: OfflineImage | None, size_px: int | None) -> _View:
    if image is not None:
        x0, y0, width, height = 0.0, 0.0, float(image.width_px), float(image.height_px)
    elif ink.n_points:
        box = bounds(ink)
        pad = 0.06 * max(box.width, box.height) or 1.0
        x0, y0, width, height = box.x0 - pad, box.y0 - pad, box.width + 2 * pad, box.height + 2 * pad
    else:
        x0, y0, width, height = 0.0, 0.0, 64.0, 64.0
    if size_px is not None and not 16 <= size_px <= 8192:
        raise KalamosError(f"size_px is 16 to 8192 pixels; got {size_px}")
    large = width > 2 * height or (image is not None and max(width, height) > _LARGE_PX)
    zoom = (size_px or (720 if large else 384)) / max(width, height)
    least = 200.0 / zoom  # so that the caption has room under a narrow picture
    if width < least:
        x0, width = x0 - (least - width) / 2, least
    return _View(zoom, x0, y0, width * zoom, height * zoom)


def _nib(view: _View) -> float:
    """Return the width of the drawn path: clear on a character, thin enough for the small writing of a page."""
    if view.zoom < 1:
        return float(max(1.2, 2.2 * view.zoom**0.5))
    return float(np.clip(0.013 * min(view.width, view.height), 2.2, 5.0))


def _underlay(view: _View, image: OfflineImage | None, runs: list[list[Run]]) -> str:
    frame = (
        f'<rect x="{_MARGIN_PX}" y="{_MARGIN_PX}" width="{number(view.width)}" height="{number(view.height)}" '
        f'rx="4" fill="#fff" stroke="{_FAINT}"/>'
    )
    if image is None:
        trace = "".join(path(run.xy) for stroke in runs for run in stroke)
        return frame + (
            f'<path d="{trace}" fill="none" stroke="#e6e8eb" stroke-width="{number(1.6 * _nib(view))}" '
            'stroke-linecap="round" stroke-linejoin="round"/>'
        )
    shown = reduced(image.pixels, 2 * max(view.width, view.height))
    data = base64.b64encode(encode_png(np.ascontiguousarray(shown), 9)).decode()
    corner = view.place(np.zeros((1, 2)))[0]
    crisp = ' style="image-rendering:pixelated"' if view.zoom >= 3 else ""
    return frame + (
        f'<image x="{number(corner[0])}" y="{number(corner[1])}" width="{number(image.width_px * view.zoom)}" '
        f'height="{number(image.height_px * view.zoom)}" preserveAspectRatio="none" opacity="0.26"{crisp} '
        f'href="data:image/png;base64,{data}"/>'
    )


def _jumps(runs: list[list[Run]], loop: Loop) -> str:
    """Draw the pen-up moves as faint dashes that appear when the pen leaves the paper."""
    parts = []
    for before, after in itertools.pairwise(runs):
        ends = np.stack([before[-1].xy[-1], after[0].xy[0]])
        parts.append(f'<path d="{path(ends)}">{loop.appear(float(before[-1].shown_s[-1]))}</path>')
    return f'<g fill="none" stroke="#8c959f" stroke-width="1.2" stroke-dasharray="2 4">{"".join(parts)}</g>'


def _strokes(runs: list[list[Run]], loop: Loop, nib: float) -> str:
    drawn = "".join(_run(run, loop, nib) for stroke in runs for run in stroke)
    return f'<g fill="none" stroke-width="{number(nib)}" stroke-linecap="round" stroke-linejoin="round">{drawn}</g>'


def _run(run: Run, loop: Loop, nib: float) -> str:
    """Draw one run by a dash that grows; a run without length is a dot that appears."""
    keep = thin(run.xy, run.shown_s)
    xy, shown = np.round(run.xy[keep], 2), run.shown_s[keep]
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    if along[-1] < 0.02:
        spot = f'cx="{number(xy[0, 0])}" cy="{number(xy[0, 1])}" r="{number(0.8 * nib)}"'
        return f'<circle {spot} fill="{run.colour}" stroke="none">{loop.appear(float(shown[0]))}</circle>'
    length = float(np.ceil(along[-1] * 10 + 1) / 10)
    offsets = [number(length + 1), *(number(value, 1) for value in length - along)]
    offsets[-1] = "0"
    animation = loop.glide("stroke-dashoffset", [float(shown[0]), *shown.tolist()], offsets)
    dashes = f'stroke-dasharray="{number(length)} {number(length + 2)}"'
    return f'<path d="{path(xy)}" stroke="{run.colour}" {dashes}>{animation}</path>'


def _numbers(runs: list[list[Run]], loop: Loop, view: _View) -> str:
    """Number the starts, each beside its stroke, away from where it goes."""
    if len(runs) > _MAX_NUMBERS:
        return ""
    size = 11 if len(runs) <= 12 else 8.5
    low = np.full(2, _MARGIN_PX + size * 0.8)
    high = np.array([view.width, view.height]) + _MARGIN_PX - size * 0.8
    parts = []
    for k, (x, y) in enumerate(number_places(runs, size * 1.05, low, high).tolist()):
        stroke = runs[k]
        parts.append(
            f"<g>{loop.appear(float(stroke[0].shown_s[0]))}"
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(size * 0.68)}" fill="#fff" fill-opacity=".82"/>'
            f'<text x="{number(x)}" y="{number(y + size * 0.36)}">{k + 1}</text></g>'
        )
    style = f'font-size="{size}" font-weight="600" text-anchor="middle" fill="{_INK}"'
    return f"<g {style}>{''.join(parts)}</g>"


def _pen(runs: list[list[Run]], loop: Loop) -> str:
    """Draw the pen tip: full on the paper, a ring in the air, gone at the end."""
    xy = np.concatenate([run.xy for stroke in runs for run in stroke])
    shown = np.concatenate([run.shown_s for stroke in runs for run in stroke])
    keep = thin(xy, shown)
    at, tip = shown[keep].tolist(), xy[keep]
    moves = "".join(
        loop.glide(name, at, [number(value, 1) for value in tip[:, axis]]) for axis, name in enumerate(("cx", "cy"))
    )
    touches = [(float(stroke[0].shown_s[0]), float(stroke[-1].shown_s[-1])) for stroke in runs]
    seconds = [second for touch in touches for second in touch]
    down = loop.switch("fill-opacity", seconds, ["0.15", *["1", "0.15"] * len(touches)])
    gone = loop.switch("opacity", [seconds[-1] + 0.25], ["1", "0"])
    return (
        f'<circle cx="{number(tip[-1, 0])}" cy="{number(tip[-1, 1])}" r="5" fill="{_INK}" stroke="{_INK}" '
        f'stroke-width="1.4" opacity="0">{moves}{down}{gone}</circle>'
    )


def _chart(ink: Ink, timeline: Timeline, view: _View, loop: Loop, colour_by: ColourBy) -> str:
    """Draw the speed against screen time, in the colours of the ink, with a cursor; pen-up spans stay empty."""
    curve, top = speed_curve(ink, timeline), fastest(timeline)
    height = _CHART_PX - 22.0
    x = _MARGIN_PX + curve.at_s / timeline.duration_s * view.width
    peak = float(np.clip(np.nanmax(curve.speed) / top, 1.0, _PEAK))
    unit = (height - 4) / peak
    y = height - np.minimum(curve.speed / top, peak) * unit
    name = f"s{stable_hash(f'{colour_by} {timeline.duration_s} {top} {np.nansum(x + y)}'):016x}"
    gradient, paint = "", f'"{_MUTED}"'
    if colour_by != "stroke":
        gradient, paint = _gradient(name, view, height, unit if colour_by == "speed" else None), f'"url(#{name})"'
    parts = [part[thin(part)] for part in spans(np.column_stack([x, y]))]
    lines, areas = "".join(map(path, parts)), "".join(area(part, height) for part in parts)
    moves = "".join(
        loop.glide(side, [0.0, timeline.duration_s], [str(_MARGIN_PX), number(_MARGIN_PX + view.width)])
        for side in ("x1", "x2")
    )
    right = number(_MARGIN_PX + view.width)
    return (
        f'{gradient}<path d="M{_MARGIN_PX} {number(height)}H{right}" stroke="{_FAINT}"/>'
        f'<path d="{areas}" fill={paint} fill-opacity=".16"/>'
        f'<path d="{lines}" fill="none" stroke={paint} stroke-width="1.5" stroke-linejoin="round"/>'
        f'<line x1="{right}" x2="{right}" y1="0" y2="{number(height)}" stroke="{_INK}">{moves}</line>'
        f'<g font-size="10" fill="{_MUTED}"><text x="{_MARGIN_PX}" y="{number(height + 12)}">pen speed</text>'
        f'<text x="{right}" y="{number(height + 12)}" text-anchor="end">{_seconds(ink)}</text></g>'
    )


def _gradient(name: str, view: _View, height: float, unit: float | None) -> str:
    """Return the colour scale from left to right, or, where speed is coloured, upwards over ``unit`` px."""
    stops = "".join(f'<stop offset="{k / 4}" stop-color="{ramp(k / 4)}"/>' for k in range(5))
    left, right = str(_MARGIN_PX), number(_MARGIN_PX + view.width)
    ends = f'x1="{left}" x2="{right}" y1="0" y2="0"'
    if unit is not None:
        ends = f'x1="0" x2="0" y1="{number(height)}" y2="{number(height - unit)}"'
    return f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" {ends}>{stops}</linearGradient>'


def _caption(ink: Ink, timeline: Timeline, view: _View, colour_by: ColourBy) -> str:
    """Say what is shown, and what the colours mean."""
    what = f"{ink.n_strokes} stroke{'s' if ink.n_strokes != 1 else ''}"
    right = _MARGIN_PX + view.width
    left = f'<text x="{_MARGIN_PX}" y="16">{escape(what)} · {escape(timeline.note)}</text>'
    if colour_by == "stroke" or view.width < 330:
        key = ""
    else:
        words = ("slow", "fast") if colour_by == "speed" else ("start", "end")
        cells = "".join(
            f'<rect x="{number(right - 84 + 4 * k)}" y="8" width="4.5" height="8" fill="{ramp(k / 13)}"/>'
            for k in range(14)
        )
        key = (
            f'{cells}<text x="{number(right - 89)}" y="16" text-anchor="end">{words[0]}</text>'
            f'<text x="{number(right)}" y="16" text-anchor="end">{words[1]}</text>'
        )
    return f'<g font-size="11" fill="{_MUTED}">{left}{key}</g>'


def _document(width: float, height: float, body: str, title: str, description: str) -> str:
    top = _CAPTION_PX if title else 0
    heading = (
        f'<text x="{_MARGIN_PX}" y="22" font-size="13" font-weight="600" fill="{_INK}">{escape(title)}</text>'
        if title
        else ""
    )
    w, h = number(width), number(height + top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif\">"
        f"<title>{escape(title or 'Replay of handwriting')}</title><desc>{escape(description)}</desc>"
        f'<rect width="{w}" height="{h}" rx="8" fill="#fff"/>{heading}'
        f'<g transform="translate(0 {number(top)})">{body}</g></svg>\n'
    )


def _describe(ink: Ink, timeline: Timeline) -> str:
    return f"{ink.n_strokes} strokes of {ink.n_points} points in the order written; {timeline.note}."


def _seconds(ink: Ink) -> str:
    return "" if ink.t is None or not len(ink.t) else f"{ink.t[-1] - ink.t[0]:.2f} s"
