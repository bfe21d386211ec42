"""Rasters of variable-width ink against their peers: speed and error in one run.

    python -m pytest tests/perf/test_perf_raster.py --benchmark-only --benchmark-columns=median,ops
    python -m tests.perf.test_perf_raster      # the table of docs/renderers.md: for machines that are not quiet

The second takes short turns in rotation and reports each one's best, so that what disturbs one disturbs all. Each
benchmark draws the same characters (3 strokes of 40 points, 64 x 64) or lines (40 strokes, 1,500 points,
128 x 1024), with widths that vary along the strokes, from arrays to uint8. ``extra_info`` holds the mean error and its
99.9th percentile in grey levels against a 32 x 32 supersampled analytic reference. Peers that are not installed are
skipped (skia-python, blend2d-python, opencv-python-headless, pycairo, pillow).
"""

import itertools
import time

import numpy as np
import pytest

from kalamos.ink import Ink
from kalamos.renderers import Style, render_batch
from kalamos.renderers.raster import Paths, draw_exact, draw_fast, nib_matrix
from tests.renderers.test_raster import reference

SIZES = {"character": (64, 64, 3, 40, 48), "line": (128, 1024, 40, 37, 4)}
CHECKED = {"character": 8, "line": 1}


def make(kind):
    """Return images of strokes (x, y, half width) and their size."""
    height, width, strokes, points, images = SIZES[kind]
    rng = np.random.default_rng(5)
    return [[_stroke(rng, height, width, points, k / strokes) for k in range(strokes)] for _ in range(images)]


def _stroke(rng, height, width, points, place):
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.3, points))
    xy = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * 1.9, 0)
    middle = (width * (place + 0.01) + 8, height / 2) if width > height else (width / 2, height / 2)
    xy += np.array(middle) - xy.mean(0) + rng.uniform(-6, 6, 2)
    half = 0.7 + 0.75 * (1 + np.sin(np.linspace(0, 6, points) + rng.uniform(0, 6)))
    return np.column_stack([xy, half])


def hulls(stroke):
    """Return the four tangent points of each pair of neighbouring discs, ``(n - 1, 4, 2)``, all turning one way."""
    a, b, ar, br = stroke[:-1, :2], stroke[1:, :2], stroke[:-1, 2:], stroke[1:, 2:]
    length = np.maximum(np.hypot(*(b - a).T)[:, None], 1e-9)
    along, k = (b - a) / length, np.clip((ar - br) / length, -1, 1)
    aside = np.stack([-along[:, 1], along[:, 0]], 1) * np.sqrt(1 - k * k)
    left, right = k * along - aside, k * along + aside
    return np.stack([a + ar * left, b + br * left, b + br * right, a + ar * right], 1)


def ribbon(stroke):
    """Return the outline of a stroke, its two sides and half circles at its ends, as one polygon."""
    xy, half = stroke[:, :2], stroke[:, 2:]
    tangent = np.gradient(xy, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T)[:, None], 1e-9)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
    turn = np.linspace(0, np.pi, 9)[1:-1, None]
    head = xy[-1] + half[-1] * (np.cos(turn) * normal[-1] + np.sin(turn) * tangent[-1])
    tail = xy[0] - half[0] * (np.cos(turn) * normal[0] + np.sin(turn) * tangent[0])
    return np.concatenate([xy + half * normal, head, (xy - half * normal)[::-1], tail])


def numba_batch(tier):
    def prepare(images, height, width):
        strokes = [stroke for image in images for stroke in image]
        ends = np.concatenate([[0], np.cumsum([len(stroke) for stroke in strokes])])
        counts = np.concatenate([[0], np.cumsum([len(image) for image in images])])
        frames = np.array([(height, width, i * height * width) for i in range(len(images))])
        path = np.concatenate(strokes)
        paths = Paths(path, np.ones(len(path), np.float32), ends, counts)
        clear, nib = np.empty(len(images) * height * width, np.float32), nib_matrix("round", 0.0, 1.0)

        def draw():
            if tier == "fast":
                draw_fast(paths, frames, clear)
            else:
                draw_exact(paths, frames, nib, 1.0, clear)
            return (clear * np.float32(255) + np.float32(0.5)).astype(np.uint8).reshape(-1, height, width)

        return draw

    return prepare


def each(one):
    """Turn a function that draws one image into one that draws them all."""
    return lambda images, height, width: lambda: [one(image, height, width) for image in images]


def cairo_filled(trace):
    why = "pycairo is not installed: apt install libcairo2-dev pkg-config, then pip install pycairo"
    cairo = pytest.importorskip("cairo", reason=why)

    def one(image, height, width):
        stride = cairo.ImageSurface.format_stride_for_width(cairo.FORMAT_A8, width)
        data = np.zeros((height, stride), np.uint8)
        surface = cairo.ImageSurface.create_for_data(data, cairo.FORMAT_A8, width, height, stride)
        context = cairo.Context(surface)
        context.set_antialias(cairo.ANTIALIAS_BEST)
        trace(context, image)
        surface.flush()
        return 255 - data[:, :width]

    return each(one)


def cairo_hulls():
    def trace(context, image):
        for stroke in image:
            for corners in hulls(stroke).tolist():
                context.move_to(*corners[0])
                for corner in corners[1:]:
                    context.line_to(*corner)
                context.close_path()
            for x, y, half in stroke.tolist():
                context.new_sub_path()
                context.arc(x, y, half, 0, 2 * np.pi)
                context.close_path()
        context.fill()

    return cairo_filled(trace)


def cairo_ribbons():
    def trace(context, image):
        for stroke in image:
            for x, y in ribbon(stroke).tolist():
                context.line_to(x, y)
            context.close_path()
            context.fill()

    return cairo_filled(trace)


def skia_ribbons():
    skia = pytest.importorskip("skia")

    def one(image, height, width):
        pixels = np.zeros((height, width), np.uint8)
        info = skia.ImageInfo.Make(width, height, skia.kAlpha_8_ColorType, skia.kPremul_AlphaType)
        canvas = skia.Surface.MakeRasterDirect(info, pixels).getCanvas()
        paint = skia.Paint(AntiAlias=True)
        for stroke in image:
            path = skia.Path()
            path.addPoly([skia.Point(x, y) for x, y in ribbon(stroke).tolist()], True)
            canvas.drawPath(path, paint)
        return 255 - pixels

    return each(one)


def blend2d_ribbons():
    blend2d = pytest.importorskip("blend2d")

    def one(image, height, width):
        drawn = blend2d.BLImage(width, height, blend2d.BLFormat.A8)
        context = blend2d.BLContext(drawn)
        context.clear_all()
        context.fill_rule = blend2d.BLFillRule.NON_ZERO
        context.set_fill_style((0.0, 0.0, 0.0, 1.0))
        for stroke in image:
            points = ribbon(stroke).tolist()
            path = blend2d.BLPath()
            path.move_to(*points[0])
            for point in points[1:]:
                path.line_to(*point)
            path.close()
            context.fill_path(path)
        context.flush()
        return 255 - np.array(drawn.getDataAsNumPy()).reshape(height, width)

    return each(one)


def opencv_supersampled():
    cv2 = pytest.importorskip("cv2")

    def one(image, height, width):
        large = np.zeros((height * 8, width * 8), np.uint8)
        for stroke in image:
            points = np.round(stroke[:, :2] * 8 * 16 - 8).astype(np.int32).tolist()
            for (a, b), half in zip(itertools.pairwise(points), stroke[:-1, 2], strict=True):
                cv2.line(large, a, b, 255, max(1, round(16 * float(half))), cv2.LINE_8, 4)
        return 255 - cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)

    return each(one)


def pillow_supersampled():
    image_module, draw_module = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageDraw")

    def one(image, height, width):
        large = image_module.new("L", (width * 8, height * 8), 255)
        draw = draw_module.Draw(large)
        for stroke in image:
            rows = (stroke * 8).tolist()
            for (ax, ay, half), (bx, by, _) in itertools.pairwise(rows):
                draw.line([ax, ay, bx, by], 0, max(1, round(2 * half)))
            for x, y, half in rows:
                draw.ellipse([x - half, y - half, x + half, y + half], 0)
        return np.asarray(large.reduce(8))

    return each(one)


DRAWERS = {
    "kalamos-exact": lambda: numba_batch("exact"),
    "kalamos-fast": lambda: numba_batch("fast"),
    "pycairo-hulls": cairo_hulls,
    "pycairo-ribbons": cairo_ribbons,
    "skia-ribbons": skia_ribbons,
    "blend2d-ribbons": blend2d_ribbons,
    "opencv-8x": opencv_supersampled,
    "pillow-8x": pillow_supersampled,
}


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("name", DRAWERS)
def test_draw(benchmark, kind, name):
    height, width, *_ = SIZES[kind]
    images = make(kind)
    draw = DRAWERS[name]()(images, height, width)
    drawn = draw()
    wrong = errors(images[: CHECKED[kind]], drawn, (height, width))
    benchmark.group = kind
    benchmark.extra_info |= {
        "mean_error": round(float(np.mean(wrong)), 3),
        "error_999": round(float(np.quantile(wrong, 0.999)), 2),
        "images": len(images),
    }
    benchmark(draw)


def errors(images, drawn, size):
    """Return the absolute errors in grey levels, of all pixels of as many images as there are references."""
    return [np.abs(np.asarray(d, float) - 255 * (1 - reference(i, size))) for d, i in zip(drawn, images, strict=False)]


@pytest.mark.parametrize("tier", ["exact", "fast"])
def test_render_batch_whole(benchmark, tier):
    """From inks to images, truths and placements: all that a conversion needs of the renderer."""
    inks = [Ink.from_strokes([stroke[:, :2] for stroke in image]) for image in make("character")] * 20
    style = Style(tier=tier)
    render_batch(inks, style)
    benchmark.group = "render_batch"
    benchmark.extra_info["images"] = len(inks)
    benchmark(render_batch, inks, style)


def rotation(kind, seconds):
    """Return images a second of each drawer that is installed: the best of short turns, taken in rotation."""
    height, width, *_ = SIZES[kind]
    images, drawers = make(kind)[:12], {}
    for name, prepare in DRAWERS.items():
        try:
            drawers[name] = prepare()(images, height, width)
        except pytest.skip.Exception as missing:
            print(f"{name} left out: {missing}")
    best = dict.fromkeys(drawers, np.inf)
    for draw in drawers.values():
        draw()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, draw in drawers.items():
            start = time.perf_counter()
            draw()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: len(images) / took for name, took in best.items()}


if __name__ == "__main__":
    for kind in SIZES:
        rates = rotation(kind, 25)
        for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
            print(
                f"{kind:10} {name:16} {rate:8,.0f} images/s, {rates['kalamos-fast'] / rate:5.1f} x in the time of fast"
            )
