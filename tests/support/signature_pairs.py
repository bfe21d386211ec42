"""Pairs in the layout of SigComp2009: `.hwr` of a tablet at 2540 dpi and 200 Hz, and a PNG file at 600 dpi."""

import numpy as np

from kalamos.datasets.synthetic import Writer
from kalamos.datasets.synthetic.signatures import sign
from kalamos.geometry import transform
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import preset, render
from kalamos.storage.png import encode_png

UNITS_A_MM, PX_A_MM, RATE_HZ = 100, 600 / 25.4, 200
PEN_PX = 11.0


def signature(number, instance=0):
    """Return a signature of a simulated hand, millimetres."""
    return sign(Writer.from_seed(2009, number), rng_for(2009, number, instance))


def hwr_text(ink, name):
    """Return what the tablet writes: all points every 5 ms, those in the air with pressure 0, y upwards."""
    clock = np.arange(0.0, ink.t[-1] + 1e-9, 1 / RATE_HZ)
    xy = np.column_stack([np.interp(clock, ink.t, ink.xy[:, k]) for k in (0, 1)]) * UNITS_A_MM
    down = np.zeros(len(clock), bool)
    for a, b in zip(ink.offsets[:-1], ink.offsets[1:], strict=True):
        down |= (clock >= ink.t[a]) & (clock <= ink.t[b - 1])
    rows = [
        f"{round(x)} {round(20000 - y)} {300 if touches else 0} 1200 560"
        for (x, y), touches in zip(xy, down, strict=True)
    ]
    return "\n".join([f"{name} {len(rows)}", *rows]) + "\n"


def scan_pixels(ink, turn_deg=2.0, key="scan"):
    """Return the ink as a scanner sees it at 600 dpi, a little askew."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    style = preset("scan").replace(frame="tight", px_per_unit=PX_A_MM, width_px=PEN_PX)
    return render(transform(ink, matrix=((c, -s), (s, c))), style, key=key).image.pixels


def write_pair(folder, name, number, *, scanned=None, recorded=None, turn_deg=2.0):
    """Write one pair; other numbers of a hand for what is scanned or recorded make a pair that is none."""
    folder.mkdir(parents=True, exist_ok=True)
    ink = signature(number if recorded is None else recorded)
    (folder / f"{name}.hwr").write_text(hwr_text(ink, name))
    drawn = signature(number if scanned is None else scanned)
    (folder / f"{name}.png").write_bytes(encode_png(scan_pixels(drawn, turn_deg, name)))
    return ink
