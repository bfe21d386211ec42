"""A recording on its scan: made pairs of known truth, wrong pairs, and what a user may hand in instead."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from kalamos.align import align
from kalamos.align.bend import SPACING, fit_bend
from kalamos.align.curves import scanned_ink
from kalamos.align.made import made_pair, second_time
from kalamos.cli import main
from kalamos.errors import KalamosError
from kalamos.formats import read_files
from kalamos.formats.export import WRITERS
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample
from kalamos.scans.load import prepare

PAIRS = range(4)


@pytest.fixture(scope="module")
def pairs():
    return [made_pair(number, seed=5) for number in PAIRS]


def grey_of(pair):
    return prepare(pair.image.pixels).grey


def test_a_recording_comes_to_lie_where_its_pen_was(pairs):
    verdicts = []
    for pair in pairs:
        found = align(grey_of(pair), pair.ink)
        gap = np.hypot(*(found.ink.xy - pair.truth).T).mean() * 64 / pair.height_px
        assert gap < 0.8 or found.verdict != "fits"  # what lies wrong in a part is not said to fit
        assert found.explained > 0.9
        verdicts.append(found.verdict)
        np.testing.assert_array_equal(found.ink.t, pair.ink.t)
        np.testing.assert_array_equal(found.ink.offsets, pair.ink.offsets)
    assert verdicts.count("fits") >= 3
    assert "does not fit" not in verdicts


def test_what_is_lost_on_paper_shows_in_the_share_on_ink(pairs):
    shares = [align(grey_of(pair), pair.ink).on_ink for pair in pairs]
    assert 0.8 < min(shares) <= max(shares) < 0.99  # a tenth of each line left no trace


def test_another_recording_does_not_fit(pairs):
    for k, pair in enumerate(pairs):
        assert align(grey_of(pair), pairs[k - 1].ink).verdict == "does not fit"
    assert np.mean([align(grey_of(pair), second_time(k, 5)).verdict == "fits" for k, pair in enumerate(pairs)]) < 0.5


def test_the_unit_of_the_recording_does_not_matter(pairs):
    pair = pairs[0]
    a = align(grey_of(pair), pair.ink)
    larger = pair.ink.with_points(1000 * pair.ink.xy + 77, pair.ink.offsets, pair.ink.channels())
    b = align(grey_of(pair), larger)
    assert np.abs(a.ink.xy - b.ink.xy).max() < 0.5
    assert a.scale == pytest.approx(1000 * b.scale, rel=1e-3)


def test_a_scan_on_its_head_is_found_where_any_turn_is_asked_for(pairs):
    pair = pairs[2]
    turned = np.ascontiguousarray(grey_of(pair)[::-1, ::-1])
    assert align(turned, pair.ink).verdict == "does not fit"
    found = align(turned, pair.ink, any_turn=True)
    height, width = turned.shape
    gap = np.hypot(*(found.ink.xy - (np.array([width, height]) - pair.truth)).T).mean() * 64 / pair.height_px
    assert gap < 1.0
    assert abs(abs(found.turn_deg) - 180) < 15


@pytest.mark.parametrize("ink", [Ink.empty(), Ink.from_strokes([[(1, 1)]]), Ink.from_strokes([[(1, 1), (1, 1)]])])
def test_a_recording_without_a_line_is_refused(ink):
    with pytest.raises(KalamosError, match="no line"):
        align(np.zeros((9, 9), np.uint8), ink)


def test_a_scan_without_ink_is_refused(pairs):
    with pytest.raises(KalamosError, match="no ink"):
        align(np.full((40, 40), 255, np.uint8), pairs[0].ink)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (64, 64)])
def test_a_scan_of_nothing_but_ink_gets_an_answer(shape, pairs):
    found = align(np.zeros(shape, np.uint8), pairs[0].ink)
    assert np.isfinite(found.ink.xy).all()


def test_a_dot_on_the_scan_counts(pairs):
    grey = np.full((90, 90), 255, np.uint8)
    grey[20:80, 60:64] = 0
    grey[10:14, 10:14] = 0
    scanned = scanned_ink(grey)
    places = scanned.curves.xy * scanned.px + scanned.origin
    assert np.hypot(*(places - 12.0).T).min() < 1.0


def test_a_stiff_bend_turns_and_a_soft_one_bends():
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 6 * SPACING, (400, 2))
    here, angle = np.arange(400), rng.uniform(0, np.pi, 400)
    normal = np.column_stack([np.cos(angle), np.sin(angle)])
    straight = start @ np.array([[0.01, 0.02], [-0.02, 0.01]]) + 1.0
    wave = np.column_stack([np.sin(start[:, 1] / SPACING), np.zeros(400)])
    for wanted, stiffness, least in ((straight, 1e4, 0.05), (wave, 1e-4, 0.1)):
        bend = fit_bend(start, here, wanted, normal, np.ones(400), stiffness)
        assert np.abs((bend(start) - wanted) * normal).sum(axis=1).mean() < least
    stiff = fit_bend(start, here, wave, normal, np.ones(400), 1e4)
    assert np.abs(((stiff(start) - wave) * normal).sum(axis=1)).mean() > 0.2


def write_pair(folder, name, pair):
    folder.mkdir(exist_ok=True)
    Image.fromarray(pair.image.pixels).save(folder / f"{name}.png")
    WRITERS["inkml"]([Sample(name, pair.ink, units="mm", time_source="recorded")], folder / f"{name}.inkml")


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_two_files_give_inkml_in_the_pixels_of_the_scan(tmp_path, pairs):
    write_pair(tmp_path, "a", pairs[0])
    said = json.loads(run("align", tmp_path / "a.png", tmp_path / "a.inkml", "--json", "--picture"))
    assert said[0]["verdict"] in ("fits", "in doubt")
    [(_, sample)] = read_files(tmp_path / "a.aligned.inkml", UnitReport())
    assert np.hypot(*(sample.ink.xy - pairs[0].truth).T).mean() * 64 / pairs[0].height_px < 0.8
    assert np.allclose(np.diff(sample.ink.t), np.diff(pairs[0].ink.t), atol=1e-3)
    assert Image.open(tmp_path / "a.aligned.png").size == (pairs[0].image.width_px, pairs[0].image.height_px)
    run("align", tmp_path / "a.png", tmp_path / "a.inkml", code=1)  # what is there is not written over
    run("align", tmp_path / "a.png", tmp_path / "a.inkml", "--overwrite")


def test_folders_are_paired_by_name_and_a_wrong_pair_leaves_a_picture_alone(tmp_path, pairs):
    scans, inks = tmp_path / "scans", tmp_path / "inks"
    for name, pair, recorded in (("a", pairs[0], pairs[0]), ("b", pairs[1], pairs[2]), ("lone", pairs[3], pairs[3])):
        write_pair(scans, name, pair)
        (scans / f"{name}.inkml").unlink()
        if name != "lone":
            write_pair(inks, name, recorded)
    (scans / "broken.png").write_bytes(b"no picture")
    (inks / "broken.inkml").write_text("<ink/>")
    said = run("align", scans, inks, "--out", tmp_path / "out")
    assert "b.png: does not fit" in said
    assert "1 of 3 pairs usable" in said
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert "a.aligned.inkml" in made
    assert "b.aligned.png" in made
    assert "b.aligned.inkml" not in made
    assert "lone" not in " ".join(made)


def test_what_cannot_be_paired_is_said(tmp_path, pairs):
    write_pair(tmp_path / "x", "a", pairs[0])
    (tmp_path / "empty").mkdir()
    assert "folder" in run("align", tmp_path / "x", tmp_path / "x" / "a.inkml", code=1)
    assert "no picture" in run("align", tmp_path / "x", tmp_path / "empty", code=1)
    (tmp_path / "x" / "a.hwr").write_text("1 2 3\n")
    assert "called like" in run("align", tmp_path / "x", tmp_path / "x", code=1)
