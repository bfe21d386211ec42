"""What reading met beside the samples: what was refused, mended, announced by the files, and recognised."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """A piece of a file or corpus that could not become a sample, and why.

    Attributes:
        source: the file, relative to the corpus folder where there is one.
        where: the place in it (line, segment, trace), empty for the whole file.
        reason: what is wrong; equal reasons are counted together, so details go into ``where``.
    """

    source: str
    where: str
    reason: str


@dataclass(slots=True)
class UnitReport:
    """What reading one unit met beside its samples.

    Attributes:
        refusals: pieces that gave no sample.
        mendings: rule -> how often it mended something (see :mod:`kalamos.formats.mending`).
        expected: pieces that the files announce (e.g. ``.SEGMENT CHARACTER`` lines), by name.
        recognised: ``format: why it is that one`` -> files, where the format had to be found out.
    """

    refusals: list[Refusal] = field(default_factory=list)
    mendings: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    recognised: Counter[str] = field(default_factory=Counter)
