"""Draw every class of the Assamese corpus beside its text: what people wrote, and what we say that they wrote.

    python docs/corpora/assamese_sheet.py CORPUS_ROOT docs/images/assamese.png     (Debian: fonts-noto-core)

Each cell: class number and name, two characters of training writers, the text as a font shapes it. Nobody has to trust
the labels: this is the sheet to check them by.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from kalamos.datasets.assamese import CORPUS, classes
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample

FONT = "/usr/share/fonts/truetype/noto/NotoSerifBengali-Regular.ttf"
CELL, SIDE, COLUMNS = (196, 82), 60, 8


def drawn(draw: ImageDraw.ImageDraw, ink: Ink, left: int, top: int) -> None:
    """Draw an ink into a square of :data:`SIDE` pixels."""
    low, high = ink.xy.min(axis=0), ink.xy.max(axis=0)
    scale = (SIDE - 6) / max(float((high - low).max()), 1.0)
    middle, centre = (low + high) / 2, (left + SIDE / 2, top + SIDE / 2)
    for a, b in zip(ink.offsets[:-1], ink.offsets[1:], strict=True):
        places = [(float(x), float(y)) for x, y in (ink.xy[a:b] - middle) * scale + centre]
        if len(places) > 1:
            draw.line(places, fill=0, width=2, joint="curve")
        else:
            x, y = places[0]
            draw.ellipse([x - 1, y - 1, x + 1, y + 1], fill=0)


def sheet(root: Path, writers: tuple[str, ...], numbers: list[int]) -> Image.Image:
    """Return the sheet of some classes."""
    found: dict[tuple[str, str], Sample] = {
        (writer, sample.key.partition("/")[2].partition(".")[0]): sample
        for writer in writers
        for sample in CORPUS.read(root, writer, UnitReport())
    }
    rows = -(-len(numbers) // COLUMNS)
    width = CELL[0] + SIDE * (len(writers) - 2)
    image = Image.new("L", (COLUMNS * width, rows * CELL[1]), 255)
    draw = ImageDraw.Draw(image)
    small, large = ImageFont.load_default(12), ImageFont.truetype(FONT, 34)
    for k, number in enumerate(numbers):
        left, top = k % COLUMNS * width, k // COLUMNS * CELL[1]
        draw.rectangle([left, top, left + width - 1, top + CELL[1] - 1], outline=200)
        draw.text((left + 4, top + 1), f"{number} {classes()[number].name}", fill=90, font=small)
        for place, writer in enumerate(writers):
            drawn(draw, found[writer, str(number)].ink, left + 4 + place * (SIDE + 2), top + 19)
        text = classes()[number].text
        draw.text((left + 12 + len(writers) * (SIDE + 2), top + 72), text, fill=0, font=large, anchor="ls")
    return image


if __name__ == "__main__":
    sheet(Path(sys.argv[1]), ("W2", "W11"), sorted(classes())).save(sys.argv[2], optimize=True)
