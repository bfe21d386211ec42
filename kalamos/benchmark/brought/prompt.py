"""What a vision-language model is asked: the prompt, and how it is to be sampled.

Both belong to the entry: whoever changes either gives the entry another name. ``PROMPT`` has a version and a hash,
which stand in the predictions.
"""

from __future__ import annotations

import hashlib

from kalamos.scripts import NAMES

VERSION = 1
PROMPT = """The image is {width} x {height} pixels and shows handwriting{script}, dark on light.
Recover how the pen moved.

Give the strokes in the order in which they were written. A stroke begins where the pen is set down and ends where it
is lifted. Give the points of a stroke in the order in which the pen passed them, along the middle of the ink: from 8
points for a short stroke to 60 for a long one; 1 for a dot.
x goes to the right from 0 to {width}, y goes down from 0 to {height}.

Answer with one JSON object and nothing else, no explanation:
{{"strokes": [[[x, y], [x, y]], [[x, y], [x, y], [x, y]]]}}
"""
SAMPLING = {"temperature": 0, "n": 1, "max_tokens": 8192}
"""One answer, none chosen among several, no tools. What of it a service does not let one set is told on the entry's
card; so is whether the model reasons first."""


def prompt_for(width: int, height: int, script: str | None) -> str:
    """Return the prompt for an image of that size; ``script`` is None where the task does not tell it."""
    named = f" in the script {NAMES[script]}" if script in NAMES else ""
    return PROMPT.format(width=width, height=height, script=named)


def prompt_hash() -> str:
    """Return a short hash of the prompt, before sizes are put in."""
    return hashlib.sha256(PROMPT.encode()).hexdigest()[:16]
