"""Results in the schema of Every Eval Ever, version 0.3.0: a file a model and task, where its data store wants it.

``data/kalamos/<developer>/<model>/<uuid>.json``. The identifier comes from entry, task and predictions, and the time is
that of ``result.json``, so that the same result gives the same bytes. Source of the schema: the package
``every-eval-ever`` (https://github.com/evaleval/every_eval_ever). Scores of single samples are not told: the schema for
them is one of prompts and answers in words.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kalamos.benchmark.exchange.facts import INTERVAL, UNKNOWN, Entry, entries_of, ranked_metrics
from kalamos.benchmark.result import Result, Summary
from kalamos.benchmark.score import TABLE
from kalamos.errors import StoreError
from kalamos.machinery.files import Outputs, write_text

SCHEMA_VERSION = "0.3.0"
COLLECTION = "kalamos"


def write_records(
    results: Sequence[Result],
    folder: Path,
    *,
    organization: str = UNKNOWN,
    metrics: Sequence[str] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write a record for every model on every task below ``folder``, and return the files.

    Args:
        results: of any tasks; controls are left out.
        folder: gets ``data/kalamos/...``.
        organization: who gives the results away, as the schema asks; Kalamos does not know it.
        metrics: those to tell; empty for those of the short table. Ratios, which have no better end, are left out.
        overwrite: whether files of these names may be replaced.

    Raises:
        TaskError: where no result is of a model.
        StoreError: where a file is there already, or cannot be written.
    """
    outputs, written = Outputs(overwrite=overwrite), []
    for entry in entries_of(results):
        record = record_of(entry, organization=organization, metrics=metrics)
        home = folder / "data" / COLLECTION / entry.model_id
        path = outputs.claim(home, _identifier(entry.result), ".json")
        write_text(path, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        written.append(path)
    return written


def record_of(entry: Entry, *, organization: str = UNKNOWN, metrics: Sequence[str] = ()) -> dict[str, Any]:
    """Return the record of an entry on a task, as JSON knows it."""
    result, said = entry.result, entry.submission()
    created = _created(result)
    told = {
        "task": result.task,
        "task_version": str(result.task_version),
        "task_hash": result.task_hash,
        "predictions_sha256": result.predictions_sha256,
        "samples": str(result.samples),
        "writers": str(result.writers),
        "coverage": f"{result.coverage:.6f}",
        "style": result.style,
        **({"partial": "a first look at fewer samples, which is not the task"} if result.partial else {}),
        **({"run_by": str(said["run_by"])} if said.get("run_by") else {}),
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{entry.task}/{entry.model_id}/{created}",
        "retrieved_timestamp": created,
        "source_metadata": {
            "source_name": "Kalamos benchmark of handwriting trajectory recovery",
            "source_type": "evaluation_run",
            "source_organization_name": organization,
            "evaluator_relationship": _relation(entry),
            "additional_details": told,
        },
        "eval_library": {
            "name": "kalamos",
            "version": result.provenance.get("scored", {}).get("kalamos", UNKNOWN),
            "additional_details": dict(sorted(result.provenance.get("scored", {}).items())),
        },
        "model_info": {
            "name": result.entry,
            "id": entry.model_id,
            **({} if entry.developer == UNKNOWN else {"developer": entry.developer}),
            "additional_details": {
                "deployment_type": "self_deployed" if result.kind == "model" else UNKNOWN,
                "model_availability": "open_weights" if entry.is_ours else UNKNOWN,
            },
        },
        "evaluation_results": [
            _evaluation(entry, name, summary) for name, summary in ranked_metrics(result, metrics).items()
        ],
    }


def _evaluation(entry: Entry, name: str, summary: Summary) -> dict[str, Any]:
    metric = TABLE[name]
    has_interval = math.isfinite(summary.low) and math.isfinite(summary.high)
    interval = {"lower": summary.low, "upper": summary.high, "confidence_level": 0.95, "method": INTERVAL}
    return {
        "evaluation_result_id": f"{entry.task}/{name}",
        "evaluation_name": f"kalamos {entry.task}",
        "source_data": _source(entry),
        "metric_config": {
            "evaluation_description": f"{metric.formula}",
            "metric_id": f"kalamos.{name}",
            "metric_name": name,
            "metric_unit": metric.unit or "number",
            "lower_is_better": metric.direction == "lower",
            "additional_details": {"aggregate": metric.aggregate, "source": metric.source},
        },
        "score_details": {
            "score": summary.value,
            "details": {"not_applicable_samples": str(summary.not_applicable)},
            "uncertainty": {
                **({"confidence_interval": interval} if has_interval else {}),
                "num_samples": summary.n,
            },
        },
    }


def _source(entry: Entry) -> dict[str, Any]:
    if entry.card is None:
        return {"dataset_name": entry.result.task, "source_type": "other"}
    details: Mapping[str, str] = {"corpus": entry.card.name, "licence": entry.card.licence}
    named = {"dataset_name": entry.card.title, "additional_details": dict(details)}
    if not entry.card.url:
        return {**named, "source_type": "other"}
    return {**named, "source_type": "url", "url": [entry.card.url]}


def _relation(entry: Entry) -> str:
    return str(entry.submission().get("relation") or "other")


def _identifier(result: Result) -> str:
    """Return a UUID of version 4 in form, the same for the same entry, task and predictions."""
    named = f"{result.entry}\n{result.task_hash}\n{result.partial}\n{result.predictions_sha256}"
    return str(uuid.UUID(bytes=hashlib.sha256(named.encode()).digest()[:16], version=4))


def _created(result: Result) -> str:
    """Return the second in which the result was written, since 1970."""
    path = result.folder / "result.json"
    try:
        return str(int(path.stat().st_mtime))
    except OSError as error:
        raise StoreError(f"{path} has vanished: {error.strerror or error}") from error


def day_of(result: Result) -> str:
    """Return the day on which the result was written, in UTC."""
    return datetime.fromtimestamp(int(_created(result)), UTC).date().isoformat()
