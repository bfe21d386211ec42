"""The front door: what ``import kalamos`` offers, one function a job.

>>> import kalamos
>>> found = kalamos.recover("scan.png")  # doctest: +SKIP
>>> picture = kalamos.render(found, "ballpoint")  # doctest: +SKIP
>>> scores = kalamos.score(recovered, truth, metrics=["rmse_arc"])  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from kalamos.datasets import CORPORA
from kalamos.datasets.corpus import Card, Corpus, UnitReport
from kalamos.datasets.shared_root import find_corpus, shared_root
from kalamos.errors import KalamosError, UnknownNameError
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Level, Sample, Split, as_ink
from kalamos.machinery.arrays import Bytes
from kalamos.machinery.compiling import say_when_compiling
from kalamos.recoverer import RECOVERERS, Recoverer, as_recoverer, load_recoverer, recover_groups
from kalamos.recovery import Recovery
from kalamos.scripts import checked_script

if TYPE_CHECKING:
    from kalamos.scans.read import Page
    from kalamos.scans.segment import SegmentLevel

PREFERRED = ("kalamos", "good-continuation")
"""The default model: the first of these that can be loaded."""
MOST_PATHS = 100
"""More paths of a piece than these are not asked for: each takes memory."""


def recover(
    picture: object,
    *,
    model: str | Recoverer | Callable[[], Recoverer] | None = None,
    script: str | None = None,
    level: SegmentLevel = "word",
    n_best: int = 1,
) -> Recovery:
    """Recover how a pen moved from a picture of handwriting.

    Args:
        picture: a path (of several pages the first is read), a PIL image, an array ``(h, w)`` or ``(h, w, 3)``, or an
            :class:`~kalamos.image.OfflineImage`, which is taken as one clean piece of writing and neither cleaned nor
            cut; nor is it traced where the model leaves ink out: a warning says so.
        model: what :func:`kalamos.recoverer.load_recoverer` takes, a recoverer, or its class; None for the best that is
            installed.
        script: ISO 15924 code, where it is known; else the image's own.
        level: into which pieces the picture is cut: ``page`` (all as one), ``line``, ``word`` or ``character``.
        n_best: how many paths a piece is to have, 1 to 100, the chosen one among them, where the model can tell.

    Raises:
        UnknownNameError: where no script or no model is called so.
        KalamosError: where the picture cannot be read, the model cannot be loaded, or another argument is none.
    """
    if level not in get_args(Level):
        raise KalamosError(f"level is one of {', '.join(get_args(Level))}; got {level!r}")
    if not isinstance(n_best, int | np.integer) or not 1 <= n_best <= MOST_PATHS:
        raise KalamosError(f"n_best is the number of paths, a whole number from 1 to {MOST_PATHS}; got {n_best!r}")
    if script is not None:
        script = checked_script(str(script))
    say_when_compiling()
    recoverer = default_model() if model is None else as_recoverer(model)
    if isinstance(picture, OfflineImage):
        image = picture if script is None else OfflineImage(picture.pixels, script)
        return recover_groups(recoverer, [[image]], n_best)[0]
    from kalamos.paper import recover_page  # noqa: PLC0415 - what an OfflineImage does without

    return recover_page(_page(picture), recoverer, level=level, script=script, n_best=n_best).recovery


def default_model() -> Recoverer:
    """Return the best recoverer that can be loaded: the learned one, else a tracer.

    Raises:
        KalamosError: where none can; says why.
    """
    failures = []
    for name in PREFERRED:
        if name not in RECOVERERS.names():
            continue
        try:
            return load_recoverer(name)
        except KalamosError as error:
            failures.append(str(error))
    raise KalamosError("; ".join(failures))


@dataclass(frozen=True)
class LoadedCorpus:
    """A corpus in a folder; to iterate over it reads it, file by file.

    Attributes:
        name: its registered name.
        root: its folder.
        options: the corpus' own choices, see its card.
        split: only the samples of this split; None for all.
        report: what the last iteration met beside samples: refusals, mendings.
    """

    name: str
    root: Path
    options: Mapping[str, str] = field(default_factory=dict)
    split: Split | None = None
    report: UnitReport = field(default_factory=UnitReport, repr=False)

    @property
    def card(self) -> Card:
        """Return what a user has to know of the corpus."""
        return self._corpus.card

    @property
    def train(self) -> LoadedCorpus:
        """Return the training samples."""
        return self._only("train")

    @property
    def validation(self) -> LoadedCorpus:
        """Return the validation samples."""
        return self._only("validation")

    @property
    def test(self) -> LoadedCorpus:
        """Return the test samples."""
        return self._only("test")

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples in the corpus' own order; what cannot be read is told in ``report``."""
        self.report.refusals.clear()
        for counts in (self.report.mendings, self.report.expected, self.report.recognised):
            counts.clear()
        for unit in self._corpus.units(self.root, **self.options):
            for sample in self._corpus.read(self.root, unit, self.report):
                if self.split is None or sample.split == self.split:
                    yield sample

    @property
    def _corpus(self) -> Corpus:
        corpus: Corpus = CORPORA.load(self.name)
        return corpus

    def _only(self, split: Split) -> LoadedCorpus:
        return LoadedCorpus(self.name, self.root, self.options, split)


def load(corpus: str, root: Path | str | None = None, **options: object) -> LoadedCorpus:
    """Return a corpus: iterable of samples, with ``.train``, ``.validation``, ``.test`` and ``.card``.

    Args:
        corpus: a name of ``kalamos list corpora``; ``auto`` takes any file or folder of online handwriting.
        root: the corpus folder; None for this folder, or the corpus' own below the one that ``KALAMOS_CORPORA`` names.
            The built-in corpora need none.
        options: the corpus' own choices, see its card: a text, a number, or a list for what is separated by commas.

    Raises:
        UnknownNameError: where no corpus is called so.
        CorpusError: where the folder is not laid out as the card says.
    """
    chosen = {name: _as_text(value) for name, value in options.items()}
    made = LoadedCorpus(corpus, _folder_of(corpus) if root is None else Path(root), chosen)
    made._corpus.units(made.root, **chosen)  # what is wrong with the folder is told now, not at the first sample
    return made


def _folder_of(corpus: str) -> Path:
    """Return where a corpus is that is named without a folder; ``auto`` reads any, and means this one."""
    CORPORA.load(corpus)  # a wrong name is told before a missing folder
    return Path() if corpus == "auto" or shared_root() is None else find_corpus(corpus, Path())


def _as_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple | set | frozenset) else str(value)


def render(ink: Ink | Sample | Recovery, style: Any = "clean", *, seed: int = 0, key: str = "") -> Any:
    """Draw an ink, a sample or a recovery; return a :class:`~kalamos.renderers.render.Rendering`.

    Args:
        ink: what to draw; a sample's key and script go with it.
        style: the name of a preset, a TOML file, or a :class:`~kalamos.renderers.style.Style`.
        seed: seed of what the style leaves to chance; with ``key`` it decides the bytes.
        key: see ``seed``; a sample has its own.

    Raises:
        StyleError: where the style is unknown, or its nib and margins do not fit the frame.
    """
    from kalamos.renderers import Style, read_style  # noqa: PLC0415
    from kalamos.renderers import render as draw  # noqa: PLC0415

    say_when_compiling()
    chosen = style if isinstance(style, Style) else read_style(style)
    script = ink.script if isinstance(ink, Sample) else None
    return draw(as_ink(ink), chosen, seed=seed, key=ink.key if isinstance(ink, Sample) else key, script=script)


def score(
    recovered: object,
    truth: object,
    *,
    metrics: Sequence[str] | str | None = None,
    image: OfflineImage | Bytes | None = None,
) -> dict[str, float]:
    """Return the values of metrics by name; NaN where one does not apply.

    Args:
        recovered: an ink, a sample, a recovery, a plain array ``(n, 2)`` (one stroke), or ``(xy, offsets)``.
        truth: likewise, in the same pixels.
        metrics: names of ``kalamos list metrics``, or one; None for all.
        image: what the method saw, uint8 ``(h, w)`` where it is an array; metrics that need it do not apply without.

    Raises:
        UnknownNameError: where no metric is called so.
        InkError: where an array is none of an ink.
        KalamosError: where the image is none.
    """
    from kalamos.metrics import METRICS, Pair  # noqa: PLC0415

    say_when_compiling()
    names = list(METRICS) if metrics is None else [metrics] if isinstance(metrics, str) else list(metrics)
    if unknown := [name for name in names if name not in METRICS]:
        raise UnknownNameError(f"no metric is called {unknown[0]!r}; known are: {', '.join(METRICS)}")
    seen = image if image is None or isinstance(image, OfflineImage) else OfflineImage(image)
    pair = Pair(as_ink(recovered), as_ink(truth), seen)
    return {name: METRICS[name].value(pair) for name in names}


def _page(picture: object) -> Page:
    """Return any picture as a page; of a file the first."""
    from kalamos.scans.read import page_of, read_pages  # noqa: PLC0415

    return next(read_pages(Path(picture))) if isinstance(picture, str | PathLike) else page_of(picture)
