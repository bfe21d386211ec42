"""How well the shipped recognisers read: ``python -m kalamos.benchmark.evaluate_recognisers CORPORA RUN``.

Prints a Markdown table: accuracy on true ink (and on images) of test writers, by category, with intervals by writer.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from kalamos.benchmark.statistics.estimates import estimate
from kalamos.ink import Split
from kalamos.recognition.image import ImageRecogniser
from kalamos.recognition.nearest import NearestRecogniser
from kalamos.recognition.online import OnlineRecogniser, best
from kalamos.training.recogniser_data import Labelled, gather

CHUNK = 256


@click.command()
@click.argument("corpora", type=click.Path(path_type=Path))
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--split", type=click.Choice(["test", "validation"]), default="test", show_default=True)
def main(corpora: Path, run: Path, split: Split) -> None:
    """Read the characters of writers that were not trained on; arrays are kept in the folder RUN."""
    click.echo(table(gather(corpora, split, run / "cache")))


def table(labelled: Labelled) -> str:
    """Return the accuracies as Markdown, a row a corpus and category."""
    right = {name: found == np.array(labelled.labels, object) for name, found in read(labelled).items()}
    kinds = np.array([f"{c} {k}" for c, k in zip(labelled.corpora, labelled.categories, strict=True)])
    heads = ["category", "characters", "writers", *right]
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    for kind in sorted(set(kinds.tolist())):
        chosen = np.flatnonzero(kinds == kind)
        writers = [labelled.writers[k] for k in chosen]
        cells = [kind, str(len(chosen)), str(len(set(writers)))]
        for found in right.values():
            value = estimate(found[chosen].astype(np.float64), writers, aggregate="mean")
            cells.append(f"{value.value:.3f} ({value.low:.3f}–{value.high:.3f})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def read(labelled: Labelled) -> dict[str, np.ndarray[tuple[int], np.dtype[np.object_]]]:
    """Return recogniser -> what each character was read as."""
    online, image, nearest = OnlineRecogniser.load(), ImageRecogniser.load(), NearestRecogniser.load()
    found: dict[str, list[str]] = {"online": [], "nearest": [], "image": []}
    for first in range(0, len(labelled.labels), CHUNK):
        part = slice(first, first + CHUNK)
        kinds = labelled.categories[part]
        logits = online.logits(labelled.sequences[part].astype(np.float32))
        found["online"] += best(logits, kinds, online.alphabets)
        found["nearest"] += nearest.nearest(labelled.shapes[part].astype(np.float64), kinds)
        pixels = labelled.images[part, None].astype(np.float32) / np.float32(255)
        found["image"] += best(image.logits(pixels), kinds, image.alphabets)
    return {name: np.array(labels, object) for name, labels in found.items()}


if __name__ == "__main__":
    main()
