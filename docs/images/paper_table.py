"""Score recovery on composed pages, kind by kind: ``python docs/images/paper_table.py [--seed N] [--pages N]``.

Ink recall is the share of the true path's length within a pen's width of the recovered path, ink precision the share of the
recovered path's length within a pen's width of the true one. ``--sheets FOLDER`` draws contact sheets of the best, the middle
and the worst page: the scan, and the strokes coloured in their order with their starts.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from kalamos.datasets.synthetic import Writer, synthesise
from kalamos.front import default_model
from kalamos.ink import Ink, Sample
from kalamos.machinery.seeding import rng_for
from kalamos.paper import recover_page
from kalamos.recoverer import load_recoverer
from kalamos.renderers.pages import SHEETS, ComposedPage, compose_page
from kalamos.scans.light import luma_of
from kalamos.scans.read import page_of

TEXTS = {
    "Latn": "the reed pen garden river island window letter paper writing answer morning light under above nothing people",
    "Arab": "كتاب مدرسة باب قلم سلام شمس بيت نهر مدينة سماء",
    "Deva": "किताब नदी घर कलम पानी नमक लाल",
}
SCRIPTS = {"page": "Arab", "squared": "Arab", "whiteboard": "Arab", "columns": "Deva", "form": "Deva", "photo": "Deva"}


def words(script: str, n: int, seed: int) -> list[Sample]:
    """Write n words, all by one writer of the built-in corpus."""
    chance = rng_for(seed, script, "words")
    writer = Writer.from_seed(seed, 0)
    texts = TEXTS[script].split()
    made = []
    for k in range(n):
        text = texts[int(chance.integers(len(texts)))]
        ink = synthesise(text, script, writer, rng_for(seed, text, str(k)))
        made.append(Sample(f"{script}/{k}", ink, text, "word", script, units="mm", time_source="synthetic"))
    return made


def dense(ink: Ink) -> np.ndarray:
    """Return points every pixel along the strokes."""
    parts = []
    for stroke in ink.strokes():
        xy = stroke.astype(np.float64)
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        at = np.linspace(0, along[-1], max(2, int(along[-1])))
        parts.append(np.column_stack([np.interp(at, along, xy[:, k]) for k in (0, 1)]))
    return np.concatenate(parts) if parts else np.zeros((0, 2))


def scores(recovered: Ink, page: ComposedPage) -> tuple[float, float]:
    """Return ink recall and ink precision."""
    found, truth = dense(recovered), dense(page.ink)
    if not len(found):
        return 0.0, 0.0
    near_truth = cKDTree(found).query(truth)[0] <= page.pen_px
    near_found = cKDTree(truth).query(found)[0] <= page.pen_px
    return float(near_truth.mean()), float(near_found.mean())


def sheet(page: ComposedPage, ink: Ink, title: str) -> Image.Image:
    """Draw a page beside its strokes, coloured from red (first) to violet (last), a dot where each begins."""
    grey = luma_of(page.pixels[..., :3] if page.pixels.ndim == 3 else page.pixels)
    drawn = Image.new("RGB", (grey.shape[1], grey.shape[0]), "white")
    draw = ImageDraw.Draw(drawn)
    for k, stroke in enumerate(ink.strokes()):
        tone = f"hsl({int(300 * k / max(1, ink.n_strokes - 1))}, 90%, 42%)"
        points = [(float(x), float(y)) for x, y in stroke]
        draw.line(points if len(points) > 1 else points * 2, fill=tone, width=3)
        x, y = points[0]
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=tone)
        if len(points) > 8:  # an arrow a third of the way along
            (ax, ay), (bx, by) = points[len(points) // 3], points[len(points) // 3 + 2]
            size = max(1e-6, float(np.hypot(bx - ax, by - ay)))
            ux, uy = 9 * (bx - ax) / size, 9 * (by - ay) / size
            draw.polygon([(bx + ux, by + uy), (bx - uy / 2, by + ux / 2), (bx + uy / 2, by - ux / 2)], fill=tone)
    wide = Image.new("RGB", (2 * grey.shape[1] + 20, grey.shape[0] + 34), "white")
    wide.paste(Image.fromarray(grey).convert("RGB"), (0, 34))
    wide.paste(drawn, (grey.shape[1] + 20, 34))
    ImageDraw.Draw(wide).text((6, 4), title, fill="black", font_size=24)
    return wide


def main() -> None:
    """Print the table, and draw sheets where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=1)
    parser.add_argument("--model")
    parser.add_argument("--kinds", nargs="*", default=list(SHEETS))
    parser.add_argument("--sheets", type=Path)
    chosen = parser.parse_args()
    model = load_recoverer(chosen.model) if chosen.model else default_model()
    print("| kind | pages | ink recall (least) | ink precision | lines found / true | CPU s a page |")
    print("|---|--:|--:|--:|--:|--:|", flush=True)
    drawn = []
    for kind in chosen.kinds:
        rows = []
        for k in range(chosen.pages):
            seed = chosen.seed + k
            page = compose_page(words(SCRIPTS.get(kind, "Latn"), 70, seed), SHEETS[kind], seed=seed, key=kind)
            start = time.process_time()
            found = recover_page(page_of(page.pixels), model)
            spent = time.process_time() - start
            lines = len({(word.column, word.line) for word in page.words})
            both = scores(found.recovery.ink, page)
            rows.append((*both, len(found.recovery.lines), lines, spent))
            drawn.append((min(both), kind, page, found.recovery.ink))
        table = np.array(rows)
        recall, precision, got, true, spent = table.mean(axis=0)
        print(
            f"| {kind} | {len(rows)} | {recall:.3f} ({table[:, 0].min():.3f}) | {precision:.3f} | "
            f"{got:.1f} / {true:.1f} | {spent:.1f} |",
            flush=True,
        )
    if chosen.sheets:
        chosen.sheets.mkdir(parents=True, exist_ok=True)
        drawn.sort(key=lambda item: -item[0])
        for name, at in (("best", 0), ("middle", len(drawn) // 2), ("worst", -1)):
            score, kind, page, ink = drawn[at]
            picture = sheet(page, ink, f"{kind}: {score:.3f}")
            picture.thumbnail((1200, 900))
            picture.quantize(192).save(chosen.sheets / f"paper-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
