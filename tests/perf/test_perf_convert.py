"""UNIPEN text to 64-px PNG images: the conversion beside a pipeline of the usual parts, on the same files in one run.

The peer reads line by line into lists, draws with Pillow at four times the size and shrinks, encodes with Pillow, and
keeps the bytes in memory; the conversion does more (checks, mends, keys, splits, placements, a Parquet file). The extra
information of the report has the rates in characters a second of CPU time.
"""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kalamos.datasets.convert import Conversion, convert
from kalamos.renderers import preset

FILES, CHARACTERS = 20, 50


def text_of(rng: np.random.Generator) -> str:
    """Return a file of as many points as the real ones have: 40 to 80 a character."""
    lines = [".VERSION 1.0", ".COORD X Y", ".POINTS_PER_SECOND 100"]
    for number in range(CHARACTERS):
        walk = np.cumsum(rng.integers(-40, 41, (int(rng.integers(40, 80)), 2)), axis=0) + 5000
        lines += [f'.SEGMENT CHARACTER {number} ? "a"', ".PEN_DOWN", *(f"{x} {y}" for x, y in walk.tolist()), ".PEN_UP"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    (root / "include").mkdir()
    (root / "data" / "1c" / "tst").mkdir(parents=True)
    for number in range(FILES):
        (root / "data" / "1c" / "tst" / f"f{number}.dat").write_text(text_of(rng))
    return root


def by_kalamos(root: Path, out: Path) -> int:
    return convert(Conversion("unipen", root, style=preset("clean"), shards=1), out).samples


def by_usual_parts(root: Path, out: Path) -> int:
    images = []
    for path in sorted((root / "data").rglob("*.dat")):
        stroke: list[tuple[float, float]] | None = None
        for line in path.read_text().splitlines():
            if line.startswith(".PEN_DOWN"):
                stroke = []
            elif line.startswith(".PEN_UP") and stroke is not None:
                images.append(drawn(stroke))
                stroke = None
            elif stroke is not None and not line.startswith("."):
                x, y = line.split()
                stroke.append((float(x), -float(y)))
    return len(images)


def drawn(stroke: list[tuple[float, float]]) -> bytes:
    points = np.array(stroke)
    low, size = points.min(axis=0), np.ptp(points, axis=0).max()
    placed = (points - low) * (208 / size) + 24
    image = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(image).line([tuple(point) for point in placed.tolist()], fill=0, width=10, joint="curve")
    buffer = io.BytesIO()
    image.resize((64, 64), Image.Resampling.BOX).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("convert_all", [by_kalamos, by_usual_parts])
def test_text_to_images(benchmark, corpus, tmp_path, convert_all):
    folders = iter(range(1000))
    cpu_s = []

    def run() -> int:
        began = time.process_time()
        made = convert_all(corpus, tmp_path / str(next(folders)))
        cpu_s.append(time.process_time() - began)
        return made

    made = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    assert made == FILES * CHARACTERS
    benchmark.extra_info["characters_per_cpu_second"] = round(made / min(cpu_s))


@pytest.mark.corpora
def test_real_text_to_images(benchmark, corpora, tmp_path):
    root = corpora / "unipen-train_r01_v07"
    folders = iter(range(1000))
    rates = []

    def run() -> int:
        began = time.process_time()
        settings = Conversion("unipen", root, (("categories", "1a"),), preset("clean"), shards=4)
        made = convert(settings, tmp_path / str(next(folders))).samples
        rates.append(made / (time.process_time() - began))
        return made

    assert benchmark.pedantic(run, rounds=2, warmup_rounds=1) > 10_000
    benchmark.extra_info["characters_per_cpu_second"] = round(max(rates))
    benchmark.extra_info["load"] = os.getloadavg()[0]
