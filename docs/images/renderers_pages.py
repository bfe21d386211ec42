"""Make the figures of docs/renderers.md: a strip for each parameter, and a page of real ink for each preset.

    python docs/images/renderers_pages.py docs/images/renderers            # strips, and presets on synthetic ink
    KALAMOS_CORPORA=... python docs/images/renderers_pages.py docs/images/renderers --pages

The pages need the corpora; the strips need nothing.
"""

from __future__ import annotations

import argparse
import os
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kalamos.datasets import CORPORA
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample
from kalamos.renderers import PRESETS, Style, render, render_batch
from kalamos.storage.png import encode_png

# what a parameter needs beside itself to show, and the values of its strip
BASES = {
    "nib": Style(width_px=4.0, smoothing="catmull-rom"),
    "ink": Style(width_px=4.0, smoothing="catmull-rom", darkness=0.9),
    "geometry": Style(smoothing="catmull-rom"),
    "smoothing": Style(width_px=2.0),
    "frame": Style(smoothing="catmull-rom"),
    "paper": Style(smoothing="catmull-rom", darkness=0.85, paper_level=0.95),
    "capture": Style(smoothing="catmull-rom", darkness=0.85, paper_level=0.95),
}
WITH = {
    "nib_angle_deg": {"nib_shape": "broad", "width_px": 6.0},
    "nib_aspect": {"nib_shape": "ellipse", "width_px": 6.0},
    "nib_shape": {"width_px": 6.0, "nib_angle_deg": -45.0},
    "width_low": {"width_law": "pressure"},
    "width_high": {"width_law": "pressure"},
    "width_smoothing_px": {"width_law": "speed", "width_low": 0.2, "width_high": 2.0},
    "width_law": {"width_low": 0.3, "width_high": 1.6},
    "taper_width": {"taper_start_px": 12.0, "taper_end_px": 12.0},
    "dpi": {"width_mm": 0.4},
    "opacity": {"width_px": 6.0},
    "dry_length_px": {"dry_gaps": 0.3},
    "dry_gaps": {"dry_length_px": 6.0},
    "ink_texture_px": {"ink_texture": 0.8},
    "elastic_scale_px": {"elastic_px": 3.0},
    "tremor_wavelength_px": {"tremor_px": 0.8},
    "smoothing_step_px": {"smoothing": "bspline"},
    "shift_x": {"scale": 0.5},
    "shift_y": {"scale": 0.5},
    "centring": {"scale": 0.8},
    "paper_grain_px": {"paper_grain": 0.06},
    "paper_cloud_px": {"paper_cloud": 0.08},
    "ruling_spacing_px": {"ruling": "lines"},
    "ruling_width_px": {"ruling": "lines"},
    "ruling_darkness": {"ruling": "lines"},
    "ruling_angle_deg": {"ruling": "lines"},
    "ruling_phase": {"ruling": "lines"},
    "stain_darkness": {"stains": 0.3},
    "stain_size_px": {"stains": 0.3},
    "light_angle_deg": {"light": 0.5},
    "threshold": {"binarise": "fixed", "blur_px": 1.0},
    "sauvola_window_px": {"binarise": "sauvola", "light": 0.6, "noise": 0.05},
    "sauvola_k": {"binarise": "sauvola", "light": 0.6, "noise": 0.05},
    "binarise": {"light": 0.6, "noise": 0.05},
    "jpeg_quality": {"blur_px": 0.4},
}
VALUES = {
    "nib_aspect": [0.05, 0.2, 0.4, 0.7, 1.0],
    "nib_angle_deg": [-90.0, -60.0, -30.0, 0.0, 45.0],
    "width_px": [0.5, 1.0, 2.0, 4.0, 8.0],
    "width_mm": [0.1, 0.2, 0.3, 0.5, 0.7],
    "dpi": [75.0, 150.0, 200.0, 300.0, 400.0],
    "width_low": [0.1, 0.3, 0.5, 0.8, 1.3],
    "width_high": [0.5, 1.0, 1.3, 1.7, 2.2],
    "width_smoothing_px": [0.0, 2.0, 5.0, 10.0, 40.0],
    "taper_start_px": [0.0, 4.0, 8.0, 16.0, 30.0],
    "taper_end_px": [0.0, 4.0, 8.0, 16.0, 30.0],
    "dry_length_px": [1.0, 2.0, 4.0, 8.0, 16.0],
    "dry_gaps": [0.0, 0.05, 0.1, 0.25, 0.5],
    "ink_texture_px": [0.5, 1.0, 2.0, 4.0, 8.0],
    "bleed_px": [0.0, 0.5, 1.0, 2.0, 3.0],
    "slant_deg": [-40.0, -20.0, 0.0, 20.0, 40.0],
    "rotation_deg": [-60.0, -20.0, 0.0, 20.0, 60.0],
    "scale": [0.2, 0.4, 0.6, 0.8, 1.0],
    "aspect": [0.4, 0.7, 1.0, 1.5, 2.5],
    "elastic_px": [0.0, 1.0, 2.0, 4.0, 7.0],
    "elastic_scale_px": [8.0, 16.0, 24.0, 48.0, 96.0],
    "tremor_px": [0.0, 0.3, 0.6, 1.0, 2.0],
    "tremor_wavelength_px": [3.0, 6.0, 10.0, 20.0, 40.0],
    "smoothing_step_px": [0.5, 2.0, 4.0, 8.0, 20.0],
    "margin_px": [2.0, 6.0, 12.0, 18.0, 24.0],
    "image_width_px": [24, 32, 48, 64, 96],
    "image_height_px": [24, 32, 48, 64, 96],
    "px_per_unit": [0.2, 0.4, 0.6, 0.8, 1.0],
    "paper_grain": [0.0, 0.01, 0.03, 0.06, 0.12],
    "paper_grain_px": [0.5, 1.0, 2.0, 4.0, 8.0],
    "paper_cloud": [0.0, 0.02, 0.05, 0.1, 0.2],
    "paper_cloud_px": [6.0, 12.0, 24.0, 48.0, 96.0],
    "ruling_spacing_px": [6.0, 10.0, 16.0, 24.0, 40.0],
    "ruling_width_px": [0.3, 0.7, 1.0, 2.0, 4.0],
    "ruling_angle_deg": [-8.0, -3.0, 0.0, 3.0, 8.0],
    "stains": [0.0, 0.1, 0.25, 0.5, 0.9],
    "stain_size_px": [4.0, 8.0, 16.0, 32.0, 64.0],
    "stain_darkness": [0.05, 0.1, 0.2, 0.4, 0.7],
    "thickness_px": [-1.5, -0.7, 0.0, 0.7, 1.5],
    "blur_px": [0.0, 0.5, 1.0, 2.0, 4.0],
    "motion_px": [0.0, 1.0, 2.0, 4.0, 8.0],
    "salt": [0.0, 0.02, 0.05, 0.1, 0.2],
    "pepper": [0.0, 0.02, 0.05, 0.1, 0.2],
    "jpeg_quality": [0, 80, 50, 20, 5],
    "gamma": [0.4, 0.7, 1.0, 1.6, 2.5],
    "sauvola_window_px": [5, 9, 15, 31, 63],
    "sauvola_k": [0.05, 0.1, 0.2, 0.35, 0.5],
    "light_angle_deg": [-90.0, -45.0, 0.0, 45.0, 90.0],
}
GAP = 4
PER_PAGE = 10
WIDTH_PX = PER_PAGE * (64 + GAP) - GAP
LARGE = {"unipen": [0, 6], "poh-db": [2], "omniglot": [6]}  # which samples are shown large, too


def specimen() -> Ink:
    """Return a looped word with a cross-stroke and a dot, with times and pressure: something for each parameter."""
    u = np.linspace(0, 1, 60)
    x = 12 * np.cos(4 * np.pi * u - np.pi / 2) * (1 - 0.3 * u) + 60 * u
    y = 22 * np.sin(4 * np.pi * u - np.pi / 2) * (1 - 0.4 * u)
    speed = 1.15 + np.cos(8 * np.pi * u)
    t = np.concatenate([[0.0], np.cumsum(1 / speed[1:])]) * 0.01
    bar = np.stack([np.linspace(5, 62, 16), np.linspace(-14, -19, 16)], axis=1)
    strokes = [np.stack([x, y], axis=1), bar, np.array([[70.0, 12.0]])]
    times = [t, t[-1] + 0.2 + np.linspace(0, 0.12, 16), [t[-1] + 0.6]]
    press = [0.5 + 0.5 * np.sin(2 * np.pi * u), np.linspace(0.1, 1, 16), [0.8]]
    return Ink.from_strokes(strokes, t=times, pressure=press)


def strip(name: str) -> NDArray[np.uint8]:
    """Return five pictures side by side in which only one parameter changes."""
    item = Style.parameters()[name]
    base = BASES[item["group"]].replace(**WITH.get(name, {}))
    if "choices" in item:
        values = list(item["choices"])
    else:
        low, high = item["low"], item["high"]
        values = VALUES.get(name) or np.linspace(low, high, 5).tolist()
    ink = specimen()
    if item["group"] == "smoothing":
        ink = Ink(ink.xy[:60:5], np.array([0, 12]))
    return side_by_side([render(ink, base.replace(**{name: value}), key=name).image.pixels for value in values])


def side_by_side(images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return images on a light grey ground, in a row."""
    height = max(image.shape[0] for image in images)
    ground = np.full((height, sum(image.shape[1] + GAP for image in images) - GAP), 225, np.uint8)
    at = 0
    for image in images:
        ground[: image.shape[0], at : at + image.shape[1]] = image
        at += image.shape[1] + GAP
    return ground


def stacked(rows: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return rows of pictures below each other."""
    return np.ascontiguousarray(side_by_side([np.ascontiguousarray(row.T) for row in rows]).T)


def real_samples(root: Path) -> dict[str, list[Sample]]:
    """Return some samples of each corpus, from pieces all over it."""
    found: dict[str, list[Sample]] = {}
    folders = {"unipen": "unipen-train_r01_v07", "poh-db": "poh-db", "omniglot": "omniglot"}
    for name, folder in folders.items():
        corpus = CORPORA.load(name)
        units = list(corpus.units(root / folder))
        chosen = [units[int(k)] for k in np.linspace(0, len(units) - 1, PER_PAGE * 2)]
        samples = [s for unit in chosen for s in islice(corpus.read(root / folder, unit, UnitReport(unit)), 3, 4)]
        found[name] = samples[:PER_PAGE]
    return found


def page(name: str, samples: dict[str, list[Sample]]) -> NDArray[np.uint8]:
    """Return one preset on ink of every corpus: a row a corpus, words in frames of fixed height; then some large."""
    rows = []
    for of_corpus in samples.values():
        wide = any(sample.level != "character" for sample in of_corpus)
        rows.append(row(of_corpus, PRESETS[name].replace(frame="height") if wide else PRESETS[name]))
    shown = [samples[corpus][k] for corpus, chosen in LARGE.items() for k in chosen]
    rows.append(row(shown, PRESETS[name].scaled(2.5).replace(frame="height")))
    return stacked(rows)


def row(samples: list[Sample], style: Style) -> NDArray[np.uint8]:
    """Return pictures of samples side by side, cut or filled up to the width of the page."""
    inks, keys = [sample.ink for sample in samples], [sample.key for sample in samples]
    drawn = side_by_side([rendering.image.pixels for rendering in render_batch(inks, style, keys=keys)])[:, :WIDTH_PX]
    return np.pad(drawn, ((0, 0), (0, WIDTH_PX - drawn.shape[1])), constant_values=225)


def main() -> None:
    """Write the figures into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", action="store_true", help="the pages of real ink, too")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in Style.parameters():
        (options.folder / f"{name}.png").write_bytes(encode_png(strip(name), 9))
    if options.pages:
        samples = real_samples(Path(os.environ["KALAMOS_CORPORA"]))
        for name in PRESETS:
            (options.folder / f"page-{name}.png").write_bytes(encode_png(page(name, samples), 9))


if __name__ == "__main__":
    main()
