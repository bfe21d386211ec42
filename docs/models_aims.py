"""What was aimed at, on test writers, and what `kalamos` reaches: the table of `models.md`.

    KALAMOS_CORPORA=... python docs/models_aims.py [tasks|signatures|best]

Nothing is chosen by these numbers. As the benchmark does, three paths are asked for and the first is held against the
truth. Tasks are prepared in a temporary folder.
"""

# ruff: noqa: T201

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kalamos.benchmark.predict import groups_of
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.task import load_task
from kalamos.geometry import transform
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.recoverer import GroupRecoverer, Recoverer, load_recoverer
from kalamos.renderers import Style, render_batch
from kalamos.skeleton.coverage import covered_share
from kalamos.storage.parquet import Row, read_rows
from kalamos.training.mixture import Source, load_inks

HEIGHT_PX = 64
CLEAN = ("latin-characters", "latin-words", "latin-lines", "arabic-words", "persian-lines", "indic-characters")
LOOKS = (
    ("latin-characters", "latin-characters-scan"),
    ("latin-words", "latin-words-scan"),
    ("arabic-words", "arabic-words-scan"),
    ("indic-characters", "indic-characters-photo"),
    ("synthetic-3scripts", "synthetic-3scripts-photo"),
)
TRACERS = ("good-continuation", "kato-yasuhara", "qiao", "jaeger", "elbaati", "diaz", "dinh", "nearest")
ASKED, BEST_OF = 3, 8

Pairs = dict[str, Pair]


def rows_of(name: str, folder: Path) -> list[Row]:
    """Return the samples of a task with their images."""
    return list(read_rows(prepare(load_task(name), None, folder)))


def images_of(name: str, rows: Sequence[Row]) -> list[OfflineImage]:
    """Return the images as the task hands them over."""
    assert load_task(name).give_script
    return [row.image for row in rows if row.image is not None]


def answers(model: Recoverer, images: Sequence[OfflineImage]) -> list[Ink]:
    """Return the likeliest path of each image, as the benchmark asks for it."""
    assert isinstance(model, GroupRecoverer)
    return [one.pieces[0].ink for one in model.recover_many([[image] for image in images], ASKED)]


def pairs_of(rows: Sequence[Row], images: Sequence[OfflineImage], inks: Sequence[Ink]) -> Pairs:
    """Return what is scored, by the samples' keys."""
    return {
        row.sample.key: Pair(ink, row.truth(), image) for row, image, ink in zip(rows, images, inks, strict=True)
    }


def mean(metric: str, pairs: Pairs, of: Callable[..., float] = np.nanmean) -> float:
    """Return the mean of a metric."""
    return float(of([METRICS[metric].value(pair) for pair in pairs.values()]))


def forwards(pair: Pair) -> bool:
    """Say whether an answer lies nearer to the truth than to the truth drawn backwards."""
    truth = pair.truth
    back = Ink.from_strokes([stroke[::-1] for stroke in truth.strokes()][::-1])
    return METRICS["ldtw"].value(pair) <= METRICS["ldtw"].value(Pair(pair.recovered, back, None))


def clean_tasks(model: Recoverer, folder: Path) -> dict[str, Pairs]:
    """Print what the clean tasks show, and return it."""
    print("| task | LDTW mean (median), px | start point | complete | strokes | right direction | ink drawn |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    made = {}
    for name in CLEAN:
        rows = rows_of(name, folder)
        images = images_of(name, rows)
        pairs = made[name] = pairs_of(rows, images, answers(model, images))
        drawn = np.mean([covered_share(pair.recovered, image.pixels) for pair, image in zip(pairs.values(), images)])
        cells = [mean(metric, pairs) for metric in ("start_point", "complete_trajectory", "stroke_count")]
        cells += [float(np.mean([forwards(pair) for pair in pairs.values()])), float(drawn)]
        ldtw = f"{mean('ldtw', pairs):.2f} ({mean('ldtw', pairs, np.nanmedian):.2f})"
        print(f"| {name} | {ldtw} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |", flush=True)
    return made


def looks(model: Recoverer, folder: Path, done: dict[str, Pairs]) -> None:
    """Print what scans and photographs lose against clean pictures of the same samples."""
    print("\n| the same samples | samples | LDTW clean | LDTW | ratio | complete clean | complete |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for clean, look in LOOKS:
        rows = rows_of(look, folder)
        images = images_of(look, rows)
        pairs = pairs_of(rows, images, answers(model, images))
        if clean not in done:
            others = rows_of(clean, folder)
            shown = images_of(clean, others)
            done[clean] = pairs_of(others, shown, answers(model, shown))
        both = [key for key in pairs if key in done[clean]]
        before, after = {key: done[clean][key] for key in both}, {key: pairs[key] for key in both}
        a, b = mean("ldtw", before), mean("ldtw", after)
        whole = [f"{mean('complete_trajectory', some):.3f}" for some in (before, after)]
        print(f"| {look} | {len(both)} | {a:.2f} | {b:.2f} | {b / a:.2f} | {whole[0]} | {whole[1]} |", flush=True)


def signatures(models: Sequence[Recoverer]) -> None:
    """Print how signature-like ink of built-in writers of another seed is recovered at 192 px; in px of 64."""
    options = {"kind": "signature", "writers": "30", "seed": "99"}
    read = load_inks(Source("synthetic", ".", levels=("word",), options=options, frame="height"))
    inks = sorted((ink for some in read.values() for ink in some), key=lambda ink: ink.key)
    print("\n| signatures of 192 px, pen of | method | LDTW mean (median) | lcss | start point | strokes |")
    print("|---|---|--:|--:|--:|--:|")
    for pen in (3.0, 6.0):
        style = Style(frame="height", image_width_px=192, image_height_px=192, width_px=pen, margin_px=12)
        made = render_batch([ink.ink for ink in inks], style, keys=[ink.key for ink in inks])
        for model in models:
            found = model.recover([one.image for one in made])
            smaller = HEIGHT_PX / 192
            pairs = {
                ink.key: Pair(transform(answer, scale=smaller), transform(one.truth, scale=smaller), None)
                for ink, answer, one in zip(inks, found, made, strict=True)
            }
            ldtw = f"{mean('ldtw', pairs):.2f} ({mean('ldtw', pairs, np.nanmedian):.2f})"
            cells = " | ".join(f"{mean(metric, pairs):.3f}" for metric in ("lcss", "start_point", "stroke_count"))
            print(f"| {pen:.0f} px | {model.name} | {ldtw} | {cells} |", flush=True)


def best_of(folder: Path) -> None:
    """Print how much of the way from the first path of one look to the best of eight is gone."""
    print(f"\n| complete trajectory | first, one look | kalamos | kalamos+writer | best of {BEST_OF} | gap closed |")
    print("|---|--:|--:|--:|--:|--:|")
    writer = load_recoverer("kalamos+writer")
    assert isinstance(writer, GroupRecoverer)
    for name in ("latin-characters", "latin-words", "arabic-words", "indic-characters"):
        rows = rows_of(name, folder)
        images = images_of(name, rows)
        groups = groups_of(load_task(name), [row.sample for row in rows])
        told = writer.recover_many([[images[k] for k in group] for group in groups], 1)
        at = {k: piece.ink for group, one in zip(groups, told, strict=True) for k, piece in zip(group, one.pieces)}
        listed = Kalamos(looks=1).recover_many([[image] for image in images], BEST_OF)
        tried = [[one.pieces[0].ink, *(other.ink for other in one.pieces[0].alternatives)] for one in listed]
        best = np.mean([
            max(METRICS["complete_trajectory"].value(Pair(ink, row.truth(), image)) for ink in inks)
            for row, image, inks in zip(rows, images, tried, strict=True)
        ])  # fmt: skip
        first_look = Kalamos(looks=1, beams=1).recover(images)
        ways = [first_look, answers(Kalamos(), images), [at[k] for k in range(len(rows))]]
        first, now, hand = (mean("complete_trajectory", pairs_of(rows, images, list(inks))) for inks in ways)
        closed = (max(now, hand) - first) / (best - first)
        print(f"| {name} | {first:.3f} | {now:.3f} | {hand:.3f} | {best:.3f} | {closed:.0%} |", flush=True)


def main(asked: Sequence[str]) -> None:
    """Print the tables that are asked for, or all."""
    with tempfile.TemporaryDirectory() as folder:
        model = load_recoverer("kalamos")
        if not asked or "tasks" in asked:
            looks(model, Path(folder), clean_tasks(model, Path(folder)))
        if not asked or "signatures" in asked:
            signatures([model, *map(load_recoverer, TRACERS)])
        if not asked or "best" in asked:
            best_of(Path(folder))


if __name__ == "__main__":
    if not os.environ.get("KALAMOS_CORPORA"):
        sys.exit("KALAMOS_CORPORA names no folder of corpora")
    main(sys.argv[1:])
