"""UNIPEN text to arrays: the scanner beside a line-by-line reader and a numpy reader, on the same bytes in one run.

The rate is in the extra information of the report, in MB/s. The text is the largest real file where the corpora are
there, else one of the same shape.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from kalamos.formats import unipen
from kalamos.formats.report import UnitReport
from kalamos.formats.unipen_scan import scan

REAL = "unipen-train_r01_v07/include/hpp/data/hpp3/hpb3-sl0.dat"


@pytest.fixture(scope="module")
def text() -> bytes:
    real = Path(os.environ.get("KALAMOS_CORPORA", "/nowhere")) / REAL
    if real.is_file():
        return real.read_bytes()
    rng = np.random.default_rng(0)
    blocks = [".VERSION 1.0\n.COORD X Y\n"]
    for _ in range(4000):
        walk = np.cumsum(rng.integers(-9, 10, (60, 2)), axis=0) + 5000
        blocks.append(".PEN_DOWN\n" + "\n".join(f"{x} {y}" for x, y in walk.tolist()) + "\n.PEN_UP\n")
    return "".join(blocks).encode()


def by_scanner(text: bytes):
    found = scan(text)
    return found.values.reshape(-1, 2), found.starts // 2


def by_lines(text: bytes):
    values, starts, inside = [], [], False
    for line in text.decode().splitlines():
        if line.startswith("."):
            inside = line.startswith((".PEN_DOWN", ".PEN_UP"))
            if inside:
                starts.append(len(values))
        elif inside and line.strip():
            x, y = line.split()
            values.append((float(x), float(y)))
    return np.array(values), np.array([*starts, len(values)])


def by_numpy(text: bytes):
    blocks = [block for block in (b"\n" + text).split(b"\n.")[1:] if block.startswith((b"PEN_DOWN", b"PEN_UP"))]
    parts = [np.array(block.split()[1:], np.float64).reshape(-1, 2) for block in blocks]
    return np.concatenate(parts), np.concatenate([[0], np.cumsum([len(part) for part in parts])])


@pytest.mark.parametrize("reader", [by_scanner, by_numpy, by_lines])
def test_text_to_arrays(benchmark, text, reader):
    benchmark.group = "UNIPEN text to arrays"
    points, starts = benchmark(reader, text)
    expected_points, expected_starts = by_lines(text)
    np.testing.assert_array_equal(points, expected_points)
    np.testing.assert_array_equal(starts, expected_starts)
    if benchmark.stats:
        benchmark.extra_info["MB/s"] = round(len(text) / benchmark.stats["min"] / 1e6, 1)


def test_text_to_samples(benchmark, text, tmp_path):
    """The way to a thousand samples of one stroke each, includes and mending with it."""
    benchmark.group = "UNIPEN text to samples"
    path = tmp_path / "all.dat"
    segments = "".join(f'.SEGMENT CHARACTER {k} ? "a"\n' for k in range(0, 2000, 2))
    path.write_bytes(text + b"\n" + segments.encode())

    def read():
        document = unipen.read_document(path, tmp_path)
        return list(unipen.samples(document, document.segments, path.name, UnitReport()))

    got = benchmark(read)
    if benchmark.stats:
        benchmark.extra_info["samples/s"] = round(len(got) / benchmark.stats["min"])
