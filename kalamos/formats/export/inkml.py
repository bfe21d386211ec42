"""Write InkML: a context for each set of channels, a ``traceGroup`` with annotations for each sample."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from kalamos.formats.export.text import numbers, xml_attribute, xml_text
from kalamos.formats.inkml import GENERATOR
from kalamos.formats.inkml.channels import NAMES
from kalamos.formats.sample_fields import fields_of
from kalamos.ink import Ink, Sample
from kalamos.machinery.files import writing_text

_STANDARD = {own: name for name, own in NAMES.items()}
_ATTRIBUTES = {"t": 'name="T" type="decimal" units="s"', "pressure": 'name="F" type="decimal" min="0" max="1"'}


def write_inkml(samples: Iterable[Sample], path: Path) -> int:
    """Write samples into one InkML file and return how many; nothing is lost.

    Raises:
        StoreError: where the file cannot be written.
    """
    contexts: dict[tuple[str, ...], str] = {}
    count = 0
    with writing_text(path) as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<ink xmlns="http://www.w3.org/2003/InkML">\n')
        file.write(f'<annotation type="generator">{GENERATOR}</annotation>\n')
        for sample in samples:
            channels = tuple(name for name, _ in sample.ink.channels())
            if channels not in contexts:
                contexts[channels] = f"context{len(contexts)}"
                file.writelines(_context(contexts[channels], channels))
            file.writelines(_group(sample, f"sample{count}", contexts[channels]))
            count += 1
        file.write("</ink>\n")
    return count


def _context(name: str, channels: tuple[str, ...]) -> Iterator[str]:
    yield f'<context xml:id="{name}">\n<traceFormat>\n'
    for axis in ("X", "Y"):
        yield f'<channel name="{axis}" type="decimal"/>\n'
    for channel in channels:
        own = f'name={xml_attribute(_STANDARD.get(channel, channel))} type="decimal"'
        yield f"<channel {_ATTRIBUTES.get(channel, own)}/>\n"
    yield "</traceFormat>\n</context>\n"


def _group(sample: Sample, name: str, context: str) -> Iterator[str]:
    yield f'<traceGroup xml:id="{name}" contextRef="#{context}">\n'
    for field, text in fields_of(sample).items():
        yield f"<annotation type={xml_attribute(field)}>{xml_text(text)}</annotation>\n"
    for trace in _traces(sample.ink):
        yield f"<trace>{trace}</trace>\n"
    yield "</traceGroup>\n"


def _traces(ink: Ink) -> Iterator[str]:
    columns = [numbers(values) for values in (ink.xy[:, 0], ink.xy[:, 1], *(values for _, values in ink.channels()))]
    points = [" ".join(point) for point in zip(*columns, strict=True)]
    bounds = ink.offsets.tolist()
    return (", ".join(points[a:b]) for a, b in itertools.pairwise(bounds))
