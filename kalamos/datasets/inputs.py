"""What a conversion was begun with: the state of its input files, and texts that storage can hold.

A run that continues another must read the same files. Their sizes and times are kept, by shard, beside the shards and
not in them: the bytes of a shard do not depend on when a corpus was unpacked.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kalamos.errors import StoreError
from kalamos.ink import Sample
from kalamos.machinery.files import write_text
from kalamos.machinery.seeding import stable_hash

NAME = ".inputs.json"
"""The file, in the folder of a conversion, that says what its inputs were."""
BESIDE = "beside"
"""What stands for the files beside the units, among the names of shards."""
TEXTS = ("key", "label", "script", "writer", "corpus", "source")

_LONE = re.compile("[\ud800-\udfff]")


def state_of(root: Path, unit: str) -> str:
    """Return size and time of the file or folder of a unit; empty where a unit is none (the built-in corpus)."""
    for place in (root / unit, root / unit.rpartition("#")[0], root):
        try:
            found = place.stat()
        except (OSError, ValueError):
            continue
        if place != root:
            return f"{found.st_size}-{found.st_mtime_ns}"
        return "there" if root.is_dir() else f"{found.st_size}-{found.st_mtime_ns}"
    return ""


def state_beside(root: Path, patterns: Sequence[str]) -> str:
    """Return one text for names, sizes and times of all files that are read with the units (:attr:`Card.beside`)."""
    found = sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()})
    told = (
        f"{path.relative_to(root).as_posix()} {state_of(root, path.relative_to(root).as_posix())}" for path in found
    )
    return "\n".join(told)


def check_inputs(destination: Path, states: Mapping[str, Sequence[str]]) -> None:
    """Note the state of the inputs of each shard where a conversion begins; compare it where one goes on.

    Raises:
        StoreError: where a file is not what it was when the conversion began.
    """
    path = destination / NAME
    now = {shard: f"{stable_hash(' '.join(of_units)):016x}" for shard, of_units in states.items()}
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        write_text(path, json.dumps(now, indent=1, sort_keys=True) + "\n")
        return
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); choose a new folder, or delete this one") from error
    if not isinstance(begun, dict):
        raise StoreError(f"{path} does not say what the inputs were; choose a new folder, or delete this one")
    begun.setdefault(BESIDE, now.get(BESIDE))  # conversions of old do not say it
    changed = sorted(shard for shard in now if begun.get(shard) != now[shard])
    if changed:
        if changed == [BESIDE]:
            told = "the files that the corpus reads beside its units (labels, included ink, splits)"
        else:
            told = f"the input files of {len(changed)} of {len(states.keys() - {BESIDE})} shards"
        raise StoreError(
            f"{told} are not what they were when {destination} was "
            f"begun (size or time differ; first: {changed[0]}). Choose a new folder, or delete this one to begin "
            f"again; if you know that only times differ, delete {path}"
        )


def mended_text(sample: Sample, counts: Counter[str]) -> Sample:
    """Return the sample with texts that UTF-8 can hold; a mending is counted as ``text-not-unicode``.

    A lone surrogate becomes U+FFFD; a byte of a file name that is no UTF-8 becomes ``%`` and two hex digits, so that
    two such names stay different.
    """
    if (sample.key + sample.label + sample.writer + sample.source).isascii():
        return sample
    wrong = {name: text for name in TEXTS if _LONE.search(text := getattr(sample, name))}
    if not wrong:
        return sample
    counts["text-not-unicode"] += 1
    mended: dict[str, Any] = {name: _LONE.sub(_spelt, text) for name, text in wrong.items()}
    return replace(sample, **mended)


def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"%{code - 0xDC00:02X}" if 0xDC80 <= code <= 0xDCFF else "\ufffd"
