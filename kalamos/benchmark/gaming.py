"""Can a metric be gamed? Cheats made from honest entries, and what each metric gives for them.

``python -m kalamos.benchmark.gaming RUNS/TASK`` takes the predictions of honest entries on a task, cheats in every way
below, and prints a Markdown table: for each cheat and metric the gain over the honest entry that it is made from,
averaged over the samples and then over the entries, in points of a hundred of the metric's range (of the honest value
for metrics in px). A positive number is a cheat that pays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np

from kalamos import geometry
from kalamos.benchmark.cheats import cut, runs, timed, trembling
from kalamos.benchmark.predictions import read_predictions
from kalamos.benchmark.result import Result, read_result
from kalamos.errors import TaskError
from kalamos.geometry import line_length
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.metrics import METRICS, Pair, Reference
from kalamos.recoverer import MAX_POINTS
from kalamos.skeleton.binarise import binarise
from kalamos.storage.parquet import Row, read_rows

Cheat = Callable[[list[Floats], OfflineImage, np.random.Generator], list[Floats]]
BEFORE = ("ldtw", "rmse_arc_v1", "aiou")
AFTER = ("lcss", "rmse_arc", "pen_up_f1", "complete_trajectory", "stroke_order_tau", "start_point", "stroke_count")
GUARD = ("ink_f1",)
SAMPLES = 150
FREE = 0.5
"""Points of a hundred below which a gain counts as none."""
_WOBBLE_PX = 0.7


def tremble_at_start(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Let the pen tremble where it first comes down."""
    return [np.concatenate([trembling(strokes[0][0], rng), strokes[0]]), *strokes[1:]]


def tremble_everywhere(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Move every point of a path sampled four times a pixel by up to 0.7 px."""
    return [fine + rng.uniform(-_WOBBLE_PX, _WOBBLE_PX, fine.shape) for fine in (_fine(s, 0.25) for s in strokes)]


def dots_2000(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Add 2,000 dots on places of the path."""
    path = np.concatenate([_fine(stroke, 1.0) for stroke in strokes])
    return [*strokes, *(place[None] for place in path[rng.integers(0, len(path), 2000)])]


def rows_of_dots(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Replace each stroke by a row of dots, a pixel apart."""
    return [place[None] for stroke in strokes for place in _fine(stroke, 1.0)]


def tiny_strokes(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Cut each stroke into pieces of three pixels."""
    return [piece for stroke in strokes for piece in cut(stroke, 3.0)]


def merged(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Draw everything as one stroke, through the air."""
    return [np.concatenate(strokes)]


def shrunk(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Shrink the ink by 20 % about its middle."""
    middle = np.concatenate(strokes).mean(axis=0)
    return [middle + 0.8 * (stroke - middle) for stroke in strokes]


def half_shrunk(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Shrink each stroke to half about its own middle: a hedge where the direction is unknown."""
    return [stroke.mean(axis=0) + 0.5 * (stroke - stroke.mean(axis=0)) for stroke in strokes]


def stopped_early(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Leave out the last tenth of each stroke."""
    return [_fine(stroke, 0.5)[: max(1, int(0.9 * len(_fine(stroke, 0.5))))] for stroke in strokes]


def smoothed(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Average each stroke over five pixels."""
    return [_averaged(_fine(stroke, 1.0)) for stroke in strokes]


def small_dropped(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Leave out the strokes that are shorter than six pixels, if there are others."""
    return [stroke for stroke in strokes if line_length(stroke) > 6.0] or strokes


def standing_still(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Repeat the first point of each stroke 500 times."""
    return [np.concatenate([np.repeat(stroke[:1], 500, axis=0), stroke]) for stroke in strokes]


def doubled(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Draw every stroke twice."""
    return [half for stroke in strokes for half in (stroke, stroke)]


def both_ways(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Draw every stroke there and back."""
    return [np.concatenate([stroke, stroke[::-1]]) for stroke in strokes]


def filled(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Add all of the picture's ink in rows, after the strokes."""
    return [*strokes, *runs(binarise(image.pixels, "otsu"))]


def reversed_whole(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Draw everything backwards."""
    return [stroke[::-1] for stroke in strokes[::-1]]


def shuffled(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Draw the strokes in another order."""
    return [strokes[k] for k in rng.permutation(len(strokes))]


def shuffled_trembling(strokes: list[Floats], image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Draw the strokes in another order, and tremble at the start."""
    return tremble_at_start(shuffled(strokes, image, rng), image, rng)


CHEATS: dict[str, Cheat] = {
    made.__name__: made
    for made in (
        tremble_at_start, tremble_everywhere, shuffled_trembling, dots_2000, rows_of_dots, tiny_strokes, merged, shrunk,
        half_shrunk, stopped_early, smoothed, small_dropped, standing_still, doubled, both_ways, filled, reversed_whole,
        shuffled,
    )
}  # fmt: skip


def cheated(name: str, ink: Ink, image: OfflineImage, seed: int, key: str) -> Ink:
    """Return an honest ink after one of the cheats; times are a point every hundredth of a second."""
    strokes = [stroke.astype(np.float64) for stroke in ink.strokes()]
    return timed(CHEATS[name](strokes, image, rng_for(seed, "gaming", name, key)))


def gains(home: Path, entries: Sequence[str], samples: int) -> dict[str, dict[str, float]]:
    """Return cheat -> metric -> gain in points of a hundred, averaged over the samples and the entries.

    Args:
        home: a folder ``RUNS/TASK``.
        entries: names of honest entries below it.
        samples: how many samples, those with the smallest hash of the key.
    """
    rows = sorted(read_rows(home / "task.parquet"), key=lambda row: (stable_hash(row.sample.key), row.sample.key))
    found: dict[str, dict[str, list[float]]] = {cheat: {name: [] for name in _SHOWN} for cheat in CHEATS}
    for entry in entries:
        one = _gains_of(entry, home, rows[:samples])
        for cheat, values in one.items():
            for name, value in values.items():
                found[cheat][name].append(value)
    return {cheat: {name: float(np.nanmean(v)) for name, v in values.items()} for cheat, values in found.items()}


_SHOWN = (*BEFORE, *AFTER, *GUARD)


def _gains_of(entry: str, home: Path, rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    answers = read_predictions(home / entry / "predictions.parquet", [row.sample.key for row in rows]).answers
    honest: list[list[float]] = []
    made: dict[str, list[list[float]]] = {cheat: [] for cheat in CHEATS}
    for row in rows:
        answer = answers.get(row.sample.key)
        if answer is None or answer.ink is None or row.image is None:
            continue
        reference = Reference(row.truth(), row.image)
        honest.append(_values(answer.ink, reference))
        for cheat in CHEATS:
            ink = cheated(cheat, answer.ink, row.image, 0, row.sample.key)
            made[cheat].append(_values(ink if ink.n_points <= MAX_POINTS else Ink.empty(), reference))
    if not honest:
        raise TaskError(f"{home / entry} answers none of the samples")
    base = np.nanmean(np.array(honest), axis=0)
    return {cheat: _gain(base, np.nanmean(np.array(values), axis=0)) for cheat, values in made.items()}


def _values(ink: Ink, reference: Reference) -> list[float]:
    pair = Pair(ink, reference)
    return [METRICS[name].value(pair) for name in _SHOWN]


def _gain(honest: Floats, cheat: Floats) -> dict[str, float]:
    """Return the gain in points of a hundred: of the range 0..1, or of the honest value where it is in px."""
    found = {}
    for name, before, after in zip(_SHOWN, honest.tolist(), cheat.tolist(), strict=True):
        lower = METRICS[name].direction == "lower"
        found[name] = 100.0 * ((before - after) / before if lower else after - before)
    return found


def to_markdown(table: dict[str, dict[str, float]]) -> str:
    """Return the table as Markdown; gains above half a point are bold."""
    lines = ["| cheat | " + " | ".join(f"`{name}`" for name in _SHOWN) + " |", "|---" + "|--:" * len(_SHOWN) + "|"]
    for cheat, values in table.items():
        cells = [_cell(values[name]) for name in _SHOWN]
        lines.append(f"| {cheat.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(gain: float) -> str:
    text = f"{gain:+.1f}" if abs(gain) < 100 else f"{gain:+.0f}"
    return f"**{text}**" if gain > FREE else text.replace("+0.0", "0").replace("-0.0", "0")


def honest_entries(home: Path) -> list[str]:
    """Return the entries of a task's folder that are no controls.

    Raises:
        TaskError: where there is none.
    """
    results: list[Result] = [read_result(path) for path in sorted(home.glob("*/result.json"))]
    found = [result.folder.name for result in results if result.is_ranked]
    if not found:
        raise TaskError(f"{home} holds no entry of a model; make some with `kalamos bench`")
    return found


@click.command()
@click.argument("home", type=click.Path(path_type=Path, exists=True))
@click.option("--entry", "entries", multiple=True, help="An honest entry (repeat); default: all models.")
@click.option("--samples", default=SAMPLES, show_default=True)
def main(home: Path, entries: tuple[str, ...], samples: int) -> None:
    """Print what each cheat gains under each metric, from the entries of a task's folder."""
    click.echo(to_markdown(gains(home, entries or honest_entries(home), samples)))


def _fine(stroke: Floats, step_px: float) -> Floats:
    if len(stroke) < 2:
        return stroke
    xy, _ = geometry.resampled(Ink.from_strokes([stroke]), by="arc", step=step_px)
    return xy


def _averaged(stroke: Floats, reach: int = 2) -> Floats:
    padded = np.pad(stroke, ((reach, reach), (0, 0)), mode="edge")
    kernel = np.full(2 * reach + 1, 1.0 / (2 * reach + 1))
    return np.stack([np.convolve(padded[:, axis], kernel, mode="valid") for axis in (0, 1)], axis=1)


if __name__ == "__main__":
    main()
