"""From an online corpus to Parquet shards of ink and offline images.

The units of a corpus are dealt to a fixed number of shards by a hash of their names, so the same corpus gives the same
bytes whatever the order of listing or the number of workers. A finished shard is recognised by its name and never made
again: a run that was killed is continued by the same command. The manifest is written last.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kalamos.datasets import CORPORA
from kalamos.datasets.conversion import Conversion, ConversionReport, Converted, ShardFile
from kalamos.datasets.corpus import Corpus, Pictured, Refusal, UnitReport
from kalamos.datasets.croissant import NAME as CROISSANT
from kalamos.datasets.croissant import of_conversion
from kalamos.datasets.hub_card import dataset_card
from kalamos.datasets.inputs import BESIDE, check_inputs, mended_text, state_beside, state_of
from kalamos.datasets.shards import Shard, shard_facts, write_shard
from kalamos.errors import CorpusError, KalamosError, StoreError, UnreadableError
from kalamos.ink import Sample
from kalamos.machinery import engine
from kalamos.machinery.files import remove_abandoned, sha256_of, write_text
from kalamos.machinery.seeding import stable_hash
from kalamos.machinery.timelimit import limited
from kalamos.renderers import Style, render, render_batch
from kalamos.storage.parquet import Row, in_groups

__all__ = ["PICTURED", "Conversion", "ConversionReport", "convert", "read_corpus", "rows_in", "rows_of"]

PICTURED = "scan"
"""What stands in place of the hash of a style where the picture is the corpus' own."""
_BATCH = 256
_GO_ON = "nothing is refused for that: when all is back, the same command goes on from the finished shards"
_OWN_NAMES = ("README.md", CROISSANT, "report.json", "manifest.json")
"""What a conversion writes beside the shards and its plan."""
FACETS = ("split", "script", "level", "provenance")
UNLABELLED = "label:none"
"""How samples without a label are counted, where there are any."""
"""By which the samples are counted."""
_COLLECTED_AFTER = 20_000


@dataclass(frozen=True)
class _ShardJob:
    conversion: Conversion
    units: tuple[str, ...]
    states: tuple[str, ...]
    shard: Shard


def convert(
    conversion: Conversion,
    destination: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ConversionReport:
    """Convert a corpus into ``destination`` and return the report.

    Args:
        conversion: what to convert and how.
        destination: a new folder, or one that the same conversion began.
        workers: local processes.
        scheduler: address of a Dask scheduler, instead of local processes.
        progress: called with units done and units in all.

    Raises:
        CorpusError: where the corpus folder is not what its card says.
        StoreError: where the folder holds another conversion, or cannot be written.
    """
    corpus: Corpus = CORPORA.load(conversion.corpus)
    try:
        units = list(corpus.units(conversion.root, **dict(conversion.options)))
    except CorpusError as error:
        if conversion.root.exists() or conversion.root == Path("-"):  # which stands for the folder that nobody needs
            raise
        raise CorpusError(f"{error} ({conversion.root} does not exist)") from error
    except (OSError, ValueError) as error:
        raise CorpusError(f"{conversion.root} cannot be listed: {getattr(error, 'strerror', '') or error}") from error
    if not units:
        raise CorpusError(f"{conversion.root}: nothing of {corpus.card.title} found here.\n{corpus.card.layout}")
    jobs = _jobs(conversion, units, destination)
    _begin(conversion, units, destination)
    beside = {BESIDE: [state_beside(conversion.root, corpus.card.beside)]} if corpus.card.beside else {}
    check_inputs(destination, {**{job.shard.name: job.states for job in jobs}, **beside})
    waiting = [job for job in jobs if shard_facts(job.shard) is None]
    done = len(units) - sum(len(job.units) for job in waiting)
    progress(done, len(units))
    with engine.executor(workers, scheduler) as pool:
        for job, _ in engine.run(_write_shard, waiting, pool):
            done += len(job.units)
            progress(done, len(units))
    report = _finish(conversion, corpus, jobs, destination)
    if conversion.strict and report.refusals:
        raise _strict_error(report.refusals[0])
    return report


def read_corpus(conversion: Conversion, report: UnitReport) -> Iterator[Sample]:
    """Yield all samples of a corpus in the order of its units, without storing anything."""
    corpus: Corpus = CORPORA.load(conversion.corpus)
    for unit in corpus.units(conversion.root, **dict(conversion.options)):
        yield from _unit_samples(corpus, conversion, unit, report)


def rows_of(samples: Iterator[Sample], style: Style | None, seed: int, report: UnitReport) -> Iterator[Row]:
    """Render samples, a batch at a time; one that cannot be rendered is refused and the rest goes on."""
    if style is None:
        yield from (Row(sample) for sample in samples)
        return
    for batch in in_groups(samples, _BATCH):
        yield from _rendered(batch, style, seed, report)


def rows_in(
    corpus: Corpus, root: Path, samples: Iterator[Sample], style: Style | None, seed: int, report: UnitReport
) -> Iterator[Row]:
    """Return the rows of samples of a corpus: with its own pictures where it has some, else rendered."""
    if style is None or not isinstance(corpus, Pictured):
        yield from rows_of(samples, style, seed, report)
        return
    for sample in samples:
        try:
            yield Row(sample, *corpus.image(root, sample), PICTURED)
        except KalamosError as error:
            report.refusals.append(Refusal(sample.source, sample.key, f"no picture: {error}"))


def _begin(conversion: Conversion, units: Sequence[str], destination: Path) -> None:
    plan, path = {**conversion.plan(), "units": _named(units)}, destination / "plan.json"
    remove_abandoned(destination)
    if not path.exists():
        strange = [name for name in _OWN_NAMES if (destination / name).exists()]
        if strange or (destination.is_dir() and any(destination.glob("*.parquet"))):
            what = strange[0] if strange else "Parquet files"
            raise StoreError(f"{destination} holds {what} of something else, which is not touched; choose a new folder")
        with suppress(StoreError):  # another run may begin here at this very moment: then its plan counts
            write_text(path, json.dumps(plan, indent=2, sort_keys=True) + "\n", overwrite=False)
            return
        if not path.exists():
            write_text(path, json.dumps(plan, indent=2, sort_keys=True) + "\n")
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); choose a new folder, or delete this one") from error
    if not isinstance(begun, dict):
        raise StoreError(f"{path} is no plan of a conversion; choose a new folder, or delete this one")
    if begun != plan:
        differing = sorted(key for key in {*plan, *begun} if plan.get(key) != begun.get(key))
        raise StoreError(
            f"{destination} holds a conversion with other settings ({', '.join(differing)}); "
            "choose a new folder, or delete this one to begin again"
        )


def _jobs(conversion: Conversion, units: Sequence[str], destination: Path) -> list[_ShardJob]:
    dealt: list[list[str]] = [[] for _ in range(min(conversion.shards, len(units)))]
    for unit in units:
        dealt[stable_hash(unit) % len(dealt)].append(unit)
    jobs = []
    for k, members in enumerate(dealt):
        states = tuple(state_of(conversion.root, unit) for unit in members)
        jobs.append(_ShardJob(conversion, tuple(members), states, Shard(destination, k, len(dealt), _named(members))))
    return jobs


def _named(units: Sequence[str]) -> str:
    return f"{stable_hash(chr(10).join(units)):016x}"


def _write_shard(job: _ShardJob) -> int:
    report, facets = UnitReport(), Counter[tuple[str | None, str, str, str]]()
    unlabelled = Counter[str]()

    def rows() -> Iterator[Row]:
        corpus: Corpus = CORPORA.load(job.conversion.corpus)
        known = zip(job.units, job.states, strict=True)
        samples = (s for unit, state in known for s in _unit_samples(corpus, job.conversion, unit, report, state))
        for row in rows_in(corpus, job.conversion.root, samples, job.conversion.style, job.conversion.seed, report):
            facets[row.sample.split, row.sample.script, row.sample.level, row.sample.provenance] += 1
            if not row.sample.label:
                unlabelled[UNLABELLED] += 1
            yield row

    with _rarer_collections():
        return write_shard(job.shard, rows(), lambda: _report_dict(report, _counts(facets) + unlabelled))


@contextmanager
def _rarer_collections() -> Iterator[None]:
    """Let Python look for cycles of objects less often: samples make none, and looking took an eighth of the time."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(before[0], _COLLECTED_AFTER), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _unit_samples(
    corpus: Corpus, conversion: Conversion, unit: str, report: UnitReport, expected: str | None = None
) -> Iterator[Sample]:
    """Yield the samples of a unit; a unit whose content cannot be read at all becomes a refusal.

    Raises:
        UnreadableError: where the machine fails, or the file is not what it was (``expected``): that is no refusal.
    """
    seen, root = len(report.refusals), conversion.root
    expected = state_of(root, unit) if expected is None else expected
    try:
        for sample in limited(corpus.read(root, unit, report), unit, conversion.file_timeout_s):
            yield mended_text(sample, report.mendings)
            if conversion.strict and len(report.refusals) > seen:
                break
    except UnreadableError as error:
        raise UnreadableError(error.path, f"{error.reason}; {_GO_ON}") from error
    except OSError as error:
        raise UnreadableError(root / unit, f"cannot be read: {error.strerror or error}; {_GO_ON}") from error
    except KalamosError as error:
        report.refusals.append(Refusal(unit, getattr(error, "where", ""), getattr(error, "reason", None) or str(error)))
    if state_of(root, unit) != expected:
        raise UnreadableError(root / unit, f"is gone, or has changed, since the conversion began; {_GO_ON}")
    _stop_if_strict(conversion, report, seen)


def _stop_if_strict(conversion: Conversion, report: UnitReport, seen: int) -> None:
    if conversion.strict and len(report.refusals) > seen:
        raise _strict_error(report.refusals[seen])


def _strict_error(first: Refusal) -> CorpusError:
    return CorpusError(f"{first.source} {first.where}: {first.reason} (--strict stops at the first)")


def _rendered(samples: Sequence[Sample], style: Style, seed: int, report: UnitReport) -> Iterator[Row]:
    keys = [sample.key for sample in samples]
    scripts = [sample.script for sample in samples]
    try:
        renderings = list(render_batch([s.ink for s in samples], style, seed=seed, keys=keys, scripts=scripts))
    except KalamosError:
        if len(samples) > 1:
            for sample in samples:
                yield from _rendered([sample], style, seed, report)
            return
        try:
            renderings = [render(samples[0].ink, style, seed=seed, key=keys[0], script=scripts[0])]
        except KalamosError as error:
            report.refusals.append(Refusal(samples[0].source, samples[0].key, f"not rendered: {error}"))
            return
    for sample, rendering in zip(samples, renderings, strict=True):
        # Where the style distorts ink, the distorted ink is the truth of this picture.
        drawn = replace(sample, ink=rendering.placement.from_pixels(rendering.truth)) if style.distorts else sample
        yield Row(drawn, rendering.image, rendering.placement, style.hash)


def _counts(facets: Counter[tuple[str | None, str, str, str]]) -> Counter[str]:
    counts = Counter[str]()
    for values, number in facets.items():
        counts.update({f"{facet}:{value}": number for facet, value in zip(FACETS, values, strict=True)})
    return counts


def _report_dict(report: UnitReport, counts: Counter[str]) -> dict[str, Any]:
    return {
        "counts": dict(sorted(counts.items())),
        "expected": dict(sorted(report.expected.items())),
        "mendings": dict(sorted(report.mendings.items())),
        "recognised": dict(sorted(report.recognised.items())),
        "refusals": [asdict(refusal) for refusal in report.refusals],
    }


def _finish(conversion: Conversion, corpus: Corpus, jobs: Sequence[_ShardJob], destination: Path) -> ConversionReport:
    files: list[ShardFile] = []
    counts, expected, mendings, recognised = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    refusals: list[Refusal] = []
    for job in jobs:
        part = shard_facts(job.shard)
        if part is None:
            raise StoreError(
                f"a file of shard {job.shard.name} in {destination} has vanished; run the same command again"
            )
        files += [_described(destination / name, rows) for name, rows in part["files"].items()]
        counts.update(part["counts"])
        expected.update(part["expected"])
        mendings.update(part["mendings"])
        recognised.update(part["recognised"])
        refusals += [Refusal(**refusal) for refusal in part["refusals"]]
    report = ConversionReport(
        samples=sum(file.rows for file in files),
        counts=_by_facet(counts),
        expected=dict(sorted(expected.items())),
        mendings=dict(sorted(mendings.items())),
        recognised=dict(sorted(recognised.items())),
        refusals=tuple(sorted(refusals, key=lambda r: (r.source, r.where, r.reason))),
    )
    write_text(destination / "report.json", json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n")
    files.sort(key=lambda file: file.name)
    described = Converted(conversion, corpus.card, report, tuple(files))
    write_text(destination / "README.md", dataset_card(described))
    write_text(destination / CROISSANT, of_conversion(described))
    style = None if conversion.style is None else asdict(conversion.style)
    listed = [asdict(file) for file in files]
    manifest = {**conversion.plan(), "style_parameters": style, "samples": report.samples, "files": listed}
    write_text(destination / "manifest.json", json.dumps(manifest, indent=1, sort_keys=True, default=str) + "\n")
    return report


def _described(path: Path, rows: int) -> ShardFile:
    split = path.name.partition("-")[0]
    return ShardFile(path.name, split, rows, path.stat().st_size, sha256_of(path))


def _by_facet(counts: Counter[str]) -> dict[str, dict[str, int]]:
    facets: dict[str, dict[str, int]] = {facet: {} for facet in FACETS}
    for name, number in sorted(counts.items()):
        facet, _, value = name.partition(":")
        facets.setdefault(facet, {})[value] = number
    return facets
