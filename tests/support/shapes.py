"""Pictures whose stroke graph is known, drawn from polylines with a round nib."""

from __future__ import annotations

import numpy as np

from kalamos.image import OfflineImage


def drawn(strokes, size=(64, 64), radius=1.25):
    height, width = size
    y, x = np.mgrid[0:height, 0:width] + 0.5
    away = np.full(size, np.inf)
    for stroke in strokes:
        points = np.asarray(stroke, float).reshape(-1, 2)
        for a, b in zip(points[: max(len(points) - 1, 1)], points[1:] if len(points) > 1 else points, strict=True):
            way = b - a
            t = np.clip(((x - a[0]) * way[0] + (y - a[1]) * way[1]) / max(way @ way, 1e-9), 0, 1)
            away = np.minimum(away, np.hypot(x - a[0] - t * way[0], y - a[1] - t * way[1]))
    return (255 - 255 * np.clip(radius - away + 0.5, 0, 1)).astype(np.uint8)


def circle(cx, cy, r, start=0.0, turn=2 * np.pi, n=60):
    angle = start + np.linspace(0, turn, n)
    return np.stack([cx + r * np.cos(angle), cy + r * np.sin(angle)], axis=1)


def image(strokes, script="Latn", **options):
    return OfflineImage(drawn(strokes, **options), script)


_T = np.linspace(0, 2 * np.pi, 120)
EIGHT = np.stack([32 + 14 * np.sin(2 * _T), 32 - 22 * np.cos(_T + np.pi / 2)], axis=1)
THETA = [circle(32, 32, 20), [(12, 32), (52, 32)]]
CROSS = [[(10, 12), (54, 50)], [(52, 10), (14, 54)]]
TEE = [[(8, 12), (56, 12)], [(32, 12), (32, 56)]]
EN = [[(14, 12), (14, 54), (14.3, 40), (18, 28), (28, 20), (40, 22), (46, 32), (46, 54)]]
