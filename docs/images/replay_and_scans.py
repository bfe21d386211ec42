"""Draw the pictures of docs/replay.md and docs/scans.md: ``python docs/images/replay_and_scans.py [folder]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from kalamos.datasets.synthetic import Writer, synthesise
from kalamos.geometry import concat, transform
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import preset, render
from kalamos.replay.svg import to_gif, to_svg
from kalamos.scans.load import clean, fit, read_image, segment

LINE = {"frame": "height", "image_height_px": 128, "margin_px": 14.0}
PAGE = {
    "frame": "fixed",
    "image_width_px": 1100,
    "image_height_px": 620,
    "width_px": 4.0,
    "margin_px": 60.0,
    "perspective": 0.0,
    "light": 0.5,
    "shadow": 0.35,
    "stain_size_px": 110.0,
    "paper_cloud_px": 120.0,
    "ruling": "lines",
    "ruling_spacing_px": 48.0,
    "ruling_darkness": 0.15,
    "show_through": 0.05,
    "dry_gaps": 0.0,
}
LINES = [["the", "reed", "pen"], ["garden", "river"], ["island", "window"]]
COLOURS = {"line": "#1a936f", "word": "#d1495b", "character": "#1f5fbf"}


def written(text: str, script: str = "Latn") -> Ink:
    """Write one text as the synthetic corpus would."""
    return synthesise(text, script, Writer.neutral(), rng_for(0, text))


def replays(folder: Path) -> None:
    """Write one animated SVG a colouring, and a GIF."""
    for name, text, script, style, colour_by in [
        ("time", "Kalamos", "Latn", "scan", "time"),
        ("stroke", "مدرسة", "Arab", "fountain", "stroke"),
        ("speed", "किताब", "Deva", "ballpoint", "speed"),
    ]:
        drawn = render(written(text, script), preset(style).replace(**LINE), key=text)
        svg = to_svg(drawn.truth, drawn.image, colour_by=colour_by, size_px=560)
        (folder / f"replay-{name}.svg").write_text(svg, encoding="utf-8")
        if name == "stroke":
            (folder / "replay.gif").write_bytes(to_gif(drawn.truth, drawn.image, colour_by="stroke", size_px=420))


def page() -> Ink:
    """Lay out three lines of words."""
    words = []
    for row, texts in enumerate(LINES):
        x = 0.0
        for text in texts:
            ink = written(text)
            words.append(transform(ink, dx=x - float(ink.xy[:, 0].min()), dy=22.0 * row))
            x += float(np.ptp(ink.xy[:, 0])) + 7.0
    return concat(words, pause_s=0.3)


def scan(folder: Path) -> None:
    """Draw a photograph, what becomes of it, the pieces found on it, and the words at a model's size."""
    photo = render(page(), preset("photo").replace(**PAGE), key="page").image.pixels
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "photo.jpg"
        Image.fromarray(photo).save(file, quality=85)
        grey = read_image(file)
    cleaned = clean(grey)
    boxed = Image.fromarray(cleaned).convert("RGB")
    draw = ImageDraw.Draw(boxed)
    for inset, (level, colour) in enumerate(COLOURS.items()):
        for piece in segment(cleaned, level=level):
            x0, y0, x1, y1 = piece.box
            grow = 9 - 4 * inset
            draw.rectangle((x0 - grow, y0 - grow, x1 + grow, y1 + grow), outline=colour, width=2)
    pieces = [fit(word, size_px=None, height_px=64)[0].pixels for word in segment(cleaned, level="word")]
    strip = Image.new("L", (sum(piece.shape[1] + 12 for piece in pieces) - 12, 64), 255)
    x = 0
    for piece in pieces:
        strip.paste(Image.fromarray(piece), (x, 0))
        x += piece.shape[1] + 12
    wide = Image.new("RGB", (2 * grey.shape[1] + 20, grey.shape[0]), "white")
    wide.paste(Image.fromarray(grey).convert("RGB"), (0, 0))
    wide.paste(boxed, (grey.shape[1] + 20, 0))
    wide.resize((wide.width // 2, wide.height // 2), Image.Resampling.LANCZOS).save(folder / "scan-in.png")
    strip.save(folder / "scan-in-words.png")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    replays(target)
    scan(target)
