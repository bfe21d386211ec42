"""Methods away from their training, and without one of their parts, for `models.md`.

    KALAMOS_CORPORA=... python docs/models_elsewhere.py [sizes|scripts|pens|corpora|ablations]

Ablations (what each part of `kalamos` brings), sizes, scripts (told or not) and pens: validation writers. Corpora that no
training has seen: the small ones, all of them, which nothing was chosen by.
"""

# ruff: noqa: T201

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import kalamos
from kalamos.geometry import transform
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.seeding import stable_hash
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos import kalamos as ours
from kalamos.models.kalamos.blocks import blocks
from kalamos.models.kalamos.paths import Motioned, find_paths
from kalamos.recoverer import Recoverer, load_recoverer
from kalamos.renderers import Style, preset, render_batch
from kalamos.training.mixture import Source, load_inks

HEIGHT_PX = 64
SIZES = (64, 96, 128, 192, 256)
PENS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
COUNT = 500
MODELS = ("kalamos", "good-continuation")
SHOWN = ("lcss", "complete_trajectory", "start_point", "stroke_count", "ink_f1")
ELSEWHERE = (
    ("digits of Indian writers", "auto", "small/lipitk_numerals", {}),
    ("Latin letters, LipiTk", "auto", "small/lipitk_hindi_english", {}),
    ("letters of many scripts, Qt", "auto", "small/qt_unipen", {}),
    ("Latin sentences, tablet", "auto", "small/bdalab_svc", {}),
    ("Arabic calligraphy, traced", "calliar", "small/calliar/annotations", {}),
    ("signatures, built-in, other seed", "synthetic", ".", {"kind": "signature", "writers": "30", "seed": "99"}),
)


def values(recovered: list[Ink], truths: list[Ink], images: list[OfflineImage]) -> str:
    """Return the means of the shown metrics, as cells."""
    pairs = [Pair(*three) for three in zip(recovered, truths, images, strict=True)]
    means = [np.nanmean([METRICS[metric].value(pair) for pair in pairs]) for metric in SHOWN]
    return " | ".join(f"{mean:.3f}" for mean in means)


def head(first: str) -> None:
    """Print the head of a table."""
    print(f"| {first} | method | samples | {' | '.join(SHOWN)} |\n|---|---|--:|{'--:|' * len(SHOWN)}")


def sizes(models: list[Recoverer]) -> None:
    """Print how the same ink is recovered from larger pictures of it; everything is scored at 64 px."""
    head("height of the picture")
    for name, source in (
        ("character", Source("unipen", "unipen-train_r01_v07")),
        (
            "word",
            Source("unipen", "unipen-train_r01_v07", levels=("word",), options={"categories": "6"}, frame="height"),
        ),
    ):
        inks = sorted(load_inks(source)["validation"], key=lambda ink: stable_hash(ink.key))[:COUNT]
        plain = Style(frame="fixed" if name == "character" else "height")
        keys = [ink.key for ink in inks]
        small = render_batch([ink.ink for ink in inks], plain, keys=keys)
        for size in SIZES:
            grown = size / HEIGHT_PX
            larger = {"image_width_px": size, "image_height_px": size}
            style = replace(plain, **larger, width_px=plain.width_px * grown, margin_px=plain.margin_px * grown)
            made = render_batch([ink.ink for ink in inks], style, keys=keys)
            for model in models:
                found = [transform(ink, scale=1 / grown) for ink in model.recover([one.image for one in made])]
                truths = [transform(one.truth, scale=1 / grown) for one in made]
                row = values(found, truths, [one.image for one in small])
                print(f"| {name}, {size} px | {model.name} | {len(inks)} | {row} |", flush=True)


def pens(model: Recoverer) -> None:
    """Print how ink of thick pens, of thin ones in large pictures, and in the midst of much paper is recovered."""
    head("ink, and how it looks")
    looks: list[tuple[str, Style]] = [(f"pen of {width} px", Style(width_px=width)) for width in PENS]
    looks += [(name, preset(name)) for name in ("fountain", "qalam", "marker")]
    looks += [
        (f"{name} of {size} px, pen of {width} px", preset(name).replace(image_height_px=size, width_px=width))
        for name, size, width in itertools.product(("clean", "scan", "photo"), (192, 384), (1.5, 3.0))
    ]
    looks += [
        (f"{size} px, ink over {share:.0%} of it", Style(image_height_px=size, width_px=2.5, scale=share))
        for size, share in ((128, 0.5), (192, 0.33), (256, 0.25))
    ]
    unipen = "unipen-train_r01_v07"
    for name, source, count in (
        ("character", Source("unipen", unipen), 300),
        ("word", Source("unipen", unipen, levels=("word",), options={"categories": "6"}), 150),
    ):
        inks = sorted(load_inks(source)["validation"], key=lambda ink: stable_hash(ink.key))[:count]
        keys, told = [ink.key for ink in inks], [ink.script for ink in inks]
        for look, style in looks:
            made = render_batch([ink.ink for ink in inks], style.replace(frame="height"), keys=keys, scripts=told)
            found = model.recover([one.image for one in made])
            row = values(found, [one.truth for one in made], [one.image for one in made])
            print(f"| {name}: {look} | {model.name} | {len(inks)} | {row} |", flush=True)


def scripts(model: Recoverer) -> None:
    """Print what it brings to tell the script, and what it costs to tell a wrong one."""
    head("ink, and what is told")
    unipen, height = "unipen-train_r01_v07", "height"
    for name, source, right, wrong in (
        ("Latin characters", Source("unipen", unipen), "Latn", "Arab"),
        (
            "Latin words",
            Source("unipen", unipen, levels=("word",), options={"categories": "6"}, frame=height),
            "Latn",
            "Arab",
        ),
        ("Persian words", Source("poh-db", "poh-db", levels=("word",), frame=height), "Arab", "Latn"),
        ("Assamese characters", Source("assamese", "assamese"), "Beng", "Latn"),
    ):
        inks = sorted(load_inks(source)["validation"], key=lambda ink: stable_hash(ink.key))[:COUNT]
        made = render_batch([ink.ink for ink in inks], Style(frame=source.frame), keys=[ink.key for ink in inks])
        for told, script in (("its script", right), ("nothing", None), (f"{wrong}, wrong", wrong)):
            found = model.recover([replace(one.image, script=script) for one in made])
            row = values(found, [one.truth for one in made], [one.image for one in made])
            print(f"| {name}: {told} | {model.name} | {len(inks)} | {row} |", flush=True)


def resting(*asked: Any) -> list[list[Motioned]]:
    """Return paths without what the motion head says of them."""
    return [
        [path._replace(offsets=0 * path.offsets, slowness=0 * path.slowness) for path in paths]
        for paths in find_paths(*asked)
    ]


def ablations() -> None:
    """Print what becomes of ink where one part of `kalamos` is another or left out; none of it needs training."""
    head("ink, and what is another")
    parts: Sequence[tuple[str, dict[str, Any], dict[str, int]]] = (
        ("as it is", {}, {}),
        ("one look", {}, {"looks": 1}),
        ("four looks", {}, {"looks": 4}),
        ("the likeliest actions alone", {}, {"looks": 1, "beams": 1}),
        ("a wide search of words too", {"SHORT": 10_000}, {}),
        ("one look, a wide search of words too", {"SHORT": 10_000}, {"looks": 1}),
        ("a path may end at any time", {"find_paths": partial(find_paths, enough=0.0)}, {}),
        ("blocks of 160 pieces", {"blocks": partial(blocks, block_pieces=160, most_pieces=240)}, {}),
        ("no motion head", {"find_paths": resting}, {}),
    )
    unipen, height = "unipen-train_r01_v07", "height"
    for name, source, count in (
        ("Latin lines", Source("unipen", unipen, levels=("line",), options={"categories": "8"}, frame=height), 60),
        ("Latin words", Source("unipen", unipen, levels=("word",), options={"categories": "6"}, frame=height), 200),
        ("Latin characters", Source("unipen", unipen), COUNT),
    ):
        inks = sorted(load_inks(source)["validation"], key=lambda ink: stable_hash(ink.key))[:count]
        made = render_batch(
            [ink.ink for ink in inks],
            Style(frame=source.frame),
            keys=[ink.key for ink in inks],
            scripts=[ink.script for ink in inks],
        )
        for part, changed, options in parts:
            with patch.multiple(ours, **changed) if changed else nullcontext():
                found = ours.Kalamos(**options).recover([one.image for one in made])
            row = values(found, [one.truth for one in made], [one.image for one in made])
            print(f"| {name}: {part} | kalamos | {len(inks)} | {row} |", flush=True)


def corpora(models: list[Recoverer], root: Path) -> None:
    """Print how ink of other corpora is recovered."""
    head("corpus")
    for name, corpus, folder, options in ELSEWHERE:
        samples = list(itertools.islice(kalamos.load(corpus, root / folder, **options), COUNT))
        made = [kalamos.render(sample) for sample in samples]
        for model in models:
            found = model.recover([one.image for one in made])
            row = values(found, [one.truth for one in made], [one.image for one in made])
            print(f"| {name} | {model.name} | {len(made)} | {row} |", flush=True)


def main() -> None:
    """Print the tables that were asked for, or all."""
    asked = sys.argv[1:] or ["sizes", "scripts", "pens", "corpora", "ablations"]
    models = [load_recoverer(name) for name in MODELS]
    if "ablations" in asked:
        ablations()
    if "sizes" in asked:
        sizes(models)
    if "scripts" in asked:
        scripts(models[0])
    if "pens" in asked:
        pens(models[0])
    if "corpora" in asked:
        corpora(models, Path(os.environ["KALAMOS_CORPORA"]))


if __name__ == "__main__":
    main()
