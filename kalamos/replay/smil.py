"""The few pieces of SVG that a replay is made of: numbers, path data, thinned curves and looping SMIL animations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kalamos.geometry import turning_points
from kalamos.machinery.arrays import Floats, Ints

_SECONDS_TO_PX = 50.0


class Loop(NamedTuple):
    """Animations that share one period and repeat for ever."""

    period_s: float

    def glide(self, attribute: str, at_s: Sequence[float], values: Sequence[str]) -> str:
        """Animate an attribute linearly through ``values`` at the seconds ``at_s``; both ends hold."""
        keys = [0.0, *(second / self.period_s for second in at_s), 1.0]
        return self._animate(attribute, keys, [values[0], *values, values[-1]], "")

    def switch(self, attribute: str, at_s: Sequence[float], values: Sequence[str]) -> str:
        """Set an attribute to ``values[0]`` at first, and to ``values[k + 1]`` from second ``at_s[k]`` on."""
        keys = [0.0, *(second / self.period_s for second in at_s)]
        return self._animate(attribute, keys, values, ' calcMode="discrete"')

    def appear(self, second: float) -> str:
        """Hide the parent element until that second."""
        return self.switch("opacity", [second], ["0", "1"])

    def _animate(self, attribute: str, keys: Sequence[float], values: Sequence[str], mode: str) -> str:
        times = ";".join(number(key, 5) for key in keys)
        return (
            f'<animate attributeName="{attribute}" dur="{number(self.period_s, 3)}s" repeatCount="indefinite"{mode} '
            f'keyTimes="{times}" values="{";".join(values)}"/>'
        )


def number(value: float, digits: int = 1) -> str:
    """Write a number in as few characters as it needs."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def path(xy: Floats) -> str:
    """Return path data of a polyline ``(k, 2)``; one point becomes a line of no length, a dot under round caps."""
    points = [f"{number(x)} {number(y)}" for x, y in xy.tolist()]
    return f"M{points[0]}L{' '.join(points[1:] or points)}"


def area(xy: Floats, floor: float) -> str:
    """Return path data of the area between a curve ``(k, 2)`` and the horizontal line ``y = floor``."""
    sides = f"{number(xy[0, 0])} {number(floor)}", number(floor)
    return f"M{sides[0]}{path(xy).replace('M', 'L', 1)}V{sides[1]}Z"


def spans(xy: Floats) -> list[Floats]:
    """Cut a curve ``(k, 2)`` where its ``y`` is NaN."""
    cuts = np.split(xy, np.flatnonzero(np.isnan(xy[:, 1])))
    return [part for part in (cut[~np.isnan(cut[:, 1])] for cut in cuts) if len(part)]


def thin(xy: Floats, shown_s: Floats | None = None, tolerance_px: float = 0.12) -> Ints:
    """Return the indices of the points that keep a polyline's place and, where given, its times (20 ms weigh 1 px)."""
    points = xy if shown_s is None else np.column_stack([xy, shown_s * _SECONDS_TO_PX])
    return turning_points(points, tolerance_px)
