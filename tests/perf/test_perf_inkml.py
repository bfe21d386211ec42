"""InkML to arrays, beside the two usual ways: ElementTree and numpy, lxml and numpy.

Run: ``pytest tests/perf/test_perf_inkml.py --benchmark-only --benchmark-group-by=group``. Every row of a group reads
the same bytes, so the ratios of one run are what counts. The peers only make arrays of the numbers; Kalamos' rows also
resolve contexts, and "to ink" mends and checks it. ``extra_info`` gives megabytes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from kalamos.formats import inkml

NAMESPACE = "{http://www.w3.org/2003/InkML}"


def expression(n_traces: int, n_points: int, seed: int) -> bytes:
    """Return a file like those of CROHME: X and Y with up to four decimals."""
    rng = np.random.default_rng(seed)
    traces = []
    for k in range(n_traces):
        points = np.cumsum(rng.normal(0, 2, (n_points, 2)), axis=0) + rng.uniform(0, 500, 2)
        traces.append(f'<trace id="{k}">\n' + ", ".join(f"{x:.4f} {y:.4f}" for x, y in points) + "\n</trace>")
    head = '<traceFormat><channel name="X" type="decimal"/><channel name="Y" type="decimal"/></traceFormat>'
    truth = '<annotation type="truth">$x^2$</annotation>'
    return "\n".join(['<ink xmlns="http://www.w3.org/2003/InkML">', head, truth, *traces, "</ink>"]).encode()


def poh_pages() -> list[bytes]:
    """Return thirty real pages with ten channels, where there are any."""
    folder = Path(os.environ.get("KALAMOS_CORPORA", "/nowhere")) / "poh-db" / "Writepads"
    return [file.read_bytes() for file in sorted(folder.glob("*/*.inkml"))[::120]]


def by_kalamos(files: list[bytes]) -> int:
    return sum(inkml.parse_document(data, "x").ink(counts=Counter()).n_points for data in files)


def by_kalamos_arrays(files: list[bytes]) -> int:
    return sum(len(inkml.parse_document(data, "x").arrays.xy) for data in files)


def by_elementtree_and_numpy(files: list[bytes]) -> int:
    """Parse as most published loaders do: split the text, convert, reshape."""
    n = 0
    for data in files:
        for trace in ElementTree.fromstring(data).iter(f"{NAMESPACE}trace"):
            n += len(np.array([point.split() for point in (trace.text or "").split(",") if point.strip()], np.float64))
    return n


def by_lxml_and_numpy(files: list[bytes]) -> int:
    """Parse with lxml and numpy's text reader over a whole trace."""
    etree = pytest.importorskip("lxml.etree")
    n = 0
    for data in files:
        root = etree.fromstring(data)
        width = len(root.findall(f".//{NAMESPACE}channel"))
        for trace in root.iter(f"{NAMESPACE}trace"):
            text = (trace.text or "").replace(",", " ")
            n += len(np.fromstring(text, sep=" ").reshape(-1, width))
    return n


INPUTS: dict[str, Callable[[], list[bytes]]] = {
    "expressions, 40 traces of 38 points": lambda: [expression(40, 38, seed) for seed in range(30)],
    "symbols, 3 traces of 40 points": lambda: [expression(3, 40, seed) for seed in range(200)],
    "texts, 300 traces of 50 points": lambda: [expression(300, 50, seed) for seed in range(5)],
    "real pages of ten channels": poh_pages,
}
READERS = {
    "kalamos, to ink": by_kalamos,
    "kalamos, to arrays": by_kalamos_arrays,
    "elementtree + numpy": by_elementtree_and_numpy,
    "lxml + numpy": by_lxml_and_numpy,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", INPUTS)
def test_inkml_to_arrays(benchmark: Any, name: str, reader: str) -> None:
    files = INPUTS[name]()
    if not files:
        pytest.skip("the environment variable KALAMOS_CORPORA names no folder with the real corpora")
    benchmark.group = f"InkML: {name}"
    benchmark.extra_info["megabytes"] = sum(map(len, files)) / 1e6
    n_points = benchmark(READERS[reader], files)
    assert n_points == pytest.approx(by_elementtree_and_numpy(files), rel=0.2)
