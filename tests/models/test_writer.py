"""A hand's habits: paths that go with those of the other images gain, and without evidence nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.models.kalamos import habit
from kalamos.models.kalamos.habit import agreement, marks_of, read_habit, reranked
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.models.kalamos.writer import KalamosWriter
from kalamos.recoverer import GroupRecoverer, load_recoverer, recover_groups
from kalamos.renderers import Style, render

EVEN = np.log([0.5, 0.5])
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def writer() -> KalamosWriter:
    return KalamosWriter()


def bar(wobble: float = 0.0) -> Ink:
    """Return a bar from left to right, with a hook, so that its two ends are not alike."""
    return Ink.from_strokes([[(8.0, 30 + wobble), (30, 30 + wobble), (50, 31), (54, 36)]])


def cross(*, bar_first: bool) -> Ink:
    strokes = [[(10.0, 32.0), (54.0, 32.0)], [(32.0, 8.0), (32.0, 56.0)]]
    return Ink.from_strokes(strokes if bar_first else strokes[::-1])


def both_ways(ink: Ink, wobble: float = 0.0) -> list[habit.Marks]:
    moved = geometry.transform(ink, dx=wobble)
    return [marks_of(moved), marks_of(geometry.reverse(moved, each_stroke=True))]


def test_a_stroke_is_drawn_in_the_direction_of_strokes_alike_it_where_these_are_sure():
    sure = np.log([0.98, 0.02])
    images = [both_ways(bar()), *[both_ways(bar(k)) for k in range(4)]]
    for log_p, better in ((sure, 0), (sure[::-1], 1)):
        found = agreement(images, [EVEN, *[log_p] * 4])[0]
        assert found[better, 0] > 0 > found[1 - better, 0]
        assert int(np.argmax(reranked(EVEN, found, read_habit({})))) == better


def test_strokes_that_cross_are_drawn_in_the_order_in_which_the_hand_draws_them_elsewhere():
    paths = [marks_of(cross(bar_first=True)), marks_of(cross(bar_first=False))]
    for log_p, better in ((np.log([0.98, 0.02]), 0), (np.log([0.02, 0.98]), 1)):
        found = agreement([paths] * 5, [EVEN, *[log_p] * 4])[0]
        assert np.allclose(found[:, :2], found[0, :2])  # the same strokes: their order alone differs
        assert found[better, 2] > found[1 - better, 2]
        assert int(np.argmax(reranked(EVEN, found, read_habit({})))) == better


def test_a_hand_that_hesitates_everywhere_says_nothing():
    found = agreement([both_ways(bar(k)) for k in range(5)], [EVEN] * 5)
    assert all(np.allclose(one[:, 1:], 0) for one in found)
    turned = np.array([one[0] - one[1] for one in found])
    assert np.abs(turned).max() < 0.05


def test_an_image_is_no_evidence_for_itself():
    [alone] = agreement([both_ways(bar())], [np.log([0.9, 0.1])])
    assert not alone.any()
    [first, second] = agreement([both_ways(bar()), [marks_of(Ink.empty())]], [EVEN, np.zeros(1)])
    assert not first.any()
    assert not second.any()
    assert agreement([], []) == []


def test_more_marks_than_are_counted_are_thinned_out_by_images_and_say_the_same(monkeypatch: pytest.MonkeyPatch):
    images = [both_ways(bar(k % 3)) for k in range(40)]
    log_p = [EVEN, *[np.log([0.98, 0.02])] * 39]
    whole = agreement(images, log_p)[0]
    monkeypatch.setattr(habit, "MOST_MARKS", 20)
    monkeypatch.setattr(habit, "ROWS", 7)
    thinned = agreement(images, log_p)[0]
    assert thinned[0, 0] > 0 > thinned[1, 0]
    assert thinned[0, 0] <= whole[0, 0]


def test_the_order_of_the_images_does_not_matter_where_evidence_is_thinned_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(habit, "MOST_MARKS", 20)
    images = [both_ways(bar(0.1 * k)) for k in range(40)]
    log_p = [np.log([0.5 + 0.012 * k, 0.5 - 0.012 * k]) for k in range(40)]
    order = RNG.permutation(40)
    found = agreement(images, log_p)
    shuffled = agreement([images[k] for k in order], [log_p[k] for k in order])
    assert all(np.allclose(found[k], shuffled[n], atol=1e-9) for n, k in enumerate(order))


def test_probabilities_of_a_list_add_up_to_what_they_did():
    log_p = np.log([0.4, 0.3, 0.1])
    found = reranked(log_p, RNG.normal(size=(3, 3)), np.array([1.0, 2.0, 0.5]))
    assert np.exp(found).sum() == pytest.approx(0.8)
    assert np.allclose(reranked(log_p, np.zeros((3, 3)), np.ones(3)), log_p)


@pytest.mark.parametrize("habit", [[1.0], "much", [1.0, 2.0, float("nan")], [[1.0, 2.0, 3.0]]])
def test_weights_that_are_none_are_refused(habit: object):
    with pytest.raises((ValueError, TypeError)):
        read_habit({"habit": habit})


def seven() -> OfflineImage:
    return render(Ink.from_strokes([[(0, 0), (6, 0), (2, 10)]]), Style()).image


def test_it_is_found_by_its_name_and_answers_groups():
    made = load_recoverer("kalamos+writer")
    assert isinstance(made, GroupRecoverer)
    assert made.name == "kalamos+writer"
    blank = OfflineImage(np.full((64, 64), 255, np.uint8))
    images = [seven(), blank, render(cross(bar_first=True), Style()).image]
    first, none, alone = recover_groups(made, [images, [], [blank]], 3)
    assert [piece.ink.n_strokes for piece in first.pieces] == [1, 0, 2]
    assert not none.pieces
    assert alone.pieces[0].ink == Ink.empty()
    assert first.method == "kalamos+writer"
    for piece in first.pieces:
        said = [piece.log_probability or 0.0, *(other.log_probability for other in piece.alternatives)]
        assert said == sorted(said, reverse=True)
        assert len(piece.alternatives) <= 2
        assert piece.confidence is None or 0.0 <= piece.confidence <= 1.0


def test_alone_an_image_is_answered_as_by_kalamos(writer: KalamosWriter):
    images = [seven(), render(cross(bar_first=False), Style()).image]
    plain = Kalamos()
    assert writer.recover(images) == plain.recover(images)
    for image in images:
        [one], [other] = writer.recover_many([[image]], 1), plain.recover_many([[image]], 8)
        assert one.pieces[0].ink == other.pieces[0].ink
        assert one.pieces[0].log_probability == pytest.approx(other.pieces[0].log_probability)
    assert writer.recover([]) == []
    assert writer.recover_many([], 1) == []


def test_the_same_group_gives_the_same_answer_and_other_groups_do_not_matter(writer: KalamosWriter):
    images = [seven(), render(cross(bar_first=True), Style()).image, render(bar(), Style()).image]
    [one] = writer.recover_many([images], 2)
    again, other = writer.recover_many([images, images[:1]], 2)
    assert [piece.ink.n_strokes for piece in one.pieces] == [piece.ink.n_strokes for piece in again.pieces]
    for a, b in zip(one.pieces, again.pieces, strict=True):
        assert np.allclose(a.ink.xy, b.ink.xy, atol=0.01)
        assert a.log_probability == pytest.approx(b.log_probability, abs=1e-3)
    assert len(other.pieces) == 1


def test_a_path_of_several_blocks_keeps_the_likeliest_of_each_first(writer: KalamosWriter):
    letters = [geometry.transform(geometry.resample(cross(bar_first=True), step=4), dx=60.0 * k) for k in range(12)]
    image = render(geometry.concat(letters), Style(frame="height")).image
    [scene] = writer.scenes([image], 4)
    assert len(scene.found) > 1
    turned = scene.weighed([some[::-1].copy() for some in scene.worth])
    for before, after in zip(scene.found, turned.found, strict=True):
        assert after[0] is before[-1]
    assert all((np.diff(some) <= 0).all() for some in turned.worth)
    [found] = writer.recover_many([[image]], 3)
    assert found.pieces[0].covered > 0.9
