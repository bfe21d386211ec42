"""Train the recognisers: ``python -m kalamos.training.recognisers CORPORA RUN --network online``.

Every epoch is a function of (seed, epoch), and a checkpoint is written after each: the same command continues a run
that was cut short, with the result of an unbroken one. The weights of the best epoch on validation writers are kept in
``RUN/<network>/best``. ``--network nearest`` makes the prototypes of the nearest-neighbour recogniser, which learns
nothing.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from kalamos.machinery.arrays import Floats, Floats32, Ints
from kalamos.machinery.files import write_bytes
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.models.weights import save_weights
from kalamos.recognition.nearest import prototypes
from kalamos.training.loop import has_bfloat16
from kalamos.training.recogniser_data import SOURCES, STYLES, Labelled, alphabets, gather
from kalamos.training.recogniser_networks import NETWORKS

BATCH = 256
RATE = 3e-3
WARM_UP = 0.05
REPEATS = {"omniglot": 6}
"""Corpora that are seen several times an epoch, each time changed in another way: they are small."""
EPOCHS = {"online": 20, "image": 5}
SMOOTHING = 0.05


@click.command()
@click.argument("corpora", type=click.Path(path_type=Path))
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--network", type=click.Choice([*NETWORKS, "nearest"]), required=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--epochs", default=0, help="Instead of the recipe's own number.")
@click.option("--threads", default=1, show_default=True)
def main(corpora: Path, run: Path, network: str, seed: int, epochs: int, threads: int) -> None:
    """Train one recogniser on the training writers below CORPORA; what is made goes into the folder RUN."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    training = gather(corpora, "train", run / "cache", seed)
    if network == "nearest":
        tensors, known = prototypes(training.shapes.astype(np.float64), training.labels, training.categories, seed)
        save_weights(run / network / "best", {k: torch.from_numpy(v) for k, v in tensors.items()}, known)
        return
    validation = gather(corpora, "validation", run / "cache", seed)
    for row in train(network, training, validation, run / network, seed=seed, epochs=epochs or EPOCHS[network]):
        click.echo(json.dumps(row))


def train(
    network: str, training: Labelled, validation: Labelled, folder: Path, *, seed: int, epochs: int
) -> Iterator[dict[str, Any]]:
    """Train and yield what each epoch reached; the best weights go into ``folder/best``."""
    folder.mkdir(parents=True, exist_ok=True)
    known = alphabets(training)
    classes = [(name, label) for name, labels in known.items() for label in labels]
    torch.manual_seed(seed)
    net = NETWORKS[network](len(classes))
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.02)
    targets, mask = _targets(training, classes)
    chosen = np.repeat(np.arange(len(training.labels)), [REPEATS.get(corpus, 1) for corpus in training.corpora])
    curve: list[dict[str, Any]] = []
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        curve = state["curve"]
    for epoch in range(len(curve), epochs):
        began = time.monotonic()
        torch.manual_seed(stable_hash(f"{seed}/{network}/{epoch}") % 2**62)
        rng = rng_for(seed, "recognition", network, epoch)
        order = rng.permutation(chosen)
        net.train()
        losses = []
        for first in range(0, len(order), BATCH):
            part = order[first : first + BATCH]
            for group in optimiser.param_groups:
                group["lr"] = RATE * _height((epoch + first / len(order)) / epochs)
            with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16()):
                logits = net(_changed(network, training, part, rng))
            loss = _loss(logits.float(), targets[part], mask[part])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.item())
        reached = accuracies(network, net, validation, classes)
        row = {
            "epoch": epoch + 1,
            "loss": float(np.mean(losses)),
            "seconds": round(time.monotonic() - began),
            **reached,
        }
        if row["mean"] > max((old["mean"] for old in curve), default=0.0):
            save_weights(folder / "best", net.shipped(), _config(network, known, seed, epochs, row))
        curve.append(row)
        _save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "curve": curve}, checkpoint)
        yield row


def accuracies(
    network: str, net: torch.nn.Module, labelled: Labelled, classes: list[tuple[str, str]]
) -> dict[str, float]:
    """Return the accuracy in each category, and ``mean``, that of the categories."""
    targets, mask = _targets(labelled, classes)
    net.eval()
    with torch.no_grad():
        every = np.arange(len(labelled.labels))
        parts = [net(_inputs(network, labelled, part)) for part in np.array_split(every, max(len(every) // 512, 1))]
    right = (torch.cat(parts).masked_fill(~mask, -torch.inf).argmax(dim=1) == targets).numpy()
    categories = np.array(labelled.categories)
    found = {str(name): float(right[categories == name].mean()) for name in np.unique(categories)}
    return {**found, "mean": float(np.mean(list(found.values())))}


def _targets(labelled: Labelled, classes: list[tuple[str, str]]) -> tuple[Tensor, Tensor]:
    """Return the class of each sample ``(n,)`` (-1: never seen in training) and its candidates ``(n, classes)``."""
    place = {one: k for k, one in enumerate(classes)}
    pairs = zip(labelled.categories, labelled.labels, strict=True)
    targets = torch.tensor([place.get(pair, -1) for pair in pairs])
    columns = np.array([name for name, _ in classes])
    return targets, torch.from_numpy(np.array(labelled.categories)[:, None] == columns[None])


def _loss(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Return the cross-entropy among the candidates, the label smoothed over them alone."""
    logs = F.log_softmax(logits.masked_fill(~mask, -1e9), dim=1)
    spread = (logs * mask).sum(dim=1) / mask.sum(dim=1)
    right = logs.gather(1, targets[:, None])[:, 0]
    return -((1 - SMOOTHING) * right + SMOOTHING * spread).mean()


def _inputs(network: str, labelled: Labelled, part: Ints) -> Tensor:
    if network == "image":
        return torch.from_numpy(labelled.images[part].astype(np.float32)[:, None] / 255)
    return torch.from_numpy(labelled.sequences[part].astype(np.float32))


def _changed(network: str, labelled: Labelled, part: Ints, rng: np.random.Generator) -> Tensor:
    """Return training inputs: slightly turned, slanted, stretched; images also moved."""
    n = len(part)
    turn, slant = rng.uniform(-0.18, 0.18, n), rng.uniform(-0.25, 0.25, n)
    stretch, grow = np.exp(rng.uniform(-0.2, 0.2, n)), np.exp(rng.uniform(-0.1, 0.1, n))
    shear = np.stack([np.stack([stretch, slant], -1), np.stack([np.zeros(n), 1 / stretch], -1)], 1)
    turned = np.stack([np.stack([np.cos(turn), -np.sin(turn)], -1), np.stack([np.sin(turn), np.cos(turn)], -1)], 1)
    matrix = turned @ shear
    inputs = _inputs(network, labelled, part)
    if network == "image":
        moved = np.concatenate([matrix * grow[:, None, None], rng.uniform(-0.1, 0.1, (n, 2, 1))], axis=2)
        grid = F.affine_grid(torch.from_numpy(moved.astype(np.float32)), list(inputs.shape), align_corners=False)
        return F.grid_sample(inputs, grid, align_corners=False)
    return torch.from_numpy(_bent(inputs.numpy(), matrix, rng))


def _bent(sequences: Floats32, matrix: Floats, rng: np.random.Generator) -> Floats32:
    """Return sequences under a linear map each and a little noise, in their new boxes."""
    real = np.maximum.accumulate(sequences[:, ::-1, 2], axis=1)[:, ::-1, None] > 0
    xy = sequences[..., 3:5] @ matrix.transpose(0, 2, 1).astype(np.float32)
    xy = np.where(real, xy + rng.normal(0, 0.012, xy.shape), 0)
    low = np.where(real, xy, np.inf).min(axis=1, keepdims=True)
    high = np.where(real, xy, -np.inf).max(axis=1, keepdims=True)
    half = np.maximum((high - low).max(axis=2, keepdims=True) / 2, 1e-3)
    dot = np.abs(sequences[..., 3:5]).max(axis=(1, 2))[:, None, None] == 0
    xy = np.where(real & ~dot, (xy - (low + high) / 2) / half, 0)
    steps = np.where(real, np.diff(xy, axis=1, prepend=xy[:, :1]), 0)
    return np.concatenate([steps, sequences[..., 2:3], xy], axis=2).astype(np.float32)


def _height(share: float) -> float:
    """Return the learning rate's height after a share of the run: up, then down a cosine."""
    return min(1.0, share / WARM_UP) * (0.5 + 0.5 * float(np.cos(np.pi * min(share, 1.0)))) + 1e-4


def _config(
    network: str, known: Mapping[str, list[str]], seed: int, epochs: int, row: Mapping[str, Any]
) -> dict[str, Any]:
    recipe = {"seed": seed, "epochs": epochs, "batch": BATCH, "rate": RATE, "repeats": REPEATS, "styles": dict(STYLES)}
    sources = {corpus: options for corpus, _, options in SOURCES}
    trained = {"recipe": recipe, "sources": sources, "validation": {k: round(v, 4) for k, v in row.items()}}
    return {"model": f"recogniser-{network}", "alphabets": dict(known), "trained": trained}


def _save(state: Mapping[str, Any], path: Path) -> None:
    made = io.BytesIO()  # into a file torch itself turns a full disk into an error of its own
    torch.save(state, made)
    write_bytes(path, made.getvalue())


if __name__ == "__main__":
    main()
