"""Training of the learned recoverers: one loop for all of them, resumable, the same on one process or several.

    >>> train(Path("kalamos.toml"), Path("runs/kalamos"))  # doctest: +SKIP

The data of step k depend on the configuration only (:mod:`kalamos.training.mixture`); a checkpoint holds everything
else (weights, optimiser, averages, curve, random state) and is replaced atomically at the end of a chunk, so that a run
killed at any moment and started again ends with the same weights as an unbroken one. Under ``torchrun`` each rank works
on its share of every batch and gradients are summed before they are divided by the counts of all ranks.
"""

from __future__ import annotations

import csv
import ctypes
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kalamos.errors import ModelError
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Split
from kalamos.machinery.files import sole_run, write_bytes, write_text
from kalamos.machinery.seeding import stable_hash
from kalamos.metrics import METRICS, Pair
from kalamos.models.weights import save_weights
from kalamos.recoverer import Recoverer
from kalamos.registry import load_object
from kalamos.renderers import Style, render_batch
from kalamos.storage.weights import Weights, load_weights
from kalamos.training.mixture import ChunkStream, Mixture, Source, TrainingInk, as_it_is, load_inks, share_of
from kalamos.training.recipe import LEARNERS, Recipe, weights_folder

CHECKPOINT = "checkpoint.pt"
MAY_CHANGE = ("samples", "patience", "validate_every", "validation_inks", "threads", "workers")
WATCHED = ("ldtw", "ldtw_below_3", "rmse_arc_below_5", "rmse_time", "start_point", "stroke_count", "aiou")


class Learner(Protocol):
    """What a model module supplies to be trained."""

    name: str
    net: nn.Module

    def config(self) -> dict[str, Any]:
        """Return what is needed to build the network again."""
        ...

    def begin_with(self, weights: Weights, folder: Path) -> None:
        """Start from the weights of a folder in place of random ones."""
        ...

    def item(self, image: OfflineImage, truth: Ink) -> Any | None:
        """Return the training sample of an image."""
        ...

    def size(self, item: Any) -> int:
        """Return how long a sample is."""
        ...

    def losses(self, items: Sequence[Any]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return the terms of the loss: sum and count."""
        ...

    def recoverer(self) -> Recoverer:
        """Return the network as a recoverer."""
        ...


def learner_for(recipe: Recipe) -> Learner:
    """Build the network of a recipe from its seed, or from the weights that it names.

    Raises:
        ModelError: where the model has no such network, or the weights cannot be used.
    """
    torch.manual_seed(recipe.seed)
    try:
        kind = load_object(LEARNERS.get(recipe.model, recipe.model))
    except (ImportError, AttributeError) as error:
        raise ModelError(f"model: {recipe.model} cannot be loaded: {error}") from error
    begun, folder = None, weights_folder(recipe.init_from)
    if recipe.init_from:
        begun = load_weights(folder, kind.name, *getattr(kind, "begins_from", ()))
    sizes = recipe.network or (begun.config["sizes"] if begun else {})
    try:
        made: Learner = kind(sizes)
    except (AssertionError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"[network]: {recipe.model} cannot be built with {sizes}: {error}") from error
    if begun:
        _begin_with(made, begun, folder)
    return made


def _begin_with(made: Learner, weights: Weights, folder: Path) -> None:
    try:
        made.begin_with(weights, folder)
    except ModelError as error:
        sizes = weights.config["sizes"]
        raise ModelError(
            f"init_from: {error}; the weights are of a network of {sizes}, which a recipe without [network] takes"
        ) from error


class Run:
    """The state of a training run: what a checkpoint holds."""

    def __init__(self, recipe: Recipe, learner: Learner, device: str = "cpu") -> None:
        self.recipe, self.learner, self.net, self.device = recipe, learner, learner.net.to(device), device
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.mean = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.seen, self.steps, self.chunk, self.best, self.waited = 0, 0, 0, float("inf"), 0
        self.curve: list[dict[str, float]] = []
        self.begun: dict[str, str] = {}

    @property
    def is_done(self) -> bool:
        """Say whether all samples were seen, or the patience is at an end."""
        return self.seen >= self.recipe.samples or self.waited > self.recipe.patience

    def save(self, path: Path) -> None:
        """Write the checkpoint, whole or not at all.

        Raises:
            StoreError: where it cannot be written; the one before stays.
        """
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "mean": self.mean,
            "numbers": [self.seen, self.steps, self.chunk, self.waited],
            "best": self.best,
            "curve": self.curve,
            "random": torch.get_rng_state(),
            "begun": self.begun,
        }
        made = io.BytesIO()  # into a file torch itself turns a full disk into an error of its own
        torch.save(state, made)
        write_bytes(path, made.getvalue())

    def load(self, path: Path) -> None:
        """Take a checkpoint up again.

        Raises:
            ModelError: where it does not fit the recipe's network, or was begun with another recipe or other ink.
        """
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
            before: dict[str, str] = state.get("begun", self.begun)  # checkpoints of old do not say it
            changed = [name for name, value in self.begun.items() if before.get(name) != value]
            if changed:
                raise ModelError(
                    f"{path} was begun with another recipe or other ink ({', '.join(changed)}); go on with what it was "
                    "begun with, choose another --out, or begin anew with --fresh"
                )
            self.net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError, KeyError, EOFError) as error:
            raise ModelError(f"{path} cannot be resumed from: {' '.join(str(error).split())[:300]}") from error
        self.mean = {name: value.to(self.device) for name, value in state["mean"].items()}
        self.curve, self.best = state["curve"], state["best"]
        self.seen, self.steps, self.chunk, self.waited = state["numbers"]
        torch.set_rng_state(state["random"])

    def step(self, items: Sequence[Any]) -> dict[str, float]:
        """Take one optimiser step on a batch; return the terms of the loss."""
        rate = self.recipe.rate(self.seen)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with torch.device(self.device):
            terms = gradients(self.learner, items, self.device)
        nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe.clip)
        self.optimiser.step()
        self.seen, self.steps = self.seen + len(items), self.steps + 1
        share = 1.0 - min(self.recipe.average, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                if value.is_floating_point():
                    self.mean[name].lerp_(value, share)
                else:
                    self.mean[name].copy_(value)
        return terms


def gradients(learner: Learner, items: Sequence[Any], device: str = "cpu") -> dict[str, float]:
    """Set the gradients of a batch, of all ranks together where there are several; return the terms of the loss."""
    rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    mine = share_of(items, rank, ranks)
    learner.net.zero_grad(set_to_none=False)
    if mine:
        kind = torch.device(device).type
        with torch.autocast(kind, torch.bfloat16, enabled=kind != "cpu" or has_bfloat16()):
            terms = learner.losses(mine)
        names = list(terms)
        sums, counts = torch.stack([terms[n][0] for n in names]), torch.stack([terms[n][1] for n in names]).float()
    else:
        names, sums, counts = [], torch.zeros(0), torch.zeros(0)
    if ranks > 1:
        names, sums, counts = _of_all(names, sums, counts)
    counts = counts.clamp_min(1.0)
    if mine:
        (sums / counts).sum().backward()  # type: ignore[no-untyped-call]
    values = (sums / counts).detach()
    if ranks > 1:
        dist.all_reduce(values)
        held = [p for p in learner.net.parameters() if p.requires_grad]
        flat = torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in held])
        dist.all_reduce(flat)
        parts = torch.split(flat, [p.numel() for p in held])
        for p, part in zip(held, parts, strict=True):
            p.grad = part.view_as(p).clone()
    return dict(zip(names, values.tolist(), strict=True))


def _of_all(names: list[str], sums: Tensor, counts: Tensor) -> tuple[list[str], Tensor, Tensor]:
    """Return the counts over all ranks; a rank without a sample takes part with nothing."""
    known: list[list[str] | None] = [None] * dist.get_world_size()
    dist.all_gather_object(known, names)
    names = next(item for item in known if item)
    if not len(sums):
        sums, counts = torch.zeros(len(names)), torch.zeros(len(names))
    counts = counts.clone()
    dist.all_reduce(counts)
    return names, sums, counts


def has_bfloat16() -> bool:
    """Say whether this processor multiplies bfloat16 itself; where it is emulated it is slower than float32."""
    if "KALAMOS_FLOAT32" in os.environ:
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", "ignore")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def train(
    config: Path | Mapping[str, Any],
    folder: Path,
    *,
    resume: bool = True,
    inks: Sequence[Mapping[Split, Sequence[TrainingInk]]] | None = None,
    device: str = "cpu",
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda seen, samples: None,
) -> Path:
    """Train as the recipe says, and return the folder of the best weights.

    Args:
        config: a TOML file or a mapping, see :class:`Recipe`.
        folder: of the run: ``checkpoint.pt``, ``curve.csv``, ``best/``.
        resume: continue from the folder's checkpoint where it has one.
        inks: those of each source, where they are in memory; None reads the corpora.
        device: of torch. On another than ``cpu`` two runs are alike, not equal to the bit.
        workers: processes that make the data, in place of the recipe's number.
        progress: called with the samples seen and those of the whole run.

    Raises:
        ModelError: where the recipe, the corpora or the checkpoint cannot be used.
    """
    recipe = Recipe.read(config)
    torch.set_num_threads(recipe.threads)
    _check_device(device)
    torch.use_deterministic_algorithms(mode=device == "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    keep_memory()
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("gloo")
    run = Run(recipe, learner_for(recipe), device)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    inks = [load_inks(source) for source in recipe.source] if inks is None else inks
    run.begun = _begun_with(recipe, inks)
    if resume and checkpoint.is_file():
        run.load(checkpoint)
        if run.is_done:
            write_curve(run.curve, folder)
            return folder / "best"
    held_out = [spread(of_one["validation"], recipe.validation_inks) for of_one in inks]
    mixture = Mixture(
        [of_one["train"] for of_one in inks], recipe.source, recipe.ranges, run.learner.item, run.learner.size,
        looks=recipe.looks or {recipe.style: 1.0}, hide_script=recipe.hide_script, seed=recipe.seed,
        chunk=recipe.chunk, budget=recipe.budget,
    )  # fmt: skip
    with sole_run(folder) if _is_first() else nullcontext():
        progress(run.seen, recipe.samples)
        for _ in _go_on(run, mixture, held_out, folder, recipe.workers if workers is None else workers):
            progress(min(run.seen, recipe.samples), recipe.samples)
    return folder / "best"


def _go_on(
    run: Run, mixture: Mixture, held_out: Sequence[Sequence[TrainingInk]], folder: Path, workers: int
) -> Iterator[None]:
    """Train chunk after chunk, validate and keep, to the end; yield after each."""
    recipe, checkpoint = run.recipe, folder / CHECKPOINT
    for terms in _chunks(run, mixture, workers):
        row = {"seconds": time.time(), "samples": float(run.seen), "rate": recipe.rate(run.seen), **terms}
        if run.chunk % recipe.validate_every == 0 or run.seen >= recipe.samples:
            row |= validate(run, held_out)
            _keep_best(run, row, folder)
        run.curve.append(row)
        if _is_first():
            run.save(checkpoint)
            write_curve(run.curve, folder)
        yield
        if run.is_done:
            return


def _begun_with(recipe: Recipe, inks: Sequence[Mapping[Split, Sequence[TrainingInk]]]) -> dict[str, str]:
    """Return what a checkpoint must agree with to be taken up again; a run may become longer, or use other threads."""
    told = {name: repr(value) for name, value in asdict(recipe).items() if name not in MAY_CHANGE}
    known = "\n".join(f"{ink.key} {ink.ink.n_points}" for of_one in inks for ink in of_one["train"])
    return {**told, "ink": f"{stable_hash(known):016x}"}


def keep_memory() -> None:
    """Have glibc keep freed memory for the next step: giving it back and zeroing it anew took a seventh of the time."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return  # another C library
    trim_threshold, mmap_max = -1, -4
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_max, 0)


def _check_device(device: str) -> None:
    """Try what training does on a device.

    Raises:
        ModelError: where torch cannot do it.
    """
    try:
        one = torch.zeros(1, device=device)
        with torch.autocast(one.device.type, torch.bfloat16):
            one.item()
    except (AttributeError, ImportError, RuntimeError, AssertionError) as error:
        told = str(error).splitlines()[0].partition(". ")[0]
        raise ModelError(
            f"torch cannot use the device {device!r}: {told}; take cpu, or cuda where there is one"
        ) from error


def _chunks(run: Run, mixture: Mixture, workers: int) -> Iterator[dict[str, float]]:
    """Train on chunk after chunk, and yield the mean terms of the loss."""
    loader = DataLoader(ChunkStream(mixture, run.chunk), batch_size=None, num_workers=workers, collate_fn=as_it_is)
    for batches in loader:
        run.net.train()
        rows = [run.step(batch) for batch in batches]
        run.chunk += 1
        yield {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def spread(inks: Sequence[TrainingInk], count: int) -> list[TrainingInk]:
    """Return a fixed choice of inks, the same whatever their order."""
    return sorted(inks, key=lambda ink: stable_hash(ink.key))[:count]


def validate(run: Run, held_out: Sequence[Sequence[TrainingInk]]) -> dict[str, float]:
    """Return the averaged weights' means of the watched metrics for each source, and the mixture's ``ldtw``."""
    trained = {name: value.clone() for name, value in run.net.state_dict().items()}
    run.net.load_state_dict(run.mean)
    run.net.to("cpu")
    recoverer = run.learner.recoverer()
    found: dict[str, float] = {}
    named = titles(run.recipe.source)
    for title, source, inks in zip(named, run.recipe.source, held_out, strict=True):
        for name, value in scores(recoverer, inks, source).items():
            found[f"{title}_{name}"] = value
    run.net.to(run.device).load_state_dict(trained)
    shares = [source.share for source in run.recipe.source]
    found["ldtw"] = float(np.average([found[f"{title}_ldtw"] for title in named], weights=shares))
    return found


def titles(sources: Sequence[Source]) -> list[str]:
    """Return what the curve calls each source: corpus and levels, and a number where that was there before."""
    plain = [f"{source.corpus}_{'_'.join(source.levels)}" for source in sources]
    before = [plain[:place].count(name) for place, name in enumerate(plain)]
    return [f"{name}_{count + 1}" if count else name for name, count in zip(plain, before, strict=True)]


def scores(recoverer: Recoverer, inks: Sequence[TrainingInk], source: Source) -> dict[str, float]:
    """Return the mean of each watched metric over inks of a source in the clean style, and the median LDTW."""
    shown, keys = [source.shown(ink.ink, 0, ink.key) for ink in inks], [ink.key for ink in inks]
    made = render_batch(shown, Style(frame=source.frame), seed=0, keys=keys, scripts=[ink.script for ink in inks])
    recovered = recoverer.recover([one.image for one in made])
    pairs = [Pair(ink, one.truth, one.image) for ink, one in zip(recovered, made, strict=True)]
    table = {name: [METRICS[name].value(pair) for pair in pairs] for name in WATCHED if name in METRICS}
    means = {name: float(np.nanmean(values)) for name, values in table.items() if not np.isnan(values).all()}
    return {**means, "median_ldtw": float(np.nanmedian(table["ldtw"]))}


def _keep_best(run: Run, row: Mapping[str, float], folder: Path) -> None:
    if row["ldtw"] < run.best:
        run.best, run.waited = row["ldtw"], 0
        if _is_first():
            trained = {
                "samples": run.seen,
                "recipe": asdict(run.recipe),
                "validation": {k: round(v, 4) for k, v in row.items() if k != "seconds"},  # no clock: the same bytes
            }
            save_weights(folder / "best", run.mean, {**run.learner.config(), "trained": trained})
    else:
        run.waited += 1


def _is_first() -> bool:
    return not dist.is_initialized() or dist.get_rank() == 0


def write_curve(curve: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write ``curve.csv``, and ``curve.svg``: loss and validation LDTW over samples, both on logarithmic scales."""
    names = list(dict.fromkeys(name for row in curve for name in row))
    table = io.StringIO()
    writer = csv.DictWriter(table, names)
    writer.writeheader()
    writer.writerows(curve)
    write_text(folder / "curve.csv", table.getvalue())
    terms = [name for name in curve[0] if name not in {"seconds", "samples", "rate"} and "ldtw" not in name]
    lines = {name: [(row["samples"], row[name]) for row in curve if name in row] for name in [*terms[:1], "ldtw"]}
    write_bytes(folder / "curve.svg", _plot({name: line for name, line in lines.items() if line}))


def _plot(lines: Mapping[str, Sequence[tuple[float, float]]]) -> bytes:
    """Return an SVG with one panel a line."""
    import matplotlib  # noqa: PLC0415 - half a second, for one file
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure, file = Figure(figsize=(6.4, 2.4 * len(lines)), layout="constrained"), io.BytesIO()
    for axes, (name, line) in zip(figure.subplots(len(lines), squeeze=False)[:, 0], lines.items(), strict=True):
        axes.semilogy(*zip(*line, strict=True))
        axes.set(xlabel="samples", ylabel=name)
    with matplotlib.rc_context({"svg.hashsalt": "kalamos"}):  # the same bytes each time
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
