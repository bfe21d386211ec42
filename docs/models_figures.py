"""What each part of the shipped models brings, and where `rabhi2020` looks: the table and the figure of `models.md`.

    KALAMOS_CORPORA=... python docs/models_figures.py

Reads UNIPEN's validation writers only.
"""

# ruff: noqa: T201

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from kalamos.ink import Ink
from kalamos.machinery.seeding import stable_hash
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos.kalamos import Kalamos, assemble
from kalamos.models.kalamos.path_matching import MatchedPath, match
from kalamos.models.kalamos.paths import motion_along
from kalamos.models.kalamos.pieces import Pieces, cut_pieces
from kalamos.models.kalamos.search import FoundPath
from kalamos.models.rabhi2020.network import ROWS
from kalamos.models.rabhi2020.rabhi2020 import Rabhi2020, as_images
from kalamos.renderers import Rendering, Style, render_batch
from kalamos.training.mixture import Source, load_inks

COUNT = 2000
SHOWN = ("ldtw", "rmse_arc", "rmse_time", "start_point", "stroke_count", "aiou")


@dataclass
class Still:
    """A recoverer without the places, or without the times, that its motion head gives."""

    offsets: bool
    slowness: bool

    def __call__(self, kalamos: Kalamos, pieces: Pieces, path: MatchedPath) -> Ink:
        """Return the ink of a path."""
        moved = motion_along(kalamos.engine, pieces, FoundPath(path.steps, path.lifts))
        still = moved._replace(offsets=moved.offsets * self.offsets, slowness=moved.slowness * self.slowness)
        return assemble(pieces, still)


def true_path(one: Rendering) -> tuple[Pieces, MatchedPath]:
    """Return the pieces of an image and the truth's path over them."""
    pieces = cut_pieces(one.image.pixels)
    return pieces, match(one.truth, pieces)


def row(name: str, made: list[Rendering], recover: Callable[[list[Rendering]], list[Ink]]) -> None:
    """Print the means of one way of recovering."""
    started = time.perf_counter()
    inks = recover(made)
    ms = (time.perf_counter() - started) / len(made) * 1e3
    pairs = [Pair(ink, one.truth, one.image) for ink, one in zip(inks, made, strict=True)]
    values = [np.nanmean([METRICS[metric].value(pair) for pair in pairs]) for metric in SHOWN]
    median = np.nanmedian([METRICS["ldtw"].value(pair) for pair in pairs])
    print(f"| {name} | " + " | ".join(f"{v:.3f}" for v in [median, *values]) + f" | {ms:.0f} |")


def attention_figure(made: list[Rendering], path: Path) -> None:
    """Write four images, each above the attention of its steps (down) to columns (across)."""
    rabhi, panels = Rabhi2020(), []
    for one in made:
        _, _, weight = rabhi.net.write(as_images([one.image.pixels]))
        columns = weight[0].unflatten(1, (ROWS, -1)).sum(1)
        shade = 255 - np.round(255 * (columns / columns.max()).numpy()).astype(np.uint8)
        columns = np.kron(shade, np.ones((6, 192 // shade.shape[1]), np.uint8))
        panels.append(
            np.vstack([np.kron(one.image.pixels, np.ones((3, 3), np.uint8)), np.zeros((2, 192), np.uint8), columns])
        )
    gap = np.full((panels[0].shape[0], 8), 255, np.uint8)
    Image.fromarray(np.hstack([part for panel in panels for part in (panel, gap)][:-1])).save(path, optimize=True)


def main() -> None:
    """Print the table and write the figure."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    inks = load_inks(Source("unipen", "unipen-train_r01_v07"))["validation"]
    inks = sorted(inks, key=lambda ink: stable_hash(ink.key))[:COUNT]
    made = render_batch([ink.ink for ink in inks], Style(), keys=[ink.key for ink in inks])
    print("| way | LDTW median | " + " | ".join(SHOWN) + " | ms |\n|---|" + "--:|" * (len(SHOWN) + 2))
    for beams in (1, 2, 4, 8):
        kalamos = Kalamos(beams=beams)
        kalamos.recover([made[0].image])
        row(f"kalamos, beams={beams}", made, lambda some, k=kalamos: k.recover([one.image for one in some]))
    for name, still in [
        ("true path, skeleton's places, constant speed", Still(offsets=False, slowness=False)),
        ("true path, skeleton's places, learned speed", Still(offsets=False, slowness=True)),
        ("true path, learned places and speed", Still(offsets=True, slowness=True)),
    ]:
        row(name, made, lambda some, s=still: [s(kalamos, *true_path(one)) for one in some])
    row("truth", made, lambda some: [one.truth for one in some])
    attention_figure(made[:4], Path(__file__).parent / "images" / "rabhi2020-attention.png")


if __name__ == "__main__":
    main()
