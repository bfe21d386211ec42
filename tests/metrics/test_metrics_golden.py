"""Every metric on fixed pairs, to twelve digits: a change of any value is seen, and has to be meant.

``python tests/metrics/test_metrics_golden.py`` writes the file anew.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair, score

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics.json"


def lissajous(a: int, b: int, shift: float, n: int) -> Ink:
    """Return a closed curve in three strokes, its points on a grid of 1/8 px, so that float32 holds them exactly."""
    u = np.arange(n) / n
    xy = (
        np.round(8 * np.stack([32 + 24 * np.sin(2 * np.pi * a * u + shift), 32 + 24 * np.sin(2 * np.pi * b * u)], 1))
        / 8
    )
    parts = np.array_split(xy, [n // 2, n // 2 + 1])
    times = np.array_split(u + 0.25 * u * u, [n // 2, n // 2 + 1])
    return Ink.from_strokes(parts, [t + 0.5 * k for k, t in enumerate(times)])


def pairs() -> dict[str, Pair]:
    pixels = np.full((64, 64), 255, np.uint8)
    truth = lissajous(1, 2, 0.5, 60)
    for x, y in truth.xy.astype(int):
        pixels[y - 1 : y + 2, x - 1 : x + 2] = 40
    image = OfflineImage(pixels)
    untimed = Ink.from_strokes([part + 1.5 for part in truth.strokes()])
    return {
        "near": Pair(lissajous(1, 2, 0.625, 75), truth, image),
        "another curve": Pair(lissajous(2, 3, 0.25, 90), truth, image),
        "backwards": Pair(geometry.reverse(truth), truth, image),
        "reordered": Pair(geometry.reorder(truth, [2, 0, 1], flip=[True, False, False]), truth, image),
        "shifted, no times": Pair(untimed, truth, image),
        "a line of writing": Pair(lissajous(1, 2, 0.625, 75), truth, image, line_height_px=32.0),
        "no image": Pair(lissajous(2, 3, 0.25, 90), truth),
    }


def found() -> dict[str, dict[str, float | None]]:
    return {
        case: {name: None if math.isnan(value) else value for name, value in score(pair).items()}
        for case, pair in pairs().items()
    }


@pytest.mark.parametrize("case", pairs())
def test_values_are_the_golden_ones(case):
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[case]
    assert expected.keys() == METRICS.keys()
    for name, value in found()[case].items():
        if expected[name] is None:
            assert value is None, name
        else:
            assert value == pytest.approx(expected[name], rel=1e-12, abs=1e-12), name


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(found(), indent=1) + "\n", encoding="utf-8")
