"""Composed pages through the whole of the scans room: what is written is found, what is not is left out."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from kalamos.baselines.good_continuation import GoodContinuation
from kalamos.datasets.synthetic import Writer, synthesise
from kalamos.ink import Ink, Sample
from kalamos.machinery.seeding import rng_for
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.paper import recover_page
from kalamos.recovery import RecoveredPiece, Recovery, in_lines
from kalamos.renderers.pages import SHEETS, ComposedPage, compose_page
from kalamos.scans.load import closer, fitted, prepare
from kalamos.scans.read import page_of, read_pages
from kalamos.scans.segment import segment

TEXTS = {"Latn": "garden river island window letter", "Arab": "كتاب مدرسة باب قلم", "Deva": "किताब नदी घर"}


@cache
def words(script: str) -> tuple[Sample, ...]:
    writer = Writer.from_seed(77, 1)
    made = []
    for k in range(12):
        text = TEXTS[script].split()[k % len(TEXTS[script].split())]
        ink = synthesise(text, script, writer, rng_for(77, text, str(k)))
        made.append(Sample(f"{script}/{k}", ink, text, "word", script, units="mm", time_source="synthetic"))
    return tuple(made)


def page(kind: str, script: str = "Latn", **changes: object) -> ComposedPage:
    few = {"lines": min(4, SHEETS[kind].lines), "words": min(4, SHEETS[kind].words)}
    return compose_page(words(script), replace(SHEETS[kind], **{**few, **changes}), seed=77, key=kind)


def dense(ink: Ink) -> np.ndarray:
    parts = []
    for stroke in ink.strokes():
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
        at = np.linspace(0, along[-1], max(2, int(along[-1])))
        parts.append(np.column_stack([np.interp(at, along, stroke[:, k]) for k in (0, 1)]))
    return np.concatenate(parts)


def recall_and_precision(made: ComposedPage) -> tuple[float, float]:
    found = dense(recover_page(page_of(made.pixels), GoodContinuation()).recovery.ink)
    truth = dense(made.ink)
    near = cKDTree(found).query(truth)[0] <= made.pen_px, cKDTree(truth).query(found)[0] <= made.pen_px
    return float(near[0].mean()), float(near[1].mean())


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        ("ruled", "Latn"),
        ("ruled-bent", "Latn"),
        ("squared", "Arab"),
        ("colours", "Latn"),
        ("old-line", "Deva"),
        ("old-line-black", "Latn"),
        ("board", "Latn"),
        ("photo", "Latn"),
        ("photo-hard", "Latn"),
        ("ruled-phone", "Arab"),
        ("squared-phone", "Latn"),
        ("old-page-worn", "Deva"),
        ("old-line-clear", "Latn"),
        ("pencil", "Latn"),
        ("blackboard", "Latn"),
        ("line-low", "Arab"),
    ],
)
def test_what_is_written_is_found_and_nothing_else(kind, script):
    recall, precision = recall_and_precision(page(kind, script))
    assert recall > 0.97 and precision > 0.95


@pytest.mark.parametrize("degrees", [-3.0, 0.4, 3.0])
def test_rules_that_lean_go_and_are_counted(degrees):
    made = page("ruled", rule_deg=degrees, margin_line=False)
    prepared = prepare(made.pixels)
    assert prepared.rules[0] >= 4 and prepared.rules[1] == 0
    clear = np.ones(prepared.grey.shape, bool)
    xy = dense(made.ink).astype(int)
    reach = int(3 * made.pen_px)
    for x, y in xy[::3]:
        clear[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach] = False
    assert (prepared.grey[clear] < 128).mean() < 2e-4


def test_a_page_without_rules_loses_no_stroke_to_them():
    for kind, script in (("page", "Deva"), ("columns", "Latn")):
        assert prepare(page(kind, script).pixels).rules == (0, 0)


def test_lines_words_and_columns_come_in_reading_order():
    made = page("columns", "Latn", lines=4, words=3)
    pieces = segment(prepare(made.pixels).grey, level="word", script="Latn")
    assert len({piece.line for piece in pieces}) == len({(word.column, word.line) for word in made.words}) == 8
    middles = [((piece.box[0] + piece.box[2]) / 2, piece.line) for piece in pieces]
    half = made.pixels.shape[1] / 2
    assert all((x < half) == (line < 4) for x, line in middles)


def test_an_arabic_page_is_read_leftwards_by_its_margin_alone():
    made = page("page", "Arab", lines=6, words=3)
    pieces = segment(prepare(made.pixels).grey, level="word", script="Arab")
    first = [piece for piece in pieces if piece.line == 0]
    assert [piece.box[0] for piece in first] == sorted((piece.box[0] for piece in first), reverse=True)


def test_print_is_left_out_unless_it_is_asked_for():
    made = page("print", "Latn", print_lines=4)
    without = recover_page(page_of(made.pixels), GoodContinuation())
    kept = recover_page(page_of(made.pixels), GoodContinuation(), printed=True)
    below = max(box[3] for box in made.print_boxes)
    assert min(piece.box[3] for piece in without.recovery.pieces) > below - 5
    assert min(piece.box[1] for piece in kept.recovery.pieces) < below
    assert any("print" in remark for remark in without.remarks)


def test_a_shadow_takes_nothing_away_and_a_desk_stays_out():
    dark = page("photo-hard", cast=0.55, lines=6)
    prepared = prepare(dark.pixels)
    xy = dense(dark.ink).astype(int)
    near = np.zeros(prepared.grey.shape, bool)
    for x, y in xy[::3]:
        near[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = True
    assert (prepared.grey[xy[:, 1], xy[:, 0]] < 160).mean() > 0.97
    assert (prepared.grey[~near] < 128).mean() < 2e-3


def test_a_blot_is_ink_and_a_grey_patch_is_not():
    sheet = Image.new("L", (1200, 900), 240)
    draw = ImageDraw.Draw(sheet)
    for y in range(150, 800, 80):
        draw.line([(100 + 20 * k, y + 30 * (k % 2)) for k in range(50)], fill=40, width=5)
    draw.ellipse((500, 300, 620, 400), fill=30)
    draw.ellipse((800, 500, 900, 600), fill=150)
    grey = prepare(np.asarray(sheet)).grey
    assert (grey[310:390, 530:590] < 128).mean() > 0.95
    assert (grey[530:570, 830:870] < 128).mean() < 0.3


def test_few_pieces_of_line_that_no_marks_follow_are_no_rule():
    prepare(page("crowded", lines=11, words=5).pixels)


def test_a_dash_alone_keeps_the_scale_of_writing():
    sheet = np.full((40, 200), 255, np.uint8)
    sheet[19:22, 10:190] = 0
    found = recover_page(page_of(sheet), GoodContinuation()).recovery
    assert found.ink.n_strokes == 1 and found.ink.n_points < 200


@pytest.mark.parametrize("frame", [1, 2])
@pytest.mark.parametrize("light", [False, True])
def test_thick_writing_in_a_narrow_frame_keeps_its_polarity(frame, light):
    from kalamos.scans.polarity import is_light_on_dark

    ink = np.zeros((28, 20), bool)
    ink[:, 6:14] = True
    ink[:8, :] = True
    ink = np.pad(ink, frame)
    assert is_light_on_dark(np.where(ink ^ light, np.uint8(20), np.uint8(235))) == light


def test_real_scans_are_not_inverted(corpora):
    from kalamos.datasets.pictures import read_pictures
    from kalamos.scans.polarity import is_light_on_dark

    if not (corpora / "paper").is_dir():
        pytest.skip("the corpora hold no folder paper")
    for name in ("mnist", "ahcd"):
        some = [one for k, one in enumerate(read_pictures(name, corpora / "paper" / name)) if k % 20 == 0]
        wrong = sum(not is_light_on_dark(one.pixels) for one in some)
        assert wrong <= 0.002 * len(some)


def test_every_page_of_a_file_is_read(tmp_path):
    sheets = [Image.new("L", (60, 40 + k), 255) for k in range(3)]
    for sheet in sheets:
        sheet.paste(0, (10, 10, 30, 14))
    sheets[0].save(tmp_path / "three.tif", save_all=True, append_images=sheets[1:])
    pages = list(read_pages(tmp_path / "three.tif"))
    assert [(one.number, one.pages, one.pixels.shape[0]) for one in pages] == [(1, 3, 40), (2, 3, 41), (3, 3, 42)]
    pytest.importorskip("pypdfium2")
    sheets[0].save(tmp_path / "three.pdf", save_all=True, append_images=sheets[1:], resolution=300)
    heights = [one.pixels.shape[0] for one in read_pages(tmp_path / "three.pdf")]
    assert np.abs(np.array(heights) - [40, 41, 42]).max() <= 1  # a page of so many points, drawn at 300 dpi


def test_a_large_page_is_reduced_and_its_boxes_are_in_the_files_pixels(tmp_path):
    sheet = np.full((6000, 6000), 255, np.uint8)
    sheet[3000:3040, 2000:2900] = 0
    Image.fromarray(sheet).save(tmp_path / "large.png", compress_level=1)
    found = recover_page(next(read_pages(tmp_path / "large.png")), GoodContinuation())
    x0, y0, x1, y1 = found.recovery.pieces[0].box
    assert found.page.scale == 2
    assert abs(x0 - 2000) <= 4 and abs(x1 - 2900) <= 4 and abs(y0 - 3000) <= 4 and abs(y1 - 3040) <= 4


class Half:
    """Draws the left half of every piece alone."""

    name = "half"

    def recover(self, images):
        inks = GoodContinuation().recover(images)
        return [self.left(ink, image.width_px / 2) for ink, image in zip(inks, images, strict=True)]

    @staticmethod
    def left(ink, middle):
        kept = [stroke[stroke[:, 0] < middle] for stroke in ink.strokes()]
        return Ink.from_strokes([stroke for stroke in kept if len(stroke)] or [ink.xy[:1]])


def test_what_a_method_leaves_undrawn_is_traced_and_marked():
    made = page("page")
    found = recover_page(page_of(made.pixels), Half()).recovery
    traced = [piece for piece in found.pieces if "traced by good-continuation" in piece.warning]
    assert traced
    assert found.covered > 0.9
    for piece in traced:
        assert "half covered only" in piece.warning
        assert piece.confidence is None
        assert piece.stroke_confidence is None
        assert piece.covered > 0.5


def spiral(side: int = 1000) -> tuple[np.ndarray, float]:
    """Return a spiral of thirty rounds, far too fine to be seen 64 px high, and its length."""
    turn = np.linspace(0, 60 * np.pi, 8000)
    path = side / 2 + (turn / turn[-1] * 0.48 * side)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    sheet = Image.new("L", (side, side), 255)
    ImageDraw.Draw(sheet).line([(float(x), float(y)) for x, y in path], fill=0, width=3)
    return np.asarray(sheet), float(np.hypot(*np.diff(path, axis=0).T).sum())


@pytest.mark.parametrize("level", ["page", "word", "character"])
def test_lines_that_ran_into_each_other_at_the_height_of_a_model_are_not_called_covered(level):
    pixels, truth = spiral()
    found = recover_page(page_of(pixels), Kalamos(), level=level).recovery
    drawn = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in found.ink.strokes())
    assert drawn == pytest.approx(truth, rel=0.05)
    assert found.covered > 0.98
    assert all("traced by good-continuation" in piece.warning and piece.confidence is None for piece in found.pieces)


def test_pieces_of_a_reduced_page_are_looked_at_where_they_lie():
    pixels, _ = spiral(800)
    small = page_of(pixels)._replace(scale=2, size=(1600, 1600))
    found = recover_page(small, Kalamos(), level="page").recovery
    assert found.covered > 0.98
    assert found.ink.xy.max() == pytest.approx(1600 * 0.98, abs=20)


def test_a_word_whose_lines_stand_apart_is_looked_at_no_closer():
    made = page("page")
    [*pieces] = fitted(segment(made.pixels, level="word"), page_of(made.pixels), None, size_px=None, height_px=64)
    assert all(closer(piece, page_of(made.pixels)) is None for piece in pieces)


class Towards:
    """Says what a learned method says: strokes in the direction of the script, here from the right or the left."""

    name = "towards"

    def __init__(self, leftwards):
        self.leftwards = leftwards

    def recover(self, images):
        return GoodContinuation().recover(images)

    def recover_many(self, groups, n_best):
        return [Recovery(in_lines([self.piece(image) for image in group]), self.name) for group in groups]

    def piece(self, image):
        [ink] = self.recover([image])
        strokes = sorted(ink.strokes(), key=lambda stroke: stroke[:, 0].mean(), reverse=self.leftwards)
        return RecoveredPiece(Ink.from_strokes(strokes), (0.0, 0.0, float(image.width_px), float(image.height_px)))


@pytest.mark.parametrize("leftwards", [True, False])
def test_a_page_is_read_as_the_strokes_of_all_its_words_go(leftwards):
    made = page("columns", "Latn", lines=3, words=3)
    found = recover_page(page_of(made.pixels), Towards(leftwards), printed=True).recovery
    half = made.pixels.shape[1] / 2
    assert len(found.lines) == 6
    columns = [line.box[0] > half * 0.9 for line in found.lines]
    assert columns == ([True] * 3 + [False] * 3 if leftwards else [False] * 3 + [True] * 3)
    for line in found.lines:
        lefts = [piece.box[0] for piece in line.pieces]
        assert lefts == sorted(lefts, reverse=leftwards)
    tops = [line.box[1] for line in found.lines[:3]]
    assert tops == sorted(tops)


def test_a_script_that_is_given_decides():
    made = page("page", "Latn", lines=2, words=3)
    [first, *_] = recover_page(page_of(made.pixels), Towards(True), script="Latn").recovery.lines
    assert first.pieces[0].box[0] < first.pieces[-1].box[0]


def test_small_print_over_larger_writing_is_left_out_with_its_thin_letters():
    made = page("form", "Deva", print_lines=2, lines=4)
    found = recover_page(page_of(made.pixels), GoodContinuation())
    below = max(box[3] for box in made.print_boxes)
    assert min(piece.box[1] for piece in found.recovery.pieces) > below - 5
    assert any("print" in remark for remark in found.remarks)
    kept = recover_page(page_of(page("page", "Latn", lines=4).pixels), GoodContinuation())
    assert not any("print" in remark for remark in kept.remarks)


def test_a_pale_pen_beside_a_dark_one_is_ink():
    made = page("whiteboard", inks=((90, 170, 230), (20, 20, 20)))
    grey = prepare(made.pixels).grey
    xy = dense(made.ink).astype(int)
    assert (grey[xy[:, 1], xy[:, 0]] < 170).mean() > 0.97


def test_a_very_long_line_under_uneven_light_is_no_negative():
    rng = np.random.default_rng(0)
    sheet = Image.new("L", (20000, 40), 235)
    draw = ImageDraw.Draw(sheet)
    for x in range(15, 19900, 70):
        draw.line([(x + 6 * k, 8 + int(rng.integers(0, 25))) for k in range(8)], fill=40, width=3)
    ink = np.asarray(sheet) < 120
    light = 1 - 0.4 * np.abs(np.linspace(-1, 1, 20000)) ** 4
    prepared = prepare(np.clip(np.asarray(sheet) * light + rng.normal(0, 3, ink.shape), 0, 255).astype(np.uint8))
    assert not prepared.light_on_dark
    assert (prepared.grey[ink] < 150).mean() > 0.99 and (prepared.grey[~ink] < 100).mean() < 0.01


def test_lines_that_run_into_each_other_are_told_apart():
    made = page("crowded", lines=9, words=4, letter=0.9)
    found = recover_page(page_of(made.pixels), GoodContinuation())
    assert len(found.recovery.lines) == 9


def test_a_pale_blurred_rim_is_no_ink_and_a_pale_sharp_line_is():
    grey = np.full((500, 700), 235.0)
    strokes = Image.new("L", (700, 500), 0)
    draw = ImageDraw.Draw(strokes)
    for row in range(60, 300, 60):
        for x in range(60, 600, 40):
            draw.line([(x, row), (x + 20, row + 36)], fill=160, width=4)
    draw.line([(60, 340), (600, 350)], fill=70, width=4)
    ink = np.asarray(strokes, np.float32)
    y, x = np.mgrid[0:500, 0:700]
    rim = 75 * np.exp(-(((y - 430 - 15 * np.sin(x / 40)) / 4) ** 2))
    picture = np.clip(grey - gaussian_filter(ink, 1.0) - rim, 0, 255).astype(np.uint8)
    cleaned = prepare(picture, rules=False).grey
    assert (cleaned[400:] == 255).all()
    assert (cleaned[335:356, 60:600].min(axis=0) < 255).mean() > 0.95


def test_pens_of_light_colours_beside_a_black_one_are_ink():
    made = page("colours", inks=((20, 20, 20), (150, 170, 220), (230, 170, 175)), lines=6)
    assert recall_and_precision(made)[0] > 0.9


def test_the_noise_of_a_scanners_black_rim_is_no_writing():
    made = page("old-page-grey", lines=8, words=5)
    recall, precision = recall_and_precision(made)
    assert recall > 0.98
    assert precision > 0.98


def test_a_speck_far_from_a_word_does_not_stretch_it():
    made = page("page", lines=2, words=3)
    boxes = [piece.box for piece in segment(prepare(made.pixels).grey, level="word")]
    speck = Image.fromarray(np.pad(made.pixels, ((300, 0), (0, 0)), constant_values=255))
    x = (boxes[0][0] + boxes[0][2]) // 2
    ImageDraw.Draw(speck).line([(x, 60), (x + 14, 60)], fill=30, width=4)
    found = segment(prepare(np.asarray(speck)).grey, level="word")
    assert len(found) == len(boxes) + 1
    assert max(y1 - y0 for _, y0, _, y1 in (piece.box for piece in found)) <= max(b[3] - b[1] for b in boxes) + 2


def test_a_long_headline_from_which_letters_hang_is_no_rule_and_one_without_letters_is():
    sheet = Image.new("L", (1000, 620), 240)
    draw = ImageDraw.Draw(sheet)
    for row, end in ((80, 900), (230, 860)):
        draw.line([(70, row), (end, row + 2)], fill=40, width=6)
        for x in range(90, end - 30, 60):
            draw.line([(x, row), (x, row + 60)], fill=40, width=6)
            draw.arc((x - 40, row + 20, x, row + 60), 0, 300, fill=40, width=6)
    draw.line([(70, 500), (930, 502)], fill=40, width=6)
    cleaned = prepare(np.asarray(sheet))
    assert cleaned.rules == (1, 0)
    assert (cleaned.grey[76:90, 100:880].min(axis=0) < 128).mean() > 0.98
    assert (cleaned.grey[490:512] == 255).all()
