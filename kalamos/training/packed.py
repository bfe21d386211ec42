"""The inks of a recipe in one small file, for a machine that has no corpora and no time to read them.

    python -m kalamos.training.packed kalamos/training/recipes/kalamos.toml --out kalamos.inks
    kalamos train kalamos/training/recipes/kalamos.toml --out runs/kalamos --packed kalamos.inks --device cuda

An ink is thinned (Douglas and Peucker, by 0.15 px of a picture 64 px high) and laid on a grid, so that what a
rendering shows of it stays; times are kept in milliseconds. Of the validation split only what validation looks at is
packed; test inks never are. The file is an ``.npz`` of plain arrays: nothing in it is unpickled. What it holds is the
corpora's ink: their licences hold for it too.
"""

from __future__ import annotations

import argparse
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import ModelError
from kalamos.geometry import simplify
from kalamos.ink import Ink, Split
from kalamos.machinery.arrays import Floats, Ints32
from kalamos.machinery.crash import told_in_a_line
from kalamos.machinery.files import replacing
from kalamos.training.loop import spread
from kalamos.training.mixture import Source, TrainingInk, load_inks
from kalamos.training.recipe import Recipe

GRID = 1024
"""Steps of the grid over an ink's height: a sixteenth of a pixel of a picture 64 px high."""
TOLERANCE = 0.15 / 64
NO_TIME = -1
SPLITS: tuple[Split, ...] = ("train", "validation")
Inks = Mapping[Split, Sequence[TrainingInk]]


class _Plain(NamedTuple):
    """An ink on the grid: xy int32 ``(n, 2)``, offsets int32 ``(s + 1,)``, times in ms int32 ``(n,)``."""

    xy: Ints32
    offsets: Ints32
    t: Ints32


def pack(sources: Sequence[Source], inks: Sequence[Inks], path: Path) -> int:
    """Write the inks of all sources into a file, and return its size in bytes.

    Raises:
        StoreError: where the file cannot be written; what stood there stays.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for number, of_one in enumerate(inks):
        for split in SPLITS:
            chosen = [ink for ink in of_one[split] if ink.ink.n_points]
            plain = [_plain(ink.ink) for ink in chosen]
            told = {"keys": [ink.key for ink in chosen], "scripts": [ink.script for ink in chosen]}
            name = f"{number}/{split}"
            arrays[f"{name}/text"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
            arrays[f"{name}/points"] = np.array([len(one.xy) for one in plain], np.int32)
            arrays[f"{name}/strokes"] = np.array([len(one.offsets) - 1 for one in plain], np.int32)
            arrays[f"{name}/lengths"] = _joined([np.diff(one.offsets)[:, None] for one in plain], 1)[:, 0]
            arrays[f"{name}/xy"] = _steps([one.xy for one in plain], 2)
            arrays[f"{name}/t"] = _steps([one.t[:, None] for one in plain], 1)[:, 0]
    arrays["sources"] = np.frombuffer(json.dumps(_told(sources)).encode(), np.uint8)
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    return path.stat().st_size


def unpack(sources: Sequence[Source], path: Path) -> list[dict[Split, list[TrainingInk]]]:
    """Return the inks of a file, by source.

    Raises:
        ModelError: where the file cannot be read, or was packed for other sources than these.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            told = json.loads(bytes(file["sources"]))
            if told != _told(sources):
                raise ModelError(f"{path} was packed for other sources than the recipe's: pack it anew")
            numbers = range(len(sources))
            return [{split: _unpacked(file, f"{number}/{split}") for split in SPLITS} for number in numbers]
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        told = "" if isinstance(error, ValueError) else f" ({error})"  # numpy says how to unpickle it, if one trusts it
        raise ModelError(
            f"{path} is no file of packed inks, or a damaged one{told}: make it with python -m kalamos.training.packed"
        ) from error


def _told(sources: Sequence[Source]) -> list[dict[str, object]]:
    """Return what decides which inks a source has; shares and frames may change."""
    kept = ("corpus", "options", "levels")
    return [{name: asdict(source)[name] for name in kept} | {"levels": list(source.levels)} for source in sources]


def _plain(ink: Ink) -> _Plain:
    low, high = ink.xy.min(axis=0), ink.xy.max(axis=0)
    height = float(high[1] - low[1]) or float(high[0] - low[0]) or 1.0
    thin = simplify(ink, TOLERANCE * height)
    xy = np.round((thin.xy - low) * (GRID / height)).astype(np.int32)
    timed = thin.t is not None and bool(np.isfinite(thin.t).all())
    t = np.round((thin.t - thin.t[0]) * 1000) if timed and thin.t is not None else np.full(len(xy), NO_TIME)
    return _Plain(xy, thin.offsets, t.clip(NO_TIME, 2**31 - 1).astype(np.int32))


def _joined(parts: Sequence[Ints32], width: int) -> Ints32:
    return np.concatenate([np.zeros((0, width), np.int32), *parts]).astype(np.int32)


def _steps(parts: Sequence[Ints32], width: int) -> Ints32:
    """Return the differences from row to row, each ink's first row as it is: small numbers compress well."""
    return _joined([np.diff(part, axis=0, prepend=0) for part in parts], width)


def _unpacked(file: Mapping[str, Ints32], name: str) -> list[TrainingInk]:
    told = json.loads(bytes(file[f"{name}/text"]))
    points, strokes = file[f"{name}/points"], file[f"{name}/strokes"]
    ends, stroke_ends = np.cumsum(points), np.cumsum(strokes)
    xy, t, lengths = file[f"{name}/xy"], file[f"{name}/t"], file[f"{name}/lengths"]
    found = []
    rows = zip(told["keys"], told["scripts"], points, ends, strokes, stroke_ends, strict=True)
    for key, script, n, end, s, stroke_end in rows:
        times: Floats = np.cumsum(t[end - n : end]) / 1000.0
        offsets = np.concatenate([[0], np.cumsum(lengths[stroke_end - s : stroke_end])])
        ink = Ink(np.cumsum(xy[end - n : end], axis=0), offsets, None if times[0] < 0 else times)
        found.append(TrainingInk(key, ink, script))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Pack the inks of a recipe."""
    parser = argparse.ArgumentParser(prog="python -m kalamos.training.packed", description=main.__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    with told_in_a_line():
        _pack(chosen.recipe, chosen.out)


def _pack(file: Path, out: Path) -> None:
    recipe = Recipe.read(file)
    inks: list[Inks] = []
    for source in recipe.source:
        found = load_inks(source)
        inks.append({"train": found["train"], "validation": spread(found["validation"], recipe.validation_inks)})
    size = pack(recipe.source, inks, out)
    print(f"{sum(len(of_one['train']) for of_one in inks)} inks in {size / 2**20:.1f} MB: {out}")  # noqa: T201


if __name__ == "__main__":
    main()
