"""A result as a notebook shows it: the main metrics with their intervals, and what was not answered."""

from __future__ import annotations

import math
from html import escape

from kalamos.benchmark.board.table import MAIN, number_text
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import Result, Summary

_SIGNS = {"lower": "↓", "higher": "↑", "one": ""}


def result_html(result: Result) -> str:
    """Return a result's table: a row a main metric, with the 95 % interval and the number of samples."""
    what = [
        f"{result.task} v{result.task_version}: {result.samples} samples of {result.writers} writers",
        f"{result.coverage:.1%} answered",
        *(["a first look at fewer samples"] if result.partial else []),
        *([f"{'an' if result.kind == 'attack' else 'a'} {result.kind}, no method"] if not result.is_ranked else []),
        *(f"{number} x {message}" for message, number in list(result.failures.items())[:5]),
    ]
    rows = "".join(_row(name, result.metrics[name]) for name in MAIN if name in result.metrics)
    return (
        f"<table><caption><b>{escape(result.entry)}</b><br>{'<br>'.join(map(escape, what))}</caption>"
        f"<thead><tr><th>metric</th><th>value</th><th>95 % interval</th><th>n</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _row(name: str, summary: Summary) -> str:
    sign = _SIGNS[TABLE[name].direction]
    ends = (summary.low, summary.high)
    interval = "–" if any(map(math.isnan, ends)) else " to ".join(map(number_text, ends))
    return (
        f"<tr><td>{name} {sign}</td><td>{number_text(summary.value)}</td><td>{interval}</td><td>{summary.n}</td></tr>"
    )
