"""The card of an entry: who ran it and when, code and weights with their hashes, trained on what, at what cost.

``card.toml``, checked by ``card.schema.json``. It holds no score: what anybody says of his own score is never read.
"""

from __future__ import annotations

import datetime
import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from kalamos.benchmark.entries import checked_name, reserved
from kalamos.benchmark.submission.finding import Finding, look, wrong
from kalamos.benchmark.task import Task
from kalamos.datasets import CORPORA
from kalamos.errors import KalamosError, TaskError
from kalamos.formats.reading import read_bytes

CARD = "card.toml"
KEYS = "training-keys.txt"
MAX_BYTES, MAX_KEYS_BYTES = 64 * 2**10, 64 * 2**20
_SAME = {"omniglot-stroke3": "omniglot"}
"""Corpora that are another form of one: trained on either is trained on both."""
_MOST = 20
MAX_NUMBER = 1e15
EXAMPLES = (
    "Ada Lovelace",
    "github.com/someone/",
    "example.org/letters",
    "0123456789abcdef0123456789abcdef01234567",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
)
"""What stands on the example of a card, and on nobody's own; the last one is the hash of no content."""


@dataclass(frozen=True)
class Card:
    """A card that keeps to the schema.

    Attributes:
        values: its content, dates as text.
    """

    values: Mapping[str, Any]

    @property
    def entry(self) -> str:
        """The name of the row."""
        return str(self.values["entry"])

    @property
    def task(self) -> str:
        """The name of the task."""
        return str(self.values["task"])

    @property
    def corpora(self) -> Sequence[Mapping[str, Any]] | None:
        """What it was trained on; None where nobody says."""
        said = self.values["training"]["corpora"]
        return None if said == "unknown" else said


def read_card(folder: Path) -> tuple[Card | None, list[Finding]]:
    """Read the card of an entry's folder; where it breaks the schema, there is none, and the findings say where."""
    path = folder / CARD
    try:
        plain = _with_dates(tomllib.loads(read_bytes(path, MAX_BYTES).decode("utf-8")))
    except (KalamosError, ValueError, RecursionError) as error:
        text = " ".join(str(error).removeprefix(str(path)).lstrip(": ").split())[:300]
        return None, [
            wrong("card", f"{CARD} cannot be read: {text}; `kalamos new results-repository` writes an example")
        ]
    faults = sorted(_validator().iter_errors(plain), key=lambda fault: [str(part) for part in fault.absolute_path])
    if faults:
        return None, [wrong("card", _said(fault)) for fault in faults[:_MOST]]
    return Card(plain), []


def card_findings(card: Card, folder: Path, today: datetime.date) -> list[Finding]:
    """Return what is wrong with a card beside its form: a name that cannot be one, a date to come."""
    found = []
    try:
        checked_name(card.entry, "an entry")
    except TaskError as error:
        found.append(wrong("name", str(error)))
    if card.entry in reserved():
        found.append(wrong("name", f"{card.entry!r} is built in: give the entry another name"))
    if folder.resolve().name != card.entry:
        found.append(wrong("name", f"the folder is called {folder.resolve().name!r} and the entry {card.entry!r}"))
    left = [place for place, text in _texts(card.values) if not text.strip(". ") or any(e in text for e in EXAMPLES)]
    if left:
        found.append(wrong("card", f"{CARD}: put in what is yours at {', '.join(left)[:200]}, or leave the field out"))
    try:
        date = datetime.date.fromisoformat(card.values["run"]["date"])
    except ValueError:
        return [*found, wrong("card", f"{CARD}, run/date: {card.values['run']['date']!r} is no date")]
    if date > today + datetime.timedelta(days=1):
        found.append(wrong("card", f"{CARD}, run/date: {date} is still to come"))
    return found


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a card with its place."""
    if isinstance(value, str):
        yield place, value
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _texts(item, f"{place}/{name}".lstrip("/"))


def training_findings(card: Card, task: Task, folder: Path, keys: set[str]) -> list[Finding]:
    """Return whether the card, or the list of training keys beside it, says that the test was trained on.

    Args:
        card: the card.
        task: what was answered.
        folder: the entry's folder; ``training-keys.txt`` in it has a key a line.
        keys: of the task's samples.
    """
    found = list(_unknown_corpora(card))
    splits = {split for said in card.corpora or () if _is_of(said["corpus"], task.corpus) for split in said["splits"]}
    tested = {"test", "all"} if task.split == "test" else {str(task.split), "all"} if task.split else splits
    seen = sorted(splits & tested)
    if seen:
        found.append(
            wrong(
                "trained on test", f"the card says: trained on {task.corpus} ({', '.join(seen)}), which the task tests"
            )
        )
    elif splits & {"own", "unknown"}:
        found.append(
            look(
                "trained on this corpus",
                f"trained on another division of {task.corpus}, which may hold writers of the test: name the training "
                f"samples in {KEYS}, a key a line",
            )
        )
    return found + _training_keys(folder / KEYS, keys)


def trained_on(card: Card, corpus: str) -> str:
    """Return what a card says on whether a corpus was trained on: ``yes (train)``, ``no`` or ``unknown``."""
    if card.corpora is None:
        return "unknown"
    splits = [split for said in card.corpora if _is_of(said["corpus"], corpus) for split in said["splits"]]
    return f"yes ({', '.join(dict.fromkeys(splits))})" if splits else "no"


def _unknown_corpora(card: Card) -> Iterator[Finding]:
    """Yield corpora that are neither known nor told where they are: a name spelt wrongly would hide a training."""
    known = CORPORA.names()
    for said in card.corpora or ():
        name = said["corpus"]
        if any(_is_of(name, corpus) for corpus in known) or "where" in said:
            continue
        near = difflib.get_close_matches(name.casefold(), known, 1, 0.6)
        hint = f"did you mean {near[0]!r}? " if near else ""
        text = f"no corpus is called {name!r}; {hint}`kalamos list corpora` has those that are; of others say `where`"
        yield wrong("card", text)


def _is_of(name: str, corpus: str) -> bool:
    """Say whether a name on a card means a corpus: its own name stands in it, however it is spelt."""
    plain = _plain(name)
    forms = {corpus, *(form for form, whole in _SAME.items() if whole == corpus), _SAME.get(corpus, corpus)}
    return any(re.search(rf"(?<![a-z0-9]){re.escape(_plain(form))}(?![a-z])", plain) for form in forms)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.casefold()).strip("-")


def _training_keys(path: Path, keys: set[str]) -> list[Finding]:
    if not path.exists():
        return []
    try:
        lines = read_bytes(path, MAX_KEYS_BYTES).decode("utf-8").splitlines()
    except (KalamosError, UnicodeDecodeError) as error:
        return [wrong("training keys", f"{KEYS} cannot be read: {' '.join(str(error).split())[:200]}")]
    both = sorted(keys.intersection(line.strip() for line in lines))
    if not both:
        return []
    return [wrong("trained on test", f"{len(both)} of the training samples in {KEYS} are samples of the task", both)]


def _with_dates(value: Any) -> Any:
    """Return what TOML holds as JSON knows it: dates as text.

    Raises:
        ValueError: where a number is none, or larger than anybody's cost.
    """
    if isinstance(value, int | float) and not abs(value) < MAX_NUMBER:
        raise ValueError("a number is not finite, or too large")
    if isinstance(value, dict):
        return {name: _with_dates(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_dates(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def _said(fault: Any) -> str:
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - only where a card is wrong

    deepest = best_match([fault])
    place = "/".join(map(str, deepest.absolute_path)) or "the whole"
    about = deepest.schema.get("description", "") if isinstance(deepest.schema, dict) else ""
    return f"{CARD}, {place[:100]}: {' '.join(deepest.message.split())[:200]}" + (f" ({about})" if about else "")


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only where a card is read

    text = (resources.files("kalamos.benchmark.submission") / "card.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))
