"""Draw the pictures of docs/corpora/synthetic.md: ``python docs/images/synthetic_pages.py [folder]``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from kalamos.datasets.synthetic import Writer, letters, synthesise
from kalamos.datasets.synthetic.composition import layout
from kalamos.datasets.synthetic.glyphs import Hand, plan_file
from kalamos.datasets.synthetic.kinematics import speed_profiles, velocity
from kalamos.datasets.synthetic.writing import plan_pulses
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import preset, render

COLOURS = ["#111111", "#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#17a2b8", "#888888"]
SUPER = 3
NAMES = {"Latn": "latin", "Arab": "arabic", "Deva": "devanagari", "Taml": "tamil"}
WORDS = {
    "Latn": ["Kalamos", "garden"],
    "Arab": ["مدرسة", "هلال"],
    "Deva": ["किताब", "मछली"],
    "Taml": ["தமிழ்", "குடை"],
}


def written(text: str, script: str, writer: Writer) -> Ink:
    """Write one text as the corpus would."""
    return synthesise(text, script, writer, rng_for(0, writer.name, text))


def draw_strokes(draw: ImageDraw.ImageDraw, ink: Ink, box: tuple[float, float, float, float], mm: float) -> None:
    """Draw an ink into a box (left, top, width, height), strokes coloured by order, a ring where each begins."""
    low, high = ink.xy.min(axis=0), ink.xy.max(axis=0)
    left, top, width, height = box
    scale = min(mm, (width - 14) / max(high[0] - low[0], 1e-6), (height - 14) / max(high[1] - low[1], 1e-6))
    xy = (ink.xy - (low + high) / 2) * scale + (left + width / 2, top + height / 2)
    for number, (a, b) in enumerate(zip(ink.offsets[:-1], ink.offsets[1:], strict=True)):
        colour, points = COLOURS[number % len(COLOURS)], [tuple(point) for point in xy[a:b] * SUPER]
        draw.line(points, fill=colour, width=round(1.8 * SUPER), joint="curve")
        x, y = points[0]
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), outline=colour, width=SUPER)


def order_page(script: str, columns: int = 12, cell: int = 84) -> Image.Image:
    """Draw every letter (and syllable) of a script as the plans have it."""
    texts = [*letters(script), *plan_file(script).get("syllables", "").split()]
    rows = -(-len(texts) // columns)
    page = Image.new("RGB", (columns * cell * SUPER, rows * cell * SUPER), "white")
    draw = ImageDraw.Draw(page)
    for place, text in enumerate(texts):
        row, column = divmod(place, columns)
        draw_strokes(
            draw, written(text, script, Writer.neutral()), (column * cell, row * cell, cell, cell), cell / 6 * 0.62
        )
    return page.resize((columns * cell, rows * cell), Image.Resampling.LANCZOS)


def writers_page(rows: int = 8, width: int = 140, height: int = 58) -> Image.Image:
    """Draw the same words by several writers, one a row."""
    style = replace(preset("clean"), image_width_px=width, image_height_px=height, width_px=1.6, margin_px=5.0)
    page = Image.new("L", (width * 8, height * rows), 255)
    for row in range(rows):
        writer = Writer.from_seed(0, row)
        texts = [(script, text) for script, pair in WORDS.items() for text in pair]
        for column, (script, text) in enumerate(texts):
            picture = render(written(text, script, writer), style, key=f"{row}/{text}").image.pixels
            page.paste(Image.fromarray(picture), (column * width, row * height))
    return page


def speed_page(text: str = "a", script: str = "Latn", width: int = 900, height: int = 260) -> Image.Image:
    """Draw the speed of one stroke over time, with the lognormal pulses that it is the sum of."""
    page = Image.new("RGB", (width * SUPER, height * SUPER), "white")
    draw = ImageDraw.Draw(page)
    writer = Writer.neutral()
    draw_strokes(draw, written(text, script, writer), (0, 0, height, height), height / 4)
    pulses = plan_pulses(layout(text, script, Hand(writer.choice))[0], writer)
    t = np.linspace(0.0, pulses.timing.end, 800)
    bells = speed_profiles(pulses.timing, t) * pulses.distance
    speed = np.abs(velocity(pulses, t))
    across = height + 20 + (width - height - 40) * t / t[-1]
    for values, colour, thick in [*[(bell, "#9bbfe0", 1) for bell in bells.T], (speed, "#111111", 2)]:
        up = height - 20 - (height - 40) * values / bells.max()
        draw.line([(x * SUPER, y * SUPER) for x, y in zip(across, up, strict=True)], fill=colour, width=thick * SUPER)
    return page.resize((width, height), Image.Resampling.LANCZOS)


def main(folder: Path) -> None:
    """Write all pictures."""
    pages = {f"synthetic-{name}": order_page(script) for script, name in NAMES.items()}
    pages |= {"synthetic-writers": writers_page(), "synthetic-speed": speed_page()}
    for name, page in pages.items():
        page.quantize(16 if page.mode == "L" else 96, dither=Image.Dither.NONE).save(
            folder / f"{name}.png", optimize=True
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
