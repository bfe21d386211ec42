"""What a notebook shows of an ink, a sample, a recovery and a result."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from kalamos.benchmark.result import Result, Summary
from kalamos.ink import Ink, Sample
from kalamos.recovery import RecoveredPiece, Recovery, in_lines
from kalamos.replay.still import MAX_BYTES, drawing

TWO = Ink.from_strokes([[(0, 0), (10, 0), (10, 10)], [(0, 20), (30, 20)]])


def colours(svg: str) -> list[tuple[int, int, int]]:
    found = re.findall(r'stroke="#(..)(..)(..)"', svg)
    return [(int(r, 16), int(g, 16), int(b, 16)) for r, g, b in found]


def shown(svg: str) -> np.ndarray:
    numbers = " ".join(re.findall(r'<path d="M([^"]+)"', svg)).replace("L", " ")
    return np.array(numbers.split(), float).reshape(-1, 2)


def test_colour_runs_from_blue_to_orange_in_the_order_written() -> None:
    seen = colours(drawing(TWO))
    red = [r for r, _, _ in seen]
    assert red == sorted(red)
    assert seen[0][2] > seen[0][0]
    assert seen[-1][0] > seen[-1][2]
    backwards = Ink(TWO.xy[::-1].copy(), np.array([0, 2, 5], np.int32))
    assert drawing(backwards) != drawing(TWO)


def test_the_drawing_keeps_proportions_and_every_stroke_lies_in_its_frame() -> None:
    root = ElementTree.fromstring(drawing(TWO))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    points = shown(drawing(TWO))
    assert points.min() >= 7.9
    assert points[:, 0].max() <= width - 7.9
    assert points[:, 1].max() <= height - 7.9
    assert np.ptp(points[:, 0]) / np.ptp(points[:, 1]) == pytest.approx(30 / 20, rel=0.01)
    assert drawing(TWO).count("<circle") == TWO.n_strokes


@pytest.mark.parametrize(
    "ink",
    [
        Ink.empty(),
        Ink.from_strokes([[(5, 5)]]),
        Ink.from_strokes([[(5, 5)], [(5, 5)]]),
        Ink.from_strokes([[(0, 5), (9, 5)]]),
        Ink.from_strokes([[(5, 0), (5, 9)]]),
        Ink.from_strokes([[(-1e30, 0), (1e30, 1e30)]]),
        Ink.from_strokes([[(1e7, 1e7), (1e7 + 1, 1e7)]], t=[[0.0, 0.0]]),
    ],
    ids=["empty", "dot", "two dots", "flat", "upright", "huge", "no duration"],
)
def test_odd_inks_are_drawn(ink: Ink) -> None:
    svg = drawing(ink)
    ElementTree.fromstring(svg)
    assert "nan" not in svg
    assert "inf" not in svg


def test_a_page_stays_small_and_says_what_it_leaves_out() -> None:
    rng = np.random.default_rng(0)
    page = Ink.from_strokes([rng.normal(rng.uniform(0, 2000, 2), 9, (60, 2)) for _ in range(2000)])
    html = page._repr_html_()
    assert len(html) < MAX_BYTES + 1000
    assert len(drawing(page)) <= MAX_BYTES
    number = int(re.search(r"shown are the first (\d+) strokes", html).group(1))  # type: ignore[union-attr]
    assert 0 < number < 2000
    assert number == html.count("<path")
    assert "shown are the first" not in TWO._repr_html_()


def test_names_from_a_corpus_cannot_become_markup() -> None:
    evil = "<script>alert(1)</script>"
    sample = Sample(evil, TWO, label="&" + evil, writer=evil, corpus="x")
    html = sample._repr_html_()
    assert "<script" not in html
    assert "&amp;&lt;script" in html


def test_a_recovery_tells_its_warnings_and_its_confidence() -> None:
    piece = RecoveredPiece(TWO, (0, 0, 30, 20), covered=0.5, confidence=0.25, warning="half <is> missing")
    html = Recovery(in_lines([piece]), "nearest")._repr_html_()
    assert "warning: half &lt;is&gt; missing" in html
    assert "50.0% of the ink covered" in html
    assert "0.25" in html
    assert "0 pieces" in Recovery((), "nearest")._repr_html_()


def a_result(**changes: Any) -> Result:
    empty: dict[str, Any] = {field.name: {} for field in fields(Result)}
    made = Result(
        **{
            **empty,
            "entry": "<b>me</b>", "kind": "model", "task": "t", "task_version": 2, "task_hash": "", "partial": False,
            "style": "", "samples": 3, "writers": 1, "coverage": 2 / 3, "failures": {"timeout": 1},
            "milliseconds": None, "peak_memory_mb": None, "predictions_sha256": "", "folder": Path(),
            "metrics": {"lcss": Summary(0.5, float("nan"), float("nan"), 0.5, 3, 0)},
        }
    )  # fmt: skip
    return replace(made, **changes)


def test_a_result_shows_values_without_an_interval_that_it_does_not_have() -> None:
    html = a_result()._repr_html_()
    assert "0.500" in html
    assert "<td>–</td>" in html
    assert "nan" not in html
    assert "66.7% answered" in html
    assert "1 x timeout" in html
    assert "<b>me" not in html
    assert "a control, no method" in a_result(kind="control")._repr_html_()
