"""Results for model repositories on the Hugging Face hub: a card with ``model-index``, and ``.eval_results``.

Both are made by ``huggingface_hub``'s own classes (extra ``kalamos[hub]``). A hub's leaderboard belongs to a data set:
``.eval_results`` names the one that was made of a task by ``kalamos croissant`` and pushed by its owner.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kalamos.benchmark.board.table import FIRST
from kalamos.benchmark.exchange.every_eval_ever import day_of
from kalamos.benchmark.exchange.facts import INTERVAL, Entry, entries_of, portable, ranked_metrics
from kalamos.benchmark.result import Result, Summary
from kalamos.benchmark.score import TABLE
from kalamos.errors import KalamosError
from kalamos.machinery.files import Outputs, write_text
from kalamos.machinery.seeding import stable_hash

TASK_TYPE = "handwriting-trajectory-recovery"


def write_model_folders(
    results: Sequence[Result],
    folder: Path,
    *,
    tasks_of: str = "",
    metrics: Sequence[str] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write a folder for every model, ready to be put into its repository, and return the files.

    Args:
        results: of any tasks; controls are left out, and first looks at fewer samples too.
        folder: gets a folder a model.
        tasks_of: the user or organisation of the hub that holds the tasks' data sets, ``<name>-v<version>``; empty for
            no ``.eval_results``.
        metrics: those of the card; empty for those of the short table.
        overwrite: whether files of these names may be replaced.

    Raises:
        KalamosError: where ``huggingface_hub`` is not installed.
        TaskError: where no result is of a model.
        StoreError: where a file is there already, or cannot be written.
    """
    hub = _library()
    outputs, written = Outputs(overwrite=overwrite), []
    whole = [entry for entry in entries_of(results) if not entry.result.partial]
    if not whole:
        raise KalamosError("only first looks at fewer samples are here; they are no results of a task")
    homes = {name: portable(name) for name in dict.fromkeys(entry.result.entry for entry in whole)}
    twice = {home for home, number in Counter(homes.values()).items() if number > 1}
    for name, group in itertools.groupby(whole, lambda entry: entry.result.entry):
        own = f"{homes[name]}-{stable_hash(name):016x}" if homes[name] in twice else homes[name]
        entries, home = list(group), folder / own
        path = outputs.claim(home, "README.md")
        write_text(path, model_card(hub, entries, tasks_of=tasks_of, metrics=metrics))
        written.append(path)
        for entry in (entry for entry in entries if tasks_of and FIRST in entry.result.metrics):
            path = outputs.claim(home / ".eval_results", f"{entry.task}.yaml")
            write_text(path, eval_results(hub, entry, tasks_of))
            written.append(path)
    return written


def model_card(hub: Any, entries: Sequence[Entry], *, tasks_of: str = "", metrics: Sequence[str] = ()) -> str:
    """Return the text of a model card for an entry on some tasks."""
    first = entries[0]
    rows = [
        hub.EvalResult(
            task_type=TASK_TYPE,
            dataset_type=f"{tasks_of}/{entry.task}" if tasks_of else entry.task,
            dataset_name=f"Kalamos {entry.task}",
            metric_type=name,
            metric_value=round(summary.value, 6),
            metric_name=f"{name} ({TABLE[name].direction} is better)",
        )
        for entry in entries
        for name, summary in ranked_metrics(entry.result, metrics).items()
    ]
    licence = {"license": "mit"} if first.is_ours else {}
    tags = ["handwriting", "trajectory-recovery", "kalamos"]
    data = hub.ModelCardData(**licence, tags=tags, model_name=first.result.entry, eval_results=rows)
    body = [f"# {first.result.entry}", "", "Scores of the Kalamos benchmark of handwriting trajectory recovery.", ""]
    body += ["| task | samples | metric | value | 95 % interval |", "|---|---:|---|---:|---|"]
    body += [
        f"| {entry.task} | {entry.result.samples} | {name} | {summary.value:.3f} | {_interval(summary)} |"
        for entry in entries
        for name, summary in ranked_metrics(entry.result, metrics).items()
    ]
    body += ["", f"{INTERVAL}. Coverage: " + _coverage(entries) + ". " + _who(first)]
    return str(hub.ModelCard("---\n" + data.to_yaml() + "\n---\n\n" + "\n".join(body) + "\n"))


def eval_results(hub: Any, entry: Entry, tasks_of: str) -> str:
    """Return the text of ``.eval_results/<task>.yaml``: the metric by which the board is ordered, as YAML."""
    summary: Summary = entry.result.metrics[FIRST]
    row = hub.EvalResultEntry(
        dataset_id=f"{tasks_of}/{entry.task}",
        task_id=entry.result.task,
        value=round(summary.value, 6),
        date=day_of(entry.result),
        notes=f"{FIRST}; {INTERVAL}: {_interval(summary) or 'none'}; {entry.result.samples} samples",
    )
    return "".join(f"- {json.dumps(told)}\n" for told in hub.eval_result_entries_to_yaml([row]))


def _interval(summary: Summary) -> str:
    return "" if math.isnan(summary.low) else f"{summary.low:.3f} to {summary.high:.3f}"


def _coverage(entries: Sequence[Entry]) -> str:
    return ", ".join(f"{entry.task} {entry.result.coverage:.3f}" for entry in entries)


def _who(entry: Entry) -> str:
    by = entry.submission().get("run_by")
    return f"Run by {by}." if by else "Who ran it, the results do not say."


def _library() -> Any:
    try:
        import huggingface_hub  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise KalamosError("this needs huggingface_hub: pip install 'kalamos[hub]'") from error
    return huggingface_hub
