"""Measure all tracers on UNIPEN's test writers, and draw typical failures; the figures of docs/baselines.md.

python docs/images/baselines/measure.py $KALAMOS_CORPORA/unipen-train_r01_v07

With a tracer's name after it, only that tracer.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from kalamos.baselines.diaz import Diaz
from kalamos.baselines.dinh import Dinh
from kalamos.baselines.elbaati import Elbaati
from kalamos.baselines.good_continuation import GoodContinuation
from kalamos.baselines.jaeger import Jaeger
from kalamos.baselines.kato_yasuhara import KatoYasuhara
from kalamos.baselines.nearest import Nearest
from kalamos.baselines.qiao import Qiao
from kalamos.datasets.unipen import CORPUS
from kalamos.formats.report import UnitReport
from kalamos.geometry import reorder, resample, reverse
from kalamos.image import OfflineImage
from kalamos.machinery.seeding import stable_hash
from kalamos.metrics.order import rmse_arc
from kalamos.metrics.pair import Pair
from kalamos.metrics.structure import complete_trajectory, start_point
from kalamos.renderers import render

TRACERS = [KatoYasuhara, Qiao, GoodContinuation, Jaeger, Elbaati, Diaz, Dinh, Nearest]
COUNT, SHARE, TOLERANCE_PX = 2_000, 0.35, 5.0
FOLDER = Path(__file__).parent
COLOURS = ["#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98"]


def samples(root):
    """Return COUNT images of test writers: units in the order of a hash, SHARE of each unit's samples by a hash."""
    found = []
    for unit in sorted(CORPUS.units(root), key=stable_hash):
        for sample in CORPUS.read(root, unit, UnitReport()):
            if sample.split == "test" and stable_hash("e" + sample.key) / 2**64 < SHARE:
                rendering = render(sample.ink, key=sample.key)
                picture = OfflineImage(rendering.image.pixels.copy(), sample.script)
                found.append((sample.label, rendering.truth, picture))
                if len(found) == COUNT:
                    return found
    return found


def best_direction(recovered, truth, picture):
    """Say whether the answer or the answer backwards is a complete trajectory."""
    return max(complete_trajectory(Pair(ink, truth, picture)) for ink in (recovered, reverse(recovered)))


def any_order(recovered, truth, picture):
    """Say whether some order and directions of the recovered strokes are a complete trajectory (at most 4 strokes)."""
    n = recovered.n_strokes
    if n > 4:
        return best_direction(recovered, truth, picture)
    for order in itertools.permutations(range(n)):
        for flip in itertools.product([False, True], repeat=n):
            if complete_trajectory(Pair(reorder(recovered, order, flip=flip), truth, picture)):
                return 1.0
    return 0.0


def row(tracer, data):
    pictures = [picture for _, _, picture in data]
    tracer.recover(pictures[:20])
    start = time.process_time()
    inks = tracer.recover(pictures)
    seconds = time.process_time() - start
    pairs = [Pair(ink, truth, picture) for ink, (_, truth, picture) in zip(inks, data, strict=True)]
    ldtw = np.array([pair.warping.mean for pair in pairs])
    single = np.array([truth.n_strokes == 1 for _, truth, _ in data])
    complete = np.array([complete_trajectory(pair) for pair in pairs])
    either = np.array(
        [
            best_direction(ink, truth, picture) if alone and not right else right
            for ink, (_, truth, picture), alone, right in zip(inks, data, single, complete, strict=True)
        ]
    )
    print(
        f"| {tracer.name} | {ldtw.mean():.2f} | {np.median(ldtw):.2f} | {np.mean([start_point(p) for p in pairs]):.3f} "
        f"| {(ldtw < 3).mean():.3f} | {np.mean([p.recovered.n_strokes == p.truth.n_strokes for p in pairs]):.3f} "
        f"| {np.mean([rmse_arc(p) for p in pairs]):.2f} | {complete.mean():.3f} | {complete[single].mean():.3f} "
        f"| {either[single].mean():.3f} | {1e3 * seconds / len(data):.1f} |",
        flush=True,
    )
    return inks, complete, either, single


def panel(ink, picture, scale=4):
    size = (picture.width_px * scale, picture.height_px * scale)
    grey = Image.fromarray(picture.pixels).resize(size, Image.Resampling.NEAREST).convert("RGB")
    canvas = Image.blend(grey, Image.new("RGB", size, "white"), 0.65)
    pen = ImageDraw.Draw(canvas)
    for k, stroke in enumerate(ink.strokes()):
        points = [tuple(point) for point in (stroke * scale).tolist()]
        colour = COLOURS[k % len(COLOURS)]
        if len(points) > 1:
            pen.line(points, fill=colour, width=3)
        x, y = points[0]
        pen.ellipse([x - 5, y - 5, x + 5, y + 5], fill=colour)
        if len(points) > 6:
            x, y = points[len(points) // 3]
            pen.text((x + 4, y - 6), str(k + 1), fill=colour)
            a, b = np.array(points[len(points) // 3]), np.array(points[len(points) // 3 + 3])
            way = (b - a) / max(np.hypot(*(b - a)), 1e-9)
            side = np.array([-way[1], way[0]])
            pen.polygon([tuple(b + 7 * way), tuple(b + 5 * side), tuple(b - 5 * side)], fill=colour)
    return canvas


def sheet(name, chosen, columns=4):
    """Draw truth beside answer, for each of the chosen."""
    panels = [(panel(truth, picture), panel(ink, picture)) for ink, truth, picture in chosen[: 2 * columns]]
    if not panels:
        return
    width, height = panels[0][0].size
    rows = -(-len(panels) // columns)
    out = Image.new("RGB", (columns * (2 * width + 16), rows * (height + 8)), "white")
    for k, (left, right) in enumerate(panels):
        x, y = k % columns * (2 * width + 16), k // columns * (height + 8)
        out.paste(left, (x, y))
        out.paste(right, (x + width, y))
        ImageDraw.Draw(out).line([(x + 2 * width + 8, y), (x + 2 * width + 8, y + height)], fill="#888888")
    out = out.resize((out.width // 2, out.height // 2), Image.Resampling.LANCZOS)
    out.quantize(64).save(FOLDER / f"{name}.png", optimize=True)


def main():
    data = samples(Path(sys.argv[1]))
    print(f"{len(data)} images, {sum(truth.n_strokes == 1 for _, truth, _ in data)} of one stroke")
    found = {}
    for kind in TRACERS:
        tracer = kind()
        inks, complete, either, single = row(tracer, data)
        found[tracer.name] = inks, complete
        if kind is GoodContinuation:
            triples = [(ink, truth, picture) for ink, (_, truth, picture) in zip(inks, data, strict=True)]
            breakdown(triples, complete, either, single)
    others_right = sum(complete for _, complete in found.values())
    for name, (inks, complete) in found.items():
        typical = np.argsort(-np.where(complete, -1, others_right), kind="stable")
        sheet(name, [(inks[k], *data[k][1:]) for k in typical if not complete[k]])


def retraced_px(truth):
    """Return the length of the true path on which it comes back later, within 2 px, the same way or against it."""
    xy = resample(truth, by="arc", step=1.0).xy.astype(float)
    if len(xy) < 2:
        return 0
    way = np.gradient(xy, axis=0)
    way /= np.maximum(np.hypot(*way.T), 1e-9)[:, None]
    near = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) < 2
    along = np.abs(way @ way.T) > 0.9
    return int((np.triu(near & along, 8)).any(axis=1).sum())


def breakdown(triples, complete, either, single):
    """Print why one-stroke images fail, and how often by length retraced."""
    one = np.flatnonzero(single)
    wrong = [k for k in one if not complete[k]]
    backwards = sum(bool(either[k]) for k in wrong)
    rest = [k for k in wrong if not either[k]]
    order = sum(bool(any_order(*triples[k])) for k in rest)
    lifted = sum(triples[k][0].n_strokes > 1 for k in rest)
    pairs = {k: Pair(*triples[k]) for k in rest}
    close = sum(pair.warping.mean < 3 for pair in pairs.values())
    narrow = sum(pair.frechet_px < TOLERANCE_PX + 3 for pair in pairs.values())
    print(
        f"  of {len(one)} one-stroke images {len(wrong)} wrong: {backwards} right backwards; of the other {len(rest)} "
        f"{order} right in another order of the same strokes, {lifted} with a pen lift too many, {close} with an LDTW "
        f"below 3 px, {narrow} that miss the tolerance by less than 3 px"
    )
    length = np.array([retraced_px(triples[k][1]) for k in one])
    for low, high in itertools.pairwise([0, 1, 5, 10, 20, 10_000]):
        here = (length >= low) & (length < high)
        print(f"  retraced {low} to {high} px: {here.sum()} images, CT {complete[one[here]].mean():.3f}")


if __name__ == "__main__":
    main()
