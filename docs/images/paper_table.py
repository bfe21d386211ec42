"""Score recovery on composed pages, kind by kind: ``python docs/images/paper_table.py [--seed N] [--pages N]``.

Ink recall is the share of the true path's length within a pen's width of the recovered path, ink precision the share of the
recovered path's length within a pen's width of the true one. ``--sheets FOLDER`` draws contact sheets of the best, the middle
and the worst page: the scan, and the strokes coloured in their order with their starts.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

import kalamos
from kalamos.datasets.synthetic import Writer, synthesise
from kalamos.front import default_model
from kalamos.geometry import concat, transform
from kalamos.ink import Ink, Sample
from kalamos.machinery.seeding import rng_for
from kalamos.paper import recover_page
from kalamos.recoverer import load_recoverer
from kalamos.renderers.pages import SHEETS, ComposedPage, Sheet, compose_page
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


def bengali_words(n: int, seed: int) -> list[Sample]:
    """Set two to four characters of one writer of the Assamese corpus side by side, so that their headlines meet."""
    chance = rng_for(seed, "Beng", "words")
    writers: dict[str, list[Sample]] = {}
    for sample in kalamos.load("assamese", f"{os.environ['KALAMOS_CORPORA']}/assamese"):
        writers.setdefault(sample.writer, []).append(sample)
    own = writers[sorted(writers)[seed % len(writers)]]
    usual = float(np.median([np.ptp(sample.ink.xy[:, 1]) for sample in own]))
    made = []
    for k in range(n):
        inks, at = [], 0.0
        for which in chance.integers(len(own), size=int(chance.integers(2, 5))).tolist():
            ink = transform(again(own[which].ink, chance), scale=1 / usual)
            low, high = ink.xy.min(axis=0), ink.xy.max(axis=0)
            inks.append(transform(ink, dx=at - float(low[0]), dy=-float(np.percentile(ink.xy[:, 1], 8))))
            at += float(high[0] - low[0]) - 0.04
        made.append(
            Sample(
                f"Beng/{k}", concat(inks, pause_s=0.2), "x" * len(inks), "word", "Beng", time_source=own[0].time_source
            )
        )
    return made


def again(ink: Ink, chance: np.random.Generator) -> Ink:
    """Return a character as the hand would write it another time: sheared, stretched and turned a little."""
    change = np.eye(2) + chance.normal(0, 0.05, (2, 2))
    return ink.with_points(ink.xy.astype(np.float64) @ change, ink.offsets, ink.channels())


def dense_words(n: int, seed: int) -> list[Sample]:
    """Set rows of square cells, each of two letters of Omniglot's Korean, side by side or one over the other."""
    chance = rng_for(seed, "Hang", "words")
    letters: dict[str, list[Sample]] = {}
    for sample in kalamos.load("omniglot", f"{os.environ['KALAMOS_CORPORA']}/omniglot"):
        if sample.script == "Hang":
            letters.setdefault(sample.writer, []).append(sample)
    own = letters[sorted(letters)[seed % len(letters)]]
    made = []
    for k in range(n):
        inks, cells = [], int(chance.integers(3, 6))
        for cell in range(cells):
            lying = bool(chance.integers(2))
            for half, which in enumerate(chance.integers(len(own), size=2).tolist()):
                ink = again(own[which].ink, chance)
                low, size = ink.xy.min(axis=0), np.maximum(np.ptp(ink.xy, axis=0), 1e-6)
                room = np.array([1.0, 0.46] if lying else [0.46, 1.0])
                xy = (ink.xy - low) / size * room + np.array([1.2 * cell, 0.0])
                xy += half * np.array([0.0, 0.54] if lying else [0.54, 0.0])
                inks.append(ink.with_points(xy, ink.offsets, ink.channels()))
        made.append(
            Sample(f"Hang/{k}", concat(inks, pause_s=0.2), "x" * cells, "word", "Hang", time_source=own[0].time_source)
        )
    return made


STAND_INS: dict[str, tuple[Sheet, Callable[[int, int], list[Sample]]]] = {
    "bengali": (Sheet(lines=8, words=5, light=0.1, skew_deg=0.7), bengali_words),
    "bengali-ruled": (replace(SHEETS["ruled"], words=5), bengali_words),
    "bengali-photo": (SHEETS["photo-hard"], bengali_words),
    "bengali-old": (SHEETS["old-page-worn"], bengali_words),
    "devanagari": (SHEETS["page"], partial(words, "Deva")),
    "devanagari-ruled": (SHEETS["ruled"], partial(words, "Deva")),
    "dense": (Sheet(lines=8, words=3, letter=0.7, light=0.1, skew_deg=-0.6), dense_words),
    "dense-squared": (replace(SHEETS["squared"], letter=0.7, words=3), dense_words),
    "dense-photo": (replace(SHEETS["photo-hard"], letter=0.7, words=3), dense_words),
}
"""Pages of other writing than the built-in writers' Latin: what they are made of says docs/scans.md."""


def page_of_kind(kind: str, seed: int) -> ComposedPage:
    """Compose a page of a kind."""
    if kind in STAND_INS:
        sheet, write = STAND_INS[kind]
        return compose_page(write(70, seed), sheet, seed=seed, key=kind)
    return compose_page(words(SCRIPTS.get(kind, "Latn"), 70, seed), SHEETS[kind], seed=seed, key=kind)


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
    parser.add_argument("--stand-ins", action="store_true", help="pages of other scripts; asks for KALAMOS_CORPORA")
    parser.add_argument("--sheets", type=Path)
    chosen = parser.parse_args()
    model = load_recoverer(chosen.model) if chosen.model else default_model()
    print("| kind | pages | ink recall (least) | ink precision | lines found / true | CPU s a page |")
    print("|---|--:|--:|--:|--:|--:|", flush=True)
    drawn = []
    for kind in STAND_INS if chosen.stand_ins else chosen.kinds:
        rows = []
        for k in range(chosen.pages):
            seed = chosen.seed + k
            page = page_of_kind(kind, seed)
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
