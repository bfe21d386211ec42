"""Recordings laid on scans of which the truth is known: where they come to lie, and what is refused."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kalamos.align import align
from kalamos.align.bend import fit_bend
from kalamos.align.picture import OFF_INK, ON_INK, picture_of_both
from kalamos.align.pose import affine, similarity
from kalamos.datasets.made_pairs import made_pair, pair_of, signed_again
from kalamos.datasets.pairs import Scan, lay, scan_of
from kalamos.datasets.synthetic import Writer
from kalamos.datasets.synthetic.writing import synthesise
from kalamos.errors import KalamosError
from kalamos.geometry import concat, transform
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.scans.load import prepare
from kalamos.scans.read import page_of

SEED = 5


@pytest.fixture(scope="module")
def pair():
    return made_pair(1, SEED)


@pytest.fixture(scope="module")
def grey(pair):
    return prepare(pair.image.pixels).grey


def off(found, truth, height_px):
    """Return the mean distance from the truth, pixels of a frame 64 px high."""
    return np.hypot(*(found.ink.xy - truth).T).mean() * 64 / height_px


def test_a_recording_comes_to_lie_where_it_was_written(pair, grey):
    found = align(grey, pair.ink)
    assert (found.verdict, found.reasons) == ("fits", ())
    assert off(found, pair.truth, pair.height_px) < 0.5
    assert found.agreement.on_ink > 0.85  # a tenth left no ink
    assert found.agreement.explained > 0.97
    assert np.array_equal(found.ink.t, pair.ink.t)  # the times are the recording's own
    assert np.array_equal(found.ink.offsets, pair.ink.offsets)


def test_the_same_input_gives_the_same_ink(pair, grey):
    assert np.array_equal(align(grey, pair.ink).ink.xy, align(grey, pair.ink).ink.xy)


@pytest.mark.parametrize(("scale", "shift"), [(1e4, 0.0), (1e-4, 0.0), (1.0, 1e5)])
def test_unit_and_place_of_the_recording_do_not_matter(pair, grey, scale, shift):
    ink = pair.ink.with_points(pair.ink.xy.astype(np.float64) * scale + shift, pair.ink.offsets, pair.ink.channels())
    assert off(align(grey, ink), pair.truth, pair.height_px) < 0.6


def test_ten_pairs_are_right_to_a_third_of_a_pixel():
    """The whole table is docs/align.md's; this one notices when the method breaks."""
    errors, verdicts = [], []
    for number in range(10):
        made = made_pair(number, SEED)
        found = align(prepare(made.image.pixels).grey, made.ink)
        errors.append(off(found, made.truth, made.height_px))
        verdicts.append(found.verdict)
    assert np.median(errors) < 0.33
    assert verdicts.count("fits") >= 7
    assert "does not fit" not in verdicts


def test_what_does_not_belong_together_is_never_said_to_fit(pair, grey):
    for wrong in (made_pair(2, SEED).ink, signed_again(1, SEED), transform(pair.ink, matrix=((-1, 0), (0, 1)))):
        found = align(grey, wrong)
        assert found.verdict != "fits"
        assert found.reasons


def test_a_scan_in_any_direction(pair, grey):
    height, width = grey.shape
    turned = np.ascontiguousarray(grey[::-1, ::-1])
    assert align(turned, pair.ink).verdict == "does not fit"
    found = align(turned, pair.ink, any_turn=True)
    assert off(found, np.array([width, height]) - pair.truth, pair.height_px) < 0.6
    assert abs(abs(found.turn_deg) - 180) < 15


def test_other_writing_beside_is_said_and_a_box_leaves_it_out(pair, grey):
    other = prepare(made_pair(2, SEED).image.pixels).grey
    height, width = grey.shape
    both = np.full((max(height, other.shape[0]), width + 40 + other.shape[1]), 255, np.uint8)
    both[:height, :width], both[: other.shape[0], width + 40 :] = grey, other
    found = align(both, pair.ink)
    assert found.verdict != "fits"
    assert any("beside the recording" in reason for reason in found.reasons)
    boxed = lay(Scan(both, 1), pair.ink, box=(0, 0, width + 20, both.shape[0]))
    assert boxed.verdict == "fits"
    assert off(boxed, pair.truth, pair.height_px) < 0.5


def test_a_box_and_a_reduced_scan_are_told_in_pixels_of_the_file(pair, grey):
    found = lay(Scan(grey, 3), pair.ink, box=(3, 3, 3 * grey.shape[1], 3 * grey.shape[0]))
    assert off(found, 3 * pair.truth, 3 * pair.height_px) < 0.5
    assert found.scale == pytest.approx(3 * align(grey, pair.ink).scale, rel=0.02)
    with pytest.raises(KalamosError, match="is not on the scan"):
        lay(Scan(grey, 3), pair.ink, box=(90000, 0, 90100, 50))


def test_rules_of_the_paper_do_not_matter(pair):
    image = Image.fromarray(pair.image.pixels)
    for y in range(30, image.height, 45):
        ImageDraw.Draw(image).line([(0, y), (image.width, y)], 150, 2)
    found = lay(scan_of(page_of(image)), pair.ink)
    assert off(found, pair.truth, pair.height_px) < 0.8
    assert found.agreement.explained > 0.9


def page(seed, rows):
    """Return the words of a page, two a line."""
    hand, inks = Writer.from_seed(seed, 5), []
    for line, row in enumerate(rows):
        for place in (0, 1):
            word = synthesise(row, "Latn", hand, rng_for(seed, line, place))
            inks.append(transform(word, dx=place * 50 - word.xy[:, 0].min(), dy=line * 11.0))
    return inks


def test_a_page_of_lines():
    inks = page(6, ("zebra", "kalamos", "reed", "handwriting", "paper"))
    made = pair_of(concat(inks, pause_s=0.5), rng_for(6), "page", height_px=500)
    scan = scan_of(page_of(made.image.pixels))
    found = lay(scan, made.ink)
    assert found.verdict == "fits"
    assert off(found, made.truth, made.height_px / 5) < 0.6  # of a line's height
    lines = (22, 22, 0, 0, -22, -22, 0, 0, 0, 0)
    swapped = [transform(ink, dy=dy) for ink, dy in zip(inks, lines, strict=True)]
    assert lay(scan, concat(swapped, pause_s=0.5)).verdict != "fits"


def test_a_word_of_a_page_that_lies_beside_its_place_is_noticed():
    """Where its strokes are alike, a word slides to the neighbouring stroke, and the page as a whole still agrees."""
    inks = page(SEED, ("minimum", "kalamos", "reed", "handwriting", "paper"))
    made = pair_of(concat(inks, pause_s=0.5), rng_for(SEED), "page", height_px=500)
    found = lay(scan_of(page_of(made.image.pixels)), made.ink)
    assert found.agreement.explained > 0.95
    assert off(found, made.truth, made.height_px / 5) < 0.6 or (
        found.verdict == "in doubt" and "a part of the scan" in found.reasons[0]
    )


def drawn(shape, draw):
    image = Image.new("L", shape, 255)
    draw(ImageDraw.Draw(image))
    return np.asarray(image)


LINE = drawn((600, 200), lambda d: d.line([50, 50, 550, 150], 0, 5))
PLAIN = Ink.from_strokes([np.column_stack([np.arange(100), 0.2 * np.arange(100)]).astype(np.float32)])


@pytest.mark.parametrize(
    "scan",
    [
        drawn((300, 200), lambda d: d.rectangle([50, 50, 250, 150], 0)),
        LINE,
        drawn((300, 300), lambda d: d.ellipse([20, 20, 280, 280], outline=0, width=6)),
        np.where(np.random.default_rng(0).random((150, 300)) < 0.1, 0, 255).astype(np.uint8),
    ],
    ids=["blot", "line", "circle", "speckle"],
)
def test_scans_that_are_no_writing_fit_nothing(scan, pair):
    assert align(scan, pair.ink).verdict != "fits"


def test_a_plain_line_fits_too_many_places():
    found = align(LINE, PLAIN)
    assert found.verdict == "in doubt"
    assert "so plain" in found.reasons[0]


def test_nothing_to_lay_or_nothing_to_lay_it_on(pair):
    with pytest.raises(KalamosError, match="no ink on the scan"):
        align(np.full((50, 50), 255, np.uint8), pair.ink)
    for empty in (Ink.empty(), Ink.from_strokes([np.zeros((3, 2), np.float32)])):
        with pytest.raises(KalamosError, match="no line"):
            align(LINE, empty)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (64, 64)])
def test_a_scan_of_nothing_but_ink_fits_nothing(shape, pair):
    found = align(np.zeros(shape, np.uint8), pair.ink)
    assert np.isfinite(found.ink.xy).all()
    assert found.verdict != "fits"


def test_a_scan_of_one_pixel(pair):
    speck = np.full((50, 50), 255, np.uint8)
    speck[20, 20] = 0
    assert align(speck, pair.ink).verdict != "fits"


def test_poses_are_found_exactly():
    rng = np.random.default_rng(1)
    here, weight = rng.normal(size=(50, 2)), rng.uniform(0.1, 1, 50)
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    there = 2.5 * here @ turn.T + [3, -7]
    pose = similarity(here, there, weight)
    assert np.allclose(pose(here), there)
    assert (pose.scale, pose.turn_deg) == (pytest.approx(2.5), pytest.approx(np.degrees(0.3)))
    assert np.allclose(pose.times(4.0)(here), 4 * there)
    sheared = there @ np.array([[1.0, 0.1], [0.0, 0.95]])
    assert np.hypot(*(affine(here, sheared, weight)(here) - sheared).T).max() < 0.02


def test_a_bend_follows_what_is_smooth_and_not_what_is_not():
    x, y = np.meshgrid(np.arange(0, 200, 4.0), np.arange(0, 64, 4.0))
    start = np.column_stack([x.ravel(), y.ravel()])
    normal = np.repeat([[0.0, 1.0]], len(start), axis=0)
    here, weight = np.arange(len(start)), np.ones(len(start))
    smooth = np.column_stack([np.zeros(len(start)), 3 * np.sin(start[:, 0] / 60)])
    bend = fit_bend(start, here, smooth, normal, weight, 0.01)
    assert np.abs(bend(start) - smooth).max() < 0.3
    jagged = np.column_stack([np.zeros(len(start)), np.random.default_rng(0).normal(0, 3, len(start))])
    assert np.abs(fit_bend(start, here, jagged, normal, weight, 10.0)(start)).max() < 1.0
    assert np.isfinite(bend(start + 1e4)).all()


def test_the_picture_of_both_shows_what_agrees(pair, grey, tmp_path):
    for name, ink in (("own", pair.ink), ("other", made_pair(2, SEED).ink)):
        (tmp_path / f"{name}.png").write_bytes(picture_of_both(grey, align(grey, ink)))
    counts = {}
    for name in ("own", "other"):
        pixels = np.asarray(Image.open(tmp_path / f"{name}.png"))
        counts[name] = [(pixels == np.array(colour, np.uint8)).all(axis=2).sum() for colour in (ON_INK, OFF_INK)]
    assert counts["own"][0] > 3 * counts["own"][1]
    assert counts["other"][1] > counts["own"][1]
