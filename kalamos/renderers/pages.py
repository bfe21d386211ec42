"""Composed pages: handwriting on ruled, squared, printed, stained and photographed sheets, with the whole truth.

Words (inks of one writer or several) are set in lines and columns and drawn by
:func:`~kalamos.renderers.render.render`; what paper brings along (rulings straight or bent, margins, form lines,
print, stains, a desk, a wedge round a polygon) is multiplied in, and the camera comes last. All randomness comes from
the seed and the key, so a page has the same bytes everywhere; print is set in the one font that Pillow brings.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, map_coordinates

from kalamos.errors import StyleError
from kalamos.geometry import bounds, concat, transform
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Bytes, Floats, Floats32
from kalamos.machinery.seeding import rng_for
from kalamos.renderers.blemishes import bleed, camera, clouds, creases, glare, hard_shadow, smears, tide_marks
from kalamos.renderers.presets import preset
from kalamos.renderers.render import render
from kalamos.renderers.style import Style

Box = tuple[float, float, float, float]
PAUSE_S = 0.3


@dataclass(frozen=True)
class Sheet:
    """What a composed page looks like; lengths in px of the finished picture.

    Attributes:
        pen: a preset of the renderer: the pen and its ink.
        columns: of text.
        lines: in a column.
        line_px: from line to line.
        words: in a line.
        skew_deg: by which the writing leans against the sheet.
        ruling: none, lines, grid, form.
        rule_deg: by which the rules lean.
        rule_bend_px: how far the middle of a rule sags.
        rule_dark: how dark rules are, of white.
        margin_line: a vertical line at the margin.
        print_lines: lines of printed text above the writing.
        stains: expected share under stains.
        shadow: depth of a cast shadow.
        light: loss of light across the sheet.
        show_through: darkness of the back side's writing.
        desk: the sheet lies on a dark desk, and the camera stands a little aside.
        board: light ink on a dark ground.
        wedge: cut to a polygon; what lies outside is ``white``, ``black`` or empty.
        inks: colours of the lines as red, green, blue, taken in turn; empty for black.
        old: brown paper, faded ink.
        letter: height of small letters, of the distance between lines; from 0.8 on lines run into each other.
        contrast: how dark the ink is, 1 for the pen's own.
        fading: by how much the ink pales here and there.
        paper: colour of the sheet as red, green, blue.
        rule_ink: colour of the rules; black with ``rule_dark`` by default.
        bleed: darkness of this page's own writing, mirrored, as if it were on the back.
        tide_marks: water stains with brown rims, and foxing with them.
        creases: folds.
        smears: darkness of wiped-off marker.
        glare: lamps mirrored in the sheet.
        cast: depth of a shadow with an edge.
        desk_tone: how bright the desk is.
        tilt: how far aside the camera stands, 1 for a little.
        rim: the sheet lies skewed on a scanner whose lid is black.
        blur_px, noise, jpeg, shrink: of the camera, see :func:`~kalamos.renderers.blemishes.camera`.
        tight: cut to the ink and this many pens around it; negative for not at all.
    """

    pen: str = "ballpoint"
    columns: int = 1
    lines: int = 8
    line_px: float = 90.0
    words: int = 5
    skew_deg: float = 0.0
    ruling: str = "none"
    rule_deg: float = 0.0
    rule_bend_px: float = 0.0
    rule_dark: float = 0.3
    margin_line: bool = False
    print_lines: int = 0
    stains: float = 0.0
    shadow: float = 0.0
    light: float = 0.0
    show_through: float = 0.0
    desk: bool = False
    board: bool = False
    wedge: str = ""
    inks: tuple[tuple[int, int, int], ...] = ()
    old: bool = False
    letter: float = 0.55
    contrast: float = 1.0
    fading: float = 0.0
    paper: tuple[int, int, int] = (255, 255, 255)
    rule_ink: tuple[int, int, int] = (0, 0, 0)
    bleed: float = 0.0
    tide_marks: int = 0
    creases: int = 0
    smears: float = 0.0
    glare: int = 0
    cast: float = 0.0
    desk_tone: float = 0.22
    tilt: float = 1.0
    rim: bool = False
    blur_px: float = 0.5
    noise: float = 0.012
    jpeg: int = 0
    shrink: float = 1.0
    tight: float = -1.0


SHEETS: dict[str, Sheet] = {
    "word": Sheet(lines=1, words=1, line_px=110),
    "line": Sheet(lines=1, words=6, line_px=110, light=0.15),
    "page": Sheet(lines=10, words=6, light=0.1, skew_deg=0.7),
    "columns": Sheet(columns=2, lines=8, words=3),
    "ruled": Sheet(ruling="lines", lines=7, rule_deg=1.0, margin_line=True),
    "ruled-bent": Sheet(ruling="lines", lines=7, rule_deg=-2.4, rule_bend_px=9.0, rule_dark=0.45, skew_deg=-2.0),
    "squared": Sheet(ruling="grid", lines=7, rule_deg=0.6, rule_dark=0.25),
    "form": Sheet(ruling="form", lines=5, words=4, print_lines=2, rule_dark=0.75),
    "print": Sheet(lines=6, print_lines=5, line_px=95),
    "colours": Sheet(lines=6, inks=((190, 30, 40), (30, 50, 150), (20, 20, 20)), light=0.12),
    "old-page": Sheet(pen="fountain", old=True, lines=9, stains=0.12, show_through=0.07, light=0.2, skew_deg=1.2),
    "old-line": Sheet(pen="fountain", old=True, lines=1, words=6, line_px=110, wedge="white", stains=0.05),
    "old-line-black": Sheet(pen="fountain", old=True, lines=1, words=6, line_px=110, wedge="black"),
    "board": Sheet(pen="marker", board=True, lines=4, words=3, line_px=130, light=0.25),
    "whiteboard": Sheet(pen="marker", lines=4, words=3, line_px=130, light=0.35, shadow=0.2),
    "photo": Sheet(lines=9, words=5, desk=True, light=0.3, shadow=0.25, skew_deg=1.5),
    "word-tight": Sheet(pen="ballpoint", lines=1, words=1, line_px=90, tight=0.6, jpeg=75, shrink=0.5, contrast=0.8),
    "line-low": Sheet(lines=1, words=7, line_px=90, jpeg=60, shrink=0.4, contrast=0.75, tight=1.5),
    "crowded": Sheet(lines=11, words=5, letter=0.85, skew_deg=0.8, fading=0.3),
    "pencil": Sheet(pen="pencil", lines=9, words=5, contrast=0.4, fading=0.4, light=0.25, noise=0.02, jpeg=75),
    "ruled-blue": Sheet(
        ruling="lines",
        lines=8,
        words=5,
        rule_dark=0.55,
        rule_ink=(110, 150, 215),
        margin_line=True,
        inks=((25, 45, 140),),
        light=0.2,
        rule_deg=0.7,
    ),
    "ruled-phone": Sheet(
        ruling="lines",
        lines=9,
        words=5,
        rule_dark=0.5,
        rule_ink=(120, 140, 190),
        inks=((30, 30, 60),),
        desk=True,
        desk_tone=0.5,
        tilt=2.0,
        light=0.35,
        cast=0.4,
        jpeg=60,
        shrink=0.7,
        creases=1,
    ),
    "squared-phone": Sheet(
        ruling="grid",
        lines=8,
        words=4,
        rule_dark=0.4,
        rule_ink=(90, 120, 190),
        inks=((20, 30, 110),),
        light=0.35,
        shadow=0.3,
        jpeg=65,
        rule_deg=1.2,
        rule_bend_px=6,
        blur_px=1.0,
    ),
    "old-page-worn": Sheet(
        pen="fountain",
        old=True,
        lines=10,
        words=6,
        letter=0.65,
        bleed=0.3,
        tide_marks=3,
        creases=2,
        fading=0.5,
        contrast=0.8,
        light=0.2,
        rim=True,
        jpeg=80,
    ),
    "old-page-grey": Sheet(
        pen="fountain", lines=10, words=6, bleed=0.25, fading=0.4, contrast=0.7, stains=0.1, rim=True
    ),
    "old-line-clear": Sheet(
        pen="fountain", old=True, lines=1, words=6, wedge="clear", bleed=0.25, fading=0.4, letter=0.7, shrink=0.6
    ),
    "whiteboard-glare": Sheet(
        pen="marker",
        lines=4,
        words=4,
        line_px=120,
        inks=((190, 40, 50), (40, 70, 170), (30, 110, 60), (40, 40, 45)),
        paper=(205, 212, 222),
        light=0.45,
        glare=3,
        smears=0.18,
        contrast=0.85,
        fading=0.4,
        jpeg=70,
        blur_px=1.2,
    ),
    "blackboard": Sheet(
        pen="marker", board=True, lines=4, words=4, line_px=120, smears=0.35, fading=0.5, light=0.3, jpeg=75
    ),
    "photo-hard": Sheet(
        lines=9, words=5, desk=True, desk_tone=0.65, tilt=2.5, light=0.35, cast=0.5, creases=2, jpeg=60, shrink=0.6
    ),
    "photo-pencil": Sheet(
        pen="pencil",
        lines=8,
        words=5,
        contrast=0.45,
        desk=True,
        desk_tone=0.35,
        tilt=2.0,
        light=0.3,
        cast=0.35,
        jpeg=70,
    ),
    "photo-ruled": Sheet(lines=8, words=5, desk=True, light=0.25, shadow=0.2, ruling="lines", rule_dark=0.25),
}
"""The kinds of page that tests, the task of pages and the tables of the documentation go through."""


class Word(NamedTuple):
    """A word of a page: its strokes ``first`` to ``end - 1`` of the page's ink, its line and its text."""

    first: int
    end: int
    line: int
    column: int
    text: str


class ComposedPage(NamedTuple):
    """A page and its truth.

    Attributes:
        pixels: uint8, grey ``(h, w)``, colour ``(h, w, 3)`` or with alpha ``(h, w, 4)``.
        ink: all handwriting in reading order, in pixels.
        words: in reading order.
        pen_px: width of the pen.
        print_boxes: of printed lines, in pixels of the sheet before the camera.
        script: ISO 15924 code of the writing.
    """

    pixels: Bytes
    ink: Ink
    words: tuple[Word, ...]
    pen_px: float
    print_boxes: tuple[Box, ...]
    script: str


def compose_page(words: Sequence[Sample], sheet: Sheet, *, seed: int = 0, key: str = "") -> ComposedPage:
    """Set words on a sheet and take its picture.

    Args:
        words: samples of level word, taken in turn from the first; those of right-to-left scripts run leftwards.
        sheet: what the page looks like.
        seed: with ``key`` it decides the bytes.
        key: the page's key.

    Raises:
        StyleError: where there are no words, or one of them has no ink.
    """
    if not words or any(not word.ink.n_points for word in words):
        raise StyleError("a page is composed of words that have ink")
    chance = rng_for(seed, key, "page")
    laid, placed = _set_words(words, sheet, chance)
    pen = _pen(sheet)
    margin = 0.9 * sheet.line_px
    top = margin + sheet.print_lines * 0.7 * sheet.line_px
    box = bounds(laid)
    size = (int(np.ceil(box.x1 - box.x0 + 2 * margin)), int(np.ceil(box.y1 - box.y0 + top + margin)))
    free = size[1] - (box.y1 - box.y0)
    pen = pen.replace(shift_y=min(1.0, 2 * top / free - 1))  # print stands above the writing
    colour, ink = _drawn(laid, placed, pen, size, sheet, seed, key)
    behind, boxes = _printed(sheet, size, margin, chance)
    worn = rng_for(seed, key, "worn")
    colour = _faded(colour, sheet, worn)
    rules = 1 - (1 - _rules(sheet, laid, placed, size, chance)[..., None]) * (1 - _tone(sheet.rule_ink))
    picture = colour * behind[..., None] * rules
    if sheet.old:
        picture *= np.array([0.93, 0.85, 0.68], np.float32)
    picture = _worn(picture, colour, sheet, worn)
    if sheet.desk or sheet.rim:
        picture, ink = _on_desk(picture, ink, chance, sheet)
    if sheet.board:
        picture = 0.92 - 0.75 * picture
    if sheet.glare:
        picture = glare(picture, sheet.glare, worn)
    if sheet.cast:
        picture = picture * hard_shadow((picture.shape[0], picture.shape[1]), sheet.cast, worn)
    if sheet.tight >= 0:
        picture, ink = _cut_to_ink(picture, ink, sheet.tight * pen.width_px)
    pixels = camera(picture, sheet.blur_px, sheet.noise, sheet.jpeg, sheet.shrink, chance)
    ink = transform(ink, scale=sheet.shrink)
    if not (sheet.inks or sheet.old or sheet.tide_marks or sheet.paper != (255, 255, 255) or any(sheet.rule_ink)):
        pixels = np.ascontiguousarray(pixels[..., 1])
    if sheet.wedge:
        pixels = _cut_out(pixels, ink, sheet, sheet.shrink * pen.width_px)
    return ComposedPage(pixels, ink, placed, sheet.shrink * pen.width_px, boxes, words[0].script)


def _tone(colour: tuple[int, int, int]) -> Floats32:
    return np.array(colour, np.float32) / np.float32(255)


def _faded(colour: Floats32, sheet: Sheet, worn: np.random.Generator) -> Floats32:
    """Return the writing paler, all of it or here and there."""
    if sheet.contrast == 1.0 and not sheet.fading:
        return colour
    strength = np.full((*colour.shape[:2], 1), sheet.contrast, np.float32)
    if sheet.fading:
        strength *= 1 - sheet.fading * clouds((colour.shape[0], colour.shape[1]), 70, worn)[..., None]
    return 1 - strength * (1 - colour)


def _worn(picture: Floats32, colour: Floats32, sheet: Sheet, worn: np.random.Generator) -> Floats32:
    """Return the sheet in the colour of its paper, with what time and hands have done to it."""
    shape = (picture.shape[0], picture.shape[1])
    picture = picture * _tone(sheet.paper)
    if sheet.bleed:
        picture = picture * bleed(colour, sheet.bleed, worn)
    if sheet.tide_marks:
        picture = picture * tide_marks(shape, sheet.tide_marks, worn)
    if sheet.creases:
        picture = picture * creases(shape, sheet.creases, worn)
    if sheet.smears:
        picture = picture * smears(shape, sheet.smears, worn)
    return np.asarray(picture, np.float32)


def _cut_to_ink(picture: Floats32, ink: Ink, margin_px: float) -> tuple[Floats32, Ink]:
    """Cut the picture to the ink and a margin, whole pixels."""
    low = np.maximum(np.floor(ink.xy.min(axis=0) - margin_px), 0).astype(int)
    high = np.ceil(ink.xy.max(axis=0) + margin_px).astype(int)
    return picture[low[1] : high[1], low[0] : high[0]], transform(ink, dx=-float(low[0]), dy=-float(low[1]))


def _set_words(words: Sequence[Sample], sheet: Sheet, chance: np.random.Generator) -> tuple[Ink, tuple[Word, ...]]:
    """Return the ink of all words, set in lines and columns from (0, 0), and which strokes are whose."""
    leftwards = words[0].script in {"Arab", "Hebr", "Syrc"}
    spread = sheet.words * 2.3 * sheet.line_px
    inks: list[Ink] = []
    placed: list[Word] = []
    source = itertools.cycle(words)
    for column, line in itertools.product(range(sheet.columns), range(sheet.lines)):
        reach = 0.0
        base = line * sheet.line_px + chance.normal(0, 0.03) * sheet.line_px
        left = (sheet.columns - 1 - column if leftwards else column) * (spread + 1.2 * sheet.line_px)
        for k in range(sheet.words):
            word = next(source)
            ink = _sized(word, sheet)
            box = bounds(ink)
            if k and reach + box.width > spread:
                break
            x = left + (spread - reach - box.width if leftwards else reach) - box.x0
            inks.append(transform(ink, dx=x, dy=base + chance.normal(0, 0.02) * sheet.line_px))
            first = placed[-1].end if placed else 0
            placed.append(Word(first, first + ink.n_strokes, line, column, word.label))
            reach += box.width + (0.32 + 0.12 * chance.random()) * sheet.line_px
    whole = concat(inks, pause_s=PAUSE_S)
    turn = np.deg2rad(sheet.skew_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return whole.with_points(whole.xy @ rotation.T, whole.offsets, whole.channels()), tuple(placed)


def _sized(word: Sample, sheet: Sheet) -> Ink:
    """Return a word at the size of its line, its baseline near y = 0: the median of its points is its middle."""
    xy = word.ink.xy
    low, high = np.percentile(xy[:, 1], [5, 95])
    height = max(float(high - low), 0.25 * float(np.ptp(xy[:, 0])) / max(len(word.label), 1), 1e-6)
    scale = sheet.letter * sheet.line_px / height
    return transform(word.ink, scale=scale, dy=-scale * float(np.percentile(xy[:, 1], 75)))


def _pen(sheet: Sheet) -> Style:
    """Return the pen at the page's size, its paper taken away: a line is some 22 pen widths from the next."""
    style = preset(sheet.pen)
    style = style.scaled(sheet.line_px / 22 / style.width_px)
    return style.replace(
        paper_level=1.0,
        paper_cloud=0.0,
        noise=0.0,
        jpeg_quality=0,
        stains=sheet.stains,
        stain_size_px=1.6 * sheet.line_px,
        shadow=sheet.shadow,
        light=sheet.light,
        show_through=sheet.show_through,
        perspective=0.0,
        ruling="none",
        motion_px=0.0,
    )


def _drawn(
    laid: Ink, placed: Sequence[Word], pen: Style, size: tuple[int, int], sheet: Sheet, seed: int, key: str
) -> tuple[Floats32, Ink]:
    """Return the writing on bare paper, float32 ``(h, w, 3)`` from 0 to 1, and the truth where it was drawn."""
    style = pen.replace(frame="fixed", image_width_px=size[0], image_height_px=size[1], px_per_unit=1.0, margin_px=0.0)
    drawn = render(laid, style, seed=seed, key=key)
    grey = drawn.image.pixels.astype(np.float32) / 255
    if not sheet.inks:
        return np.repeat(grey[..., None], 3, axis=2), drawn.truth
    plain = style.replace(light=0.0, shadow=0.0, stains=0.0, show_through=0.0)
    colour = np.ones((*grey.shape, 3), np.float32)
    for k, tone in enumerate(sheet.inks):
        some = [word for word in placed if word.line % len(sheet.inks) == k]
        layer = _layer(drawn.truth, some, plain, size, seed, f"{key}/{k}")
        colour *= 1 - (1 - layer[..., None]) * (1 - np.array(tone, np.float32) / 255)
    shade = gaussian_filter(np.maximum(grey, 0.6), 20)
    return colour * shade[..., None], drawn.truth


def _layer(truth: Ink, words: Sequence[Word], style: Style, size: tuple[int, int], seed: int, key: str) -> Floats32:
    """Draw some words alone, where they are: a corner dot at each end keeps the frame, and is wiped off."""
    strokes = [list(truth.strokes())[k] for word in words for k in range(word.first, word.end)]
    if not strokes:
        return np.ones((size[1], size[0]), np.float32)
    centre = np.array(size, np.float64) / 2
    xy = np.concatenate(strokes)
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    ink = Ink.from_strokes(strokes)
    plain = style.replace(dry_gaps=0.0, shift_y=0.0)
    drawn = render(ink, plain, seed=seed, key=key).image.pixels.astype(np.float32) / 255
    dx, dy = np.rint(middle - centre).astype(int)
    return np.asarray(np.roll(drawn, (dy, dx), axis=(0, 1)), np.float32)


def _printed(
    sheet: Sheet, size: tuple[int, int], margin: float, chance: np.random.Generator
) -> tuple[Floats32, tuple[Box, ...]]:
    """Return what print leaves of the light, ``(h, w)``, and the boxes of its lines."""
    page = Image.new("L", size, 255)
    draw = ImageDraw.Draw(page)
    boxes = []
    font = ImageFont.load_default(size=0.36 * sheet.line_px)
    for row in range(sheet.print_lines):
        text = " ".join(chance.permutation(_PRINT.split())[:12])
        at = (margin, 0.6 * margin + 0.62 * row * sheet.line_px)
        while draw.textlength(text, font=font) > size[0] - 2 * margin and " " in text:
            text = text.rsplit(" ", 1)[0]
        draw.text(at, text, fill=25, font=font)
        x0, y0, x1, y1 = draw.textbbox(at, text, font=font)
        boxes.append((float(x0), float(y0), float(x1), float(y1)))
    return np.asarray(page, np.float32) / np.float32(255), tuple(boxes)


_PRINT = (
    "Please write clearly and stay inside the lines Name of applicant Date of birth Signature Place Remarks for office "
    "use only The undersigned declares that all statements above are true Number Street Postal code Return this sheet"
)


def _rules(
    sheet: Sheet, laid: Ink, placed: Sequence[Word], size: tuple[int, int], chance: np.random.Generator
) -> Floats32:
    """Return what rules leave of the light, ``(h, w)``."""
    width, height = size
    dark = np.zeros((height, width), np.float32)
    x, y = np.arange(width), np.arange(height)
    thick = max(1.2, sheet.line_px / 55)
    phase = 0.3 + 0.4 * float(chance.random())
    slope = np.tan(np.deg2rad(sheet.rule_deg))
    pitch = {"lines": sheet.line_px, "grid": 0.45 * sheet.line_px, "form": sheet.line_px}.get(sheet.ruling)
    if pitch:
        sag = sheet.rule_bend_px * 4 * (x / width) * (1 - x / width)
        for k in range(-int(abs(slope) * width / pitch) - 2, int((height + abs(slope) * width) / pitch) + 2):
            reach = slice(None) if sheet.ruling != "form" else slice(int(0.04 * width), int(0.96 * width))
            if sheet.ruling == "form" and (k + phase) * pitch < (0.6 + 0.7 * sheet.print_lines) * sheet.line_px:
                continue  # no form has its lines through its print
            _across(dark[:, reach], ((k + phase) * pitch + slope * x + sag)[reach], thick)
    if sheet.ruling == "grid":
        for k in range(int(width / pitch) + 3 if pitch else 0):
            _across(dark.T, (k - 1 + phase) * 0.45 * sheet.line_px - slope * y, thick)
    if sheet.margin_line:
        _across(dark.T, 0.6 * sheet.line_px - slope * y, thick)
    return np.float32(1) - np.float32(sheet.rule_dark) * np.minimum(dark, np.float32(1))


def _across(dark: Floats32, line: Floats, thick: float) -> None:
    """Draw a line ``y(x)`` of a thickness, anti-aliased down its columns, into ``(h, w)``."""
    rows = np.floor(line - thick / 2).astype(int)
    for k in range(int(thick) + 3):
        row = rows + k
        share = np.clip(np.minimum(row + 1, line + thick / 2) - np.maximum(row, line - thick / 2), 0, 1)
        inside = (row >= 0) & (row < dark.shape[0])
        at = np.flatnonzero(inside)
        dark[row[at], at] += share[at].astype(np.float32)


def _on_desk(picture: Floats32, ink: Ink, chance: np.random.Generator, sheet: Sheet) -> tuple[Floats32, Ink]:
    """Lay the sheet on a dark desk, seen a little from aside: a homography takes the sheet into a larger picture."""
    height, width, _ = picture.shape
    border = 0.09 * max(height, width)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    seen = corners + border + sheet.tilt * chance.uniform(-0.35, 0.35, (4, 2)) * border
    there, back = _homography(corners, seen), _homography(seen, corners)
    size = (int(height + 2 * border), int(width + 2 * border))
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    grid = _moved(back, np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)) - 0.5
    inside = ((grid > -0.5) & (grid < np.array([width, height]) - 0.5)).all(axis=1).reshape(size)
    out = np.empty((*size, 3), np.float32)
    wood = sheet.desk_tone + 0.05 * gaussian_filter(chance.normal(0, 1, size), (1.0, 30.0)) * 8
    if sheet.rim:
        wood = np.full(size, 0.05)
    darkest, brightest = (0.02, 0.1) if sheet.rim else (0.36 * sheet.desk_tone, sheet.desk_tone + 0.28)
    for k in range(3):
        layer = map_coordinates(picture[..., k], [grid[:, 1], grid[:, 0]], order=1, mode="nearest").reshape(size)
        out[..., k] = np.where(inside, layer, np.clip(wood, darkest, brightest))
    return out, ink.with_points(_moved(there, ink.xy.astype(np.float64)), ink.offsets, ink.channels())


def _homography(source: Floats, target: Floats) -> Floats:
    """Return the 3 x 3 matrix that takes four points to four others."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solved = np.linalg.solve(np.array(rows), target.reshape(-1))
    return np.append(solved, 1.0).reshape(3, 3)


def _moved(matrix: Floats, xy: Floats) -> Floats:
    flat = np.column_stack([xy, np.ones(len(xy))]) @ matrix.T
    return np.asarray(flat[:, :2] / flat[:, 2:])


def _cut_out(pixels: Bytes, ink: Ink, sheet: Sheet, pen_px: float) -> Bytes:
    """Cut a polygon round the writing, as a line of a page is cut out; what lies outside is white, black or clear."""
    height, width = pixels.shape[:2]
    steps = np.linspace(0, width, 9)
    xy = ink.xy
    reach = 4 * pen_px + 4
    upper, lower = [], []
    for x in steps:
        near = xy[np.abs(xy[:, 0] - x) < width / 8, 1]
        upper.append((x, float(near.min()) - reach if len(near) else height / 2 - reach))
        lower.append((x, float(near.max()) + reach if len(near) else height / 2 + reach))
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).polygon([*upper, *lower[::-1]], fill=255)
    inside = np.asarray(mask) > 0
    if sheet.wedge == "clear":
        colour = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        return np.dstack([colour, np.where(inside, 255, 0).astype(np.uint8)])
    outside = np.uint8(255 if sheet.wedge == "white" else 0)
    return np.where(inside if pixels.ndim == 2 else inside[..., None], pixels, outside)
