"""From image to stroke graph: nothing is lost, shapes come out as what they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt, gaussian_filter, label
from shapes import EIGHT, EN, TEE, THETA, circle, drawn

from kalamos.errors import KalamosError
from kalamos.skeleton.binarise import binarise, otsu_threshold, without_shadows
from kalamos.skeleton.from_image import graph_of_mask, skeleton
from kalamos.skeleton.pixel_graph import pixel_graph
from kalamos.skeleton.thinning import ink_radii, thin

EIGHT_CONNECTED = np.ones((3, 3))


def components(mask):
    return label(mask, EIGHT_CONNECTED)[1]


def holes(mask):
    return label(~np.pad(mask, 1))[1]


@st.composite
def masks(draw):
    """Noise of any density, and blobs and worms of any thickness."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    smooth = draw(st.sampled_from([0.0, 0.7, 1.5, 3.0]))
    noise = rng.normal(size=(height, width))
    field = gaussian_filter(noise, smooth) if smooth else noise
    return field > np.quantile(field, draw(st.floats(0.02, 0.98)))


@settings(max_examples=80, deadline=None)
@given(masks())
def test_thinning_keeps_topology_and_is_minimal(mask):
    lines = thin(mask)
    assert not (lines & ~mask).any()
    assert components(lines) == components(mask)
    assert holes(lines) == holes(mask)
    assert (thin(lines) == lines).all()


@settings(max_examples=80, deadline=None)
@given(masks())
def test_every_skeleton_pixel_has_exactly_one_owner(mask):
    lines = thin(mask)
    graph = pixel_graph(lines)
    pixels = np.concatenate([graph.node_pixels, graph.edge_pixels])
    assert np.array_equal(np.sort(pixels), np.flatnonzero(np.pad(lines, 1)))
    simple = graph_of_mask(mask)
    assert np.array_equal(simple.owner >= 0, lines)
    assert simple.owner.max(initial=-1) < simple.n_nodes + simple.n_edges


@settings(max_examples=80, deadline=None)
@given(masks())
def test_simplifying_changes_neither_components_nor_loops(mask):
    graph = graph_of_mask(mask)
    assert len(np.unique(graph.node_component)) == components(mask)
    loops = graph.n_edges - graph.n_nodes + components(mask)
    raw = pixel_graph(thin(mask))
    inside_nodes = 0
    for a, b in zip(raw.node_offsets[:-1], raw.node_offsets[1:], strict=True):
        node = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), bool)
        node.reshape(-1)[raw.node_pixels[a:b]] = True
        inside_nodes += holes(node) - 1
    assert loops == holes(mask) - 1 - inside_nodes
    assert np.isfinite(graph.points).all()
    assert (np.diff(graph.edge_offsets) >= 2).all()
    for end in range(2 * graph.n_edges):
        assert np.allclose(graph.edge(end)[0], graph.node_xy[graph.node_of(end)])


@settings(max_examples=50, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_radii_are_exact_distances(mask):
    padded = np.pad(mask, 1)
    at = np.flatnonzero(padded).astype(np.int32)
    got = ink_radii(padded.astype(np.uint8).reshape(-1), padded.shape[1], at)
    assert np.allclose(got, distance_transform_edt(padded).reshape(-1)[at] - 0.5)


@pytest.mark.parametrize("size", [(2, 2), (1, 1), (3, 3), (2, 9)])
def test_small_blobs_do_not_vanish(size):
    mask = np.zeros((12, 12), bool)
    mask[4 : 4 + size[0], 2 : 2 + size[1]] = True
    assert components(thin(mask)) == 1


def test_eight_is_one_crossing_with_two_loops():
    graph = skeleton(drawn([EIGHT]))
    assert graph.n_edges == 2
    assert graph.degree.tolist() == [4]
    assert (graph.edge_nodes[:, 0] == graph.edge_nodes[:, 1]).all()


def test_theta_keeps_its_three_parallel_edges():
    graph = skeleton(drawn(THETA))
    assert sorted(graph.degree.tolist()) == [3, 3]
    assert graph.n_edges == 3
    assert len({tuple(sorted(pair)) for pair in graph.edge_nodes.tolist()}) == 1
    assert np.allclose(sorted(graph.edge_length), [40, 20 * np.pi, 20 * np.pi], rtol=0.06)


@pytest.mark.parametrize("degrees", [25, 35, 60, 90])
@pytest.mark.parametrize("radius", [1.0, 1.25, 2.0])
def test_a_crossing_is_one_node_at_its_true_place(degrees, radius):
    half = np.radians(degrees) / 2
    way = np.array([[np.cos(half), np.sin(half)], [np.cos(half), -np.sin(half)]])
    graph = skeleton(drawn([[(32 - 26 * w), (32 + 26 * w)] for w in way], radius=radius))
    assert sorted(graph.degree.tolist()) == [1, 1, 1, 1, 4]
    centre = graph.node_xy[int(np.argmax(graph.degree))]
    assert np.hypot(*(centre - 32)) < 1.0


def test_tee_has_a_junction_and_three_ends_without_spurs():
    graph = skeleton(drawn(TEE))
    assert sorted(graph.degree.tolist()) == [1, 1, 1, 3]
    ends = graph.node_xy[graph.degree == 1]
    for true in [(8, 12), (56, 12), (32, 56)]:
        assert np.hypot(*(ends - true).T).min() < 1.6


def test_ring_dot_and_line_are_kept_as_what_they_are():
    graph = skeleton(drawn([circle(20, 20, 10), [(50, 20)], [(10, 50), (54, 50)]]))
    assert graph.n_edges == 2
    assert sorted(graph.degree.tolist()) == [0, 1, 1, 2]
    ring = graph.edge_nodes[:, 0] == graph.edge_nodes[:, 1]
    away = np.hypot(*(graph.edge(2 * int(np.flatnonzero(ring)[0])) - 20).T)
    assert abs(away - 10).max() < 0.75
    assert np.hypot(*(graph.node_xy[graph.dots()[0]] - (50, 20))) < 0.8


@settings(max_examples=25, deadline=None)
@given(st.floats(0, np.pi), st.floats(1.0, 3.0))
@example(2.3203125, 3.0)
@example(2.453125, 2.25)
def test_paths_lie_on_the_true_line(angle, radius):
    way = 24 * np.array([np.cos(angle), np.sin(angle)])
    graph = skeleton(drawn([[32 - way, 32 + way]], radius=radius))
    normal = np.array([-way[1], way[0]]) / 24
    assert graph.n_edges == 1
    off = abs((graph.points - 32) @ normal)
    assert off.max() < 1.6
    assert np.quantile(off, 0.9) < 1.0
    assert abs(graph.edge_length[0] - 48) < 2.5 + radius
    assert abs(graph.radius - radius) < 0.75


def test_wide_ink_is_marked_as_hiding_lines():
    lines = [[(6, 8), (58, 8)], [(6, 20), (58, 20)], [(6, 56), (58, 56)]]
    mask = drawn(lines) < 128
    mask[34:44, 10:54] = True
    graph = graph_of_mask(mask)
    wide = graph.points[graph.edge_offsets[:-1], 1]
    assert graph.edge_hidden[(wide > 34) & (wide < 44)].all()
    assert not graph.edge_hidden[(wide < 30) | (wide > 50)].any()


def test_the_stem_of_an_n_ends_in_a_junction():
    assert sorted(skeleton(drawn(EN)).degree.tolist()) == [1, 1, 1, 3]


def test_binarisation_answers():
    paper, ink = np.full((9, 9), 250, np.uint8), np.full((9, 9), 3, np.uint8)
    assert not binarise(paper).any()
    assert binarise(ink).all()
    grey = drawn(TEE)
    for method in ("otsu", "fixed", "sauvola"):
        assert components(binarise(grey, method)) == 1
    with pytest.raises(KalamosError, match="otsu, fixed, sauvola"):
        binarise(grey, "best")


def test_sauvola_sees_ink_in_the_shade_and_otsu_does_not():
    light = np.linspace(1.0, 0.25, 128)
    pixels = (drawn([[(6, 32), (122, 32)]], size=(64, 128)).astype(float) * 0.8 + 51) * light
    pixels = pixels.astype(np.uint8)
    assert binarise(pixels, "sauvola").mean() < 0.1
    assert binarise(pixels, "sauvola")[32, 10:118].all()
    assert binarise(pixels, "otsu").mean() > 0.2


@settings(deadline=None)  # the first call may compile
@given(st.integers(0, 100), st.integers(150, 255))
def test_otsu_parts_two_levels(dark, light):
    pixels = np.full((8, 8), light, np.uint8)
    pixels[:2] = dark
    assert dark <= otsu_threshold(pixels) < light


def shaded(height: int, width: int, pen: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a cross of a dark pen on paper that a shadow takes a third of the light from, and where the pen was."""
    ink = np.zeros((height, width), np.bool_)
    ink[height // 2 - pen // 2 : height // 2 + pen - pen // 2, width // 8 : -width // 8] = True
    ink[height // 8 : -height // 8, width // 2 - pen // 2 : width // 2 + pen - pen // 2] = True
    light = 235 - 80 / (1 + np.exp(-(np.arange(width) - 0.7 * width) / (0.05 * width)))
    return np.where(ink, 0.3, 1.0) * light + np.zeros((height, 1)), ink


@pytest.mark.parametrize(("height", "width", "pen"), [(64, 64, 4), (64, 200, 4), (256, 256, 14), (900, 700, 30)])
def test_a_shadow_is_no_ink(height, width, pen):
    grey, ink = shaded(height, width, pen)
    pixels = grey.astype(np.uint8)
    assert (binarise(pixels) == ink).mean() > 0.999
    assert (binarise(pixels, "otsu") != ink).mean() > 0.1  # the shadow is taken for ink


def test_light_changes_nothing_where_it_is_even_or_where_the_dark_may_be_ink():
    _, ink = shaded(64, 64, 4)
    clean = np.where(ink, 20, 255).astype(np.uint8)
    assert without_shadows(clean) is clean
    blot = clean.copy()
    blot[10:40, 10:40] = 30  # wider than the window, and darker than a shadow
    assert without_shadows(blot) is blot
    assert binarise(blot)[12:38, 12:38].all()


def test_a_broad_pen_of_pale_ink_is_ink():
    pixels = np.full((64, 64), 240, np.uint8)
    pixels[8:56, 22:42] = 160
    pixels[8:28, 22:60] = 160
    assert without_shadows(pixels) is pixels
    assert binarise(pixels).sum() == (pixels == 160).sum()


def test_paper_without_ink_under_uneven_light_is_paper():
    light = (235 - np.linspace(0, 80, 64) + np.zeros((64, 1))).astype(np.uint8)
    assert not binarise(light).any()
