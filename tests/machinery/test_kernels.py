"""Kernels: interpreted and compiled they give the same bytes, and small work needs no compiler."""

import dataclasses
import os
import subprocess
import sys
from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numba.core import event

from kalamos.benchmark.statistics.estimates import _counted
from kalamos.errors import InkError
from kalamos.formats.inkml.tracetext import scan_traces
from kalamos.formats.mending import mend_flat
from kalamos.formats.unipen_scan import scan
from kalamos.geometry import turning_points
from kalamos.ink import Ink
from kalamos.machinery import compiling, kernels
from kalamos.machinery.kernels import UNCACHED_S, Kernel, kernel
from kalamos.metrics import Pair, Reference, score
from kalamos.metrics.picture import drawn
from kalamos.metrics.stroke_matching import copies
from kalamos.models.kalamos.pieces import cut_pieces
from kalamos.renderers import PRESETS, Style, render_batch
from kalamos.skeleton.binarise import binarise, otsu_threshold
from kalamos.skeleton.from_image import graph_of_mask, skeleton
from kalamos.skeleton.pixel_graph import pixel_graph
from kalamos.skeleton.thinning import thin


@pytest.fixture
def both(monkeypatch):
    """Return a function that runs another one twice: all kernels interpreted, then all compiled."""

    def run(function):
        found = []
        for choose in (lambda k, us: k.interpreted, lambda k, us: k.compiled):
            with monkeypatch.context() as patch:
                patch.setattr(Kernel, "for_work", choose)
                found.append(function())
        return found

    return run


def written(seed, strokes, points):
    rng = np.random.default_rng(seed)
    xy = [np.cumsum(np.cumsum(rng.normal(size=(points, 2)), 0), 0) + rng.uniform(-99, 99, 2) for _ in range(strokes)]
    t = np.cumsum(rng.uniform(0, 0.03, points * strokes)).reshape(strokes, points)
    return Ink.from_strokes(xy, t=list(t), pressure=list(rng.uniform(0, 1, (strokes, points))))


STYLES = {
    **PRESETS,
    "fast": Style(tier="fast"),
    "thin and fast": Style(tier="fast", width_px=0.4),
    "broad, strokes over strokes": Style(nib_shape="broad", opacity=0.6, width_law="pressure", taper_end_px=9.0),
    "dirt": Style(
        width_law="direction", bleed_px=1.2, thickness_px=-0.7, ruling="dots", ruling_angle_deg=3.0, light=0.3,
        stains=0.4, show_through=0.2, shadow=0.3, perspective=0.1, salt=0.01, pepper=0.02, binarise="sauvola",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STYLES)
def test_pictures_are_the_same_to_the_byte(name, both):
    inks = [written(1, 3, 30), Ink.from_strokes([[[5, 5]]]), written(2, 1, 2), Ink(written(3, 2, 9).xy, [0, 9, 18])]
    sizes = [STYLES[name], STYLES[name].replace(frame="height", image_height_px=48)]
    plain, fast = both(lambda: [drawn for style in sizes for drawn in render_batch(inks, style, keys=list("abcd"))])
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_array_equal(one.image.pixels, other.image.pixels)
        assert one.truth == other.truth


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text("0123456789.,eE+-*?'\"! TF#ab\n", max_size=40), max_size=4))
def test_trace_text_is_read_alike(texts):
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for choose in (lambda k, us: k.interpreted, lambda k, us: k.compiled):
            patch.setattr(Kernel, "for_work", choose)
            found.append(scan_traces(texts, 2, np.array([np.nan, 0.0, 7.0])))
    plain, fast = found
    np.testing.assert_array_equal(plain.values, fast.values)
    np.testing.assert_array_equal(plain.offsets, fast.offsets)
    assert plain[2:] == fast[2:]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([".PEN_DOWN", ".PEN_UP", ".COMMENT", "\n", "-12 7", "1.5e-3", "3e999", "x1"]), max_size=9)
)
def test_unipen_text_is_read_alike(words):
    data = " ".join(words).replace(" .", "\n.").encode()
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for choose in (lambda k, us: k.interpreted, lambda k, us: k.compiled):
            patch.setattr(Kernel, "for_work", choose)
            found.append(scan(data))
    for name in ("values", "starts", "down", "places", "junk", "statements"):
        np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(0, 12), st.just(4)), elements=st.sampled_from([0, 1, 2, 3, np.nan])),
    st.data(),
)
def test_inks_are_mended_alike(rows, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    offsets = [0, *cuts, len(rows)]
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for choose in (lambda k, us: k.interpreted, lambda k, us: k.compiled):
            patch.setattr(Kernel, "for_work", choose)
            counts = Counter()
            found.append((mend_flat(rows[:, :2], offsets, rows[:, 2], rows[:, 3], counts=counts), counts))
    assert found[0] == found[1]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_lines_turn_alike(dimensions, both):
    rng = np.random.default_rng(4)
    for n in (1, 2, 3, 60, 3000):
        line = np.cumsum(rng.normal(size=(n, dimensions)), axis=0)
        for points in (line, np.round(line), 0 * line):
            plain, fast = both(lambda points=points: turning_points(points, 0.7))
            np.testing.assert_array_equal(plain, fast)


def test_thresholds_are_alike(both):
    rng = np.random.default_rng(2)
    for high in (2, 40, 256):
        grey = rng.integers(0, high, (50, 70), np.uint8)
        for method in ("otsu", "sauvola"):
            plain, fast = both(lambda grey=grey, method=method: binarise(grey, method))
            np.testing.assert_array_equal(plain, fast)
        assert len(set(both(lambda grey=grey: otsu_threshold(grey)))) == 1


def test_a_bad_ink_is_refused_alike(both):
    def refuse():
        with pytest.raises(InkError) as caught:
            Ink(np.zeros((3, 2)), np.array([0, 3]), t=np.array([0.0, 2.0, 1.0]))
        return str(caught.value)

    plain, fast = both(refuse)
    assert plain == fast


def test_a_kernel_is_compiled_when_it_has_worked_for_long(monkeypatch):
    monkeypatch.setattr(kernels, "_spared_us", kernels.SPARED_S * 1e6)

    @kernel
    def double(x):
        return 2 * x

    monkeypatch.setattr(double, "_price_us", UNCACHED_S * 1e6)
    assert double.for_work(UNCACHED_S * 1e6 * 0.6)(3) == 6
    assert double._compiled is None
    assert double.for_work(UNCACHED_S * 1e6 * 0.6)(3) == 6
    assert double._compiled is not None


def test_what_is_kept_is_loaded_early_and_what_is_not_is_compiled_late(tmp_path):
    """Foreseen work loads numba at the next call, and with it what numba has kept."""
    (tmp_path / "doubling.py").write_text(
        "from kalamos.machinery.kernels import kernel\n@kernel\ndef double(x):\n    return 2 * x\n"
    )
    code = (
        "import sys; sys.path.insert(0, '.'); from doubling import double\n"
        "from kalamos.machinery.kernels import foresee\n"
        "for k in range(2):\n"
        "    assert double.for_work(0.1e6)(k) == 2 * k\n"
        "    print(int('numba' in sys.modules), int(double._compiled is not None))\n"
        "    foresee(0.7e6)\n"
        "double.compiled(3)"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def steps():
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, check=True, timeout=120, cwd=tmp_path, env=environment, capture_output=True, text=True
        ).stdout.splitlines()

    assert steps() == ["0 0", "1 0"]
    assert steps() == ["0 0", "1 1"]


def fields_of(graph):
    """Return all arrays of a stroke graph."""
    return [np.asarray(getattr(graph, field.name)) for field in dataclasses.fields(graph)]


@pytest.mark.parametrize("damage", ["a class renamed", "an index cut short", "code cut short", "no code", "noise"])
def test_what_is_kept_and_cannot_be_read_is_compiled_anew(tmp_path, damage):
    """As after an update: numba's index names the class of an argument, which is called otherwise now."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(name):
        (tmp_path / "halving.py").write_text(
            "from typing import NamedTuple\nfrom kalamos.machinery.kernels import kernel\n"
            f"class {name}(NamedTuple):\n    x: float\n"
            "@kernel\ndef halve(pair):\n    return pair.x / 2\n"
        )
        code = f"import sys; sys.path.insert(0, '.'); import halving; assert halving.halve(halving.{name}(3.0)) == 1.5"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=tmp_path, env=environment)

    run("One")
    kept = [*(tmp_path / "cache").rglob("*.nbi")]
    assert kept
    code = [*(tmp_path / "cache").rglob("*.nbc")]
    if damage == "an index cut short":
        for index in kept:
            index.write_bytes(index.read_bytes()[:-9])
    elif damage != "a class renamed":
        whole = code[0].read_bytes()
        spoilt = {"code cut short": whole[:1000], "no code": b"", "noise": whole[::-1]}[damage]
        code[0].write_bytes(spoilt)
    run("Two" if damage == "a class renamed" else "One")
    if damage in {"code cut short", "no code", "noise"}:
        assert code[0].read_bytes() != spoilt  # and is kept again


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 40)), elements=st.sampled_from([0, 255])))
def test_skeletons_and_pieces_are_alike(pixels):
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for choose in (lambda k, us: k.interpreted, lambda k, us: k.compiled):
            patch.setattr(Kernel, "for_work", choose)
            found.append([*cut_pieces(pixels), *pixel_graph(thin(pixels == 0)), *fields_of(graph_of_mask(pixels == 0))])
    for plain, fast in zip(*found, strict=True):
        assert (plain.dtype, plain.shape, plain.tobytes()) == (fast.dtype, fast.shape, fast.tobytes())


@pytest.mark.parametrize("rows", [1, 8])
def test_a_large_skeleton_is_alike(rows, both):
    """More than 255 pixels in every list, where a small number that is no Python number would overflow."""
    ink = [[(x, 9 * row + 4 * (x % 2)) for x in range(0, 90, 3)] for row in range(rows)]
    pixels = render_batch([Ink.from_strokes(ink)], Style(frame="height", image_height_px=160))[0].image.pixels
    plain, fast = both(lambda: [*cut_pieces(pixels), *fields_of(skeleton(pixels))])
    assert [array.tobytes() for array in plain] == [array.tobytes() for array in fast]
    assert len(plain[2]) > 30


def loops(seed, strokes, points):
    """Return an ink whose strokes meet themselves and each other, with dots and copies, partly out of the picture."""
    rng = np.random.default_rng(seed)
    at = np.linspace(0, 9, points)[:, None]
    xy = [
        40 + 30 * rng.uniform(0.2, 1.5, 2) * np.sin(at * rng.uniform(0.2, 1.5, 2) + rng.uniform(0, 6, 2))
        for _ in range(strokes)
    ]
    return Ink.from_strokes(
        [*xy, xy[0] + 0.2, xy[-1][::-1], [[12.0, 3.0]], [[12.0, 3.0]], [[900.0, -40.0], [-20.0, 33.0]]]
    )


@pytest.mark.parametrize("seed", range(4))
def test_metrics_are_alike(seed, both):
    truth, answer = loops(seed, 3, 60), loops(seed + 50, 2, 25)
    image = render_batch([truth], Style(frame="height"))[0].image

    def values():
        pair = Pair(answer, Reference(truth, image))
        found = copies(pair.recovered_dense, 1.0).tolist()
        return [*score(pair).values(), found, len(pair.reference.junctions), drawn(answer, 64, 90).tobytes()]

    plain, fast = both(values)
    assert repr(plain) == repr(fast)
    assert plain[-2] > 3
    assert len(plain[-3]) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(*[st.floats(-50, 50, width=32)] * 2), min_size=1, max_size=9), min_size=1, max_size=4)
)
def test_lines_are_drawn_alike_wherever_they_lie(strokes):
    ink = Ink.from_strokes(strokes)
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for choose in (lambda k, us: k.interpreted, lambda k, us: k.compiled):
            patch.setattr(Kernel, "for_work", choose)
            found.append(drawn(ink, 17, 23).tobytes())
    assert found[0] == found[1]


def test_resamples_are_counted_alike(both):
    rows = np.random.default_rng(1).integers(0, 7, (50, 7), dtype=np.uint32)
    plain, fast = both(lambda: _counted.for_work(1.0)(rows))
    assert (plain.dtype, plain.tolist()) == (fast.dtype, fast.tolist())


def test_threads_that_come_first_together_draw_what_one_does():
    code = (
        "from kalamos.machinery import kernels; kernels.compile_at_once()\n"
        "from kalamos.ink import Ink; from kalamos.renderers import Style, render_batch\n"
        "inks = [Ink.from_strokes([[[0, 0], [k, 9], [9, k]]]) for k in range(64)]\n"
        "one, two = (render_batch(inks, Style(), threads=n) for n in (4, 1))\n"
        "assert all((a.image.pixels == b.image.pixels).all() for a, b in zip(one, two))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_one_small_file_is_drawn_without_a_compiler(tmp_path):
    """So that it takes a second, whether the cache of kernels is warm or cold."""
    file = tmp_path / "word.inkml"
    traces = "".join(
        f"<trace>{', '.join(f'{x:.1f} {y:.1f}' for x, y in stroke.tolist())}</trace>"
        for stroke in written(0, 4, 60).strokes()
    )
    file.write_text(f'<ink xmlns="http://www.w3.org/2003/InkML">{traces}</ink>')
    code = (
        "import sys; from kalamos.cli import main\n"
        "main(['render', *sys.argv[1:]], standalone_mode=False); assert 'numba' not in sys.modules"
    )
    for style in ("clean", "photo"):
        command = [sys.executable, "-c", code, str(file), str(tmp_path / style), "--style", style]
        subprocess.run(command, check=True, timeout=120)
        assert len(list((tmp_path / style).glob("*.png"))) == 1


def test_warming_up_compiles_every_kernel_of_reading_and_drawing():
    code = (
        "from pathlib import Path; from kalamos.commands import warm_up as w\n"
        "from kalamos.machinery import kernels; kernels.compile_at_once()\n"
        "ROOMS = ('kalamos.formats', 'kalamos.renderers', 'kalamos.ink')\n"
        "from kalamos.formats.report import UnitReport; u = w.CORPUS.units(Path(), scripts='Latn', writers='1')\n"
        "s = [x for unit in u for x in w.CORPUS.read(Path(), unit, UnitReport())][:3]\n"
        "w.warm_formats(s); w.warm_renderer([x.ink for x in s])\n"
        "print(*[k.__name__ for k in kernels._made if k._compiled is None and k.__module__.startswith(ROOMS)])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=300, capture_output=True, text=True)
    assert not done.stdout.split()


def test_what_cannot_be_kept_is_compiled_all_the_same(monkeypatch):
    """In a read-only installation without a home numba knows no folder for compiled code: every command ended there."""

    def nowhere(self):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("numba.core.dispatcher.Dispatcher.enable_caching", nowhere)
    monkeypatch.setattr(compiling, "_kept", True)
    doubled = kernel(lambda x: 2 * x)
    assert doubled.for_work(1.0)(21) == 42
    assert doubled(21) == 42
    assert not compiling._kept


def test_who_compiles_in_every_run_is_told_how_not_to(caplog, monkeypatch):
    monkeypatch.setattr(compiling, "PATIENCE_S", -1.0)
    for kept, told in ((True, compiling.SAID), (False, compiling.NOT_KEPT)):
        monkeypatch.setattr(compiling, "_kept", kept)
        listener = compiling._listener(event)
        listener.on_start(None)
        listener.on_end(None)
        assert caplog.messages[-1] == told
