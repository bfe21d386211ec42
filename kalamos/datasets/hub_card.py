"""The data card beside the shards: what the Hugging Face hub and ``datasets`` read of a folder, then words for people.

The head is YAML in the form that JSON shares with it, so that no text of a corpus can break it.
"""

from __future__ import annotations

import json
from typing import Any

import kalamos
from kalamos.datasets.conversion import Converted
from kalamos.datasets.licences import licences_in

_TAGS = ("handwriting", "online-handwriting", "trajectory-recovery", "kalamos")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGER = ((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"))


def dataset_card(converted: Converted) -> str:
    """Return the text of ``README.md`` for a conversion."""
    head = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in _head(converted).items()]
    return "\n".join(["---", *head, "---", *_body(converted), ""])


def _head(converted: Converted) -> dict[str, Any]:
    card, licences = converted.card, licences_in(converted.card.licence)
    files = [{"split": split, "path": [f"{files[0].split}-*.parquet"]} for split, files in converted.splits().items()]
    named: dict[str, Any] = {"license": [licence.hub for licence in licences]}
    if len(licences) == 1:
        named = {"license": licences[0].hub}
    if not licences:
        named = {"license": "other", "license_name": "see-the-card", "license_link": card.url or "README.md"}
    return {
        "pretty_name": card.title,
        **named,
        "size_categories": [_size_category(converted.report.samples)],
        "tags": [*_TAGS, f"corpus-{card.name}"],
        **({"configs": [{"config_name": "default", "data_files": files}]} if files else {}),
    }


def _body(converted: Converted) -> list[str]:
    card, report, conversion = converted.card, converted.report, converted.conversion
    splits = ", ".join(f"{split} {sum(f.rows for f in files)}" for split, files in converted.splits().items())
    return [
        f"# {card.title}: ink and images by Kalamos {kalamos.__version__}",
        "",
        f"- licence of the corpus: {card.licence}",
        f"- cite: {card.citation}",
        *([f"- published at: {card.url}"] if card.url else []),
        f"- samples: {report.samples}; " + "; ".join(f"{k}: {v}" for k, v in report.counts.items()),
        f"- what `load_dataset` shows: {splits or 'nothing'}",
        *(["- **no sample has a label**"] if report.is_unlabelled else []),
        f"- announced by the files: {report.expected or 'nothing to compare with'}",
        f"- mended: {report.mendings or 'nothing'}",
        *(f"- recognised: {number} x {what}" for what, number in report.recognised.items()),
        f"- style: {'ink only' if conversion.style is None else conversion.style.hash}, seed {conversion.seed}",
        f"- refused: {len(report.refusals)}; each one stands in report.json",
        "",
        "| refused | reason |",
        "|---:|---|",
        *(f"| {number} | {reason} |" for reason, number in report.reasons().most_common()),
    ]


def _size_category(samples: int) -> str:
    return next((name for below, name in (*_SIZES, *_LARGER) if samples < below), "1B<n<10B")
