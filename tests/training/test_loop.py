from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_corpus
import torch
from tiny_corpus import LETTERS, letter

from kalamos.errors import ModelError, StoreError
from kalamos.renderers import Style, render
from kalamos.storage.weights import TENSORS, load_weights
from kalamos.training import loop as training
from kalamos.training.kalamos_learner import KalamosLearner
from kalamos.training.loop import gradients, train, write_curve
from kalamos.training.mixture import ChunkStream, Mixture, Source, TrainingInk, collate, make_item
from kalamos.training.recipe import Recipe

SMALL = {"channels": 32, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "motion_channels": 16}


class KilledError(Exception):
    pass


def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(recipe, tmp_path / "whole")
    steps = 0
    real = training.Run.step

    def dying(self: training.Run, items: Any) -> dict[str, float]:
        nonlocal steps
        steps += 1
        if steps == 7:
            raise KilledError
        return real(self, items)

    with monkeypatch.context() as patch:
        patch.setattr(training.Run, "step", dying)
        with pytest.raises(KilledError):
            train(recipe, tmp_path / "broken")
    broken = train(recipe, tmp_path / "broken")
    assert (broken / TENSORS).read_bytes() == (whole / TENSORS).read_bytes()
    assert training.Run.step is real
    rows = [list(csv.DictReader((tmp_path / name / "curve.csv").open())) for name in ("whole", "broken")]
    assert [r["order"] for r in rows[0]] == [r["order"] for r in rows[1]]


def test_a_finished_run_stays_as_it_is(recipe: dict[str, Any], tmp_path: Path) -> None:
    best = train(recipe, tmp_path)
    before = (best / TENSORS).read_bytes(), (tmp_path / "curve.csv").read_bytes()
    (tmp_path / "curve.csv").unlink()  # as a run leaves it that is killed behind its last checkpoint
    train(recipe, tmp_path)
    assert ((best / TENSORS).read_bytes(), (tmp_path / "curve.csv").read_bytes()) == before


@pytest.mark.parametrize("change", [{"seed": 5}, {"ranges": {"tier": ["fast"]}}, {"samples": 256}])
def test_a_run_goes_on_with_what_it_was_begun_with(
    recipe: dict[str, Any], tmp_path: Path, change: dict[str, Any]
) -> None:
    train(recipe, tmp_path)
    if "samples" in change:  # longer is no other run
        train({**recipe, **change}, tmp_path)
        return
    with pytest.raises(ModelError, match=f"begun with another recipe.*{next(iter(change))}.*--fresh"):
        train({**recipe, **change}, tmp_path)


def test_training_learns_and_starts_from_given_weights(recipe: dict[str, Any], tmp_path: Path) -> None:
    best = train({**recipe, "samples": 640, "learning_rate": 5e-3, "validate_every": 5}, tmp_path / "a")
    rows = list(csv.DictReader((tmp_path / "a" / "curve.csv").open()))
    assert float(rows[-1]["order"]) < 0.5 * float(rows[0]["order"])
    config = load_weights(best, "kalamos").config
    assert config["trained"]["samples"] in {int(float(r["samples"])) for r in rows}
    again = training.learner_for(Recipe.read({**recipe, "init_from": str(best)}))
    kept = load_weights(best, "kalamos").tensors
    assert all(np.array_equal(value, kept[name]) for name, value in again.net.state_dict().items())


def test_added_layers_change_nothing_until_they_are_trained(recipe: dict[str, Any], tmp_path: Path) -> None:
    best = train({**recipe, "samples": 640, "learning_rate": 5e-3, "validate_every": 5}, tmp_path)
    deeper = {**recipe["network"], "encoder_layers": 3, "decoder_layers": 2}
    learners = [
        training.learner_for(Recipe.read({**recipe, "network": sizes, "init_from": str(best)}))
        for sizes in (recipe["network"], deeper)
    ]
    items = [learners[0].item(one.image, one.truth) for one in (render(letter(shape, 0)) for shape in LETTERS)]
    batch = collate([item for item in items if item])
    with torch.no_grad():
        shallow, deep = (learner.net(batch.scene, batch.route) for learner in learners)
    assert all(torch.equal(a, b) for a, b in zip(shallow, deep, strict=True))
    gradients(learners[1], [item for item in items if item])
    added = dict(learners[1].net.named_parameters())["encoder.2.rest.3.weight"]
    assert added.grad is not None
    assert added.grad.abs().max() > 0


def test_a_corpus_taken_twice_has_two_columns_in_the_curve(recipe: dict[str, Any], tmp_path: Path) -> None:
    (source,) = recipe["source"]
    train({**recipe, "source": [{**source, "share": 0.75}, {**source, "share": 0.25}]}, tmp_path)
    row = list(csv.DictReader((tmp_path / "curve.csv").open()))[-1]
    first, second = (name for name in row if name.endswith("character_ldtw") or name.endswith("character_2_ldtw"))
    assert second == first.replace("_ldtw", "_2_ldtw")
    assert float(row["ldtw"]) == pytest.approx(0.75 * float(row[first]) + 0.25 * float(row[second]))


def test_the_same_curve_gives_the_same_picture_with_a_panel_for_each_line(tmp_path: Path) -> None:
    curve = [{"samples": k, "loss": 2.0 / k, "ldtw": 8.0 / k} for k in (1, 10, 100)]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_curve(curve, tmp_path / name)
    first, second = ((tmp_path / name / "curve.svg").read_text() for name in ("a", "b"))
    assert first == second
    assert first.count('id="axes_') == 2


def test_a_full_disk_is_named_and_the_run_goes_on_where_there_is_room(recipe: dict[str, Any], tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(StoreError, match=r"checkpoint\.pt cannot be written"):
            train({**recipe, "validate_every": 100}, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.glob(".*.part"))
    assert load_weights(train({**recipe, "validate_every": 100}, tmp_path), "kalamos").tensors


def test_a_run_says_how_far_it_is(recipe: dict[str, Any], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    train({**recipe, "samples": 128}, tmp_path, progress=lambda seen, samples: told.append((seen, samples)))
    assert told[0] == (0, 128)
    assert told[-1] == (128, 128)
    assert len(told) > 2


def test_a_run_without_improvement_ends_early(recipe: dict[str, Any], tmp_path: Path) -> None:
    stuck = {**recipe, "samples": 64 * 50, "learning_rate": 0.0, "validate_every": 1, "patience": 2}
    train(stuck, tmp_path)
    assert len(list(csv.DictReader((tmp_path / "curve.csv").open()))) == 4


def test_chunks_do_not_depend_on_workers_or_on_what_came_before(recipe: dict[str, Any]) -> None:
    def first_two(workers: int, first: int) -> list[list[np.ndarray]]:
        loader = torch.utils.data.DataLoader(
            ChunkStream(mixture(), first), batch_size=None, num_workers=workers, collate_fn=training.as_it_is
        )
        taken = iter(loader)
        return [[item.pieces.points for batch in next(taken) for item in batch] for _ in range(2)]

    alone, helped, later = first_two(0, 0), first_two(2, 0), first_two(0, 1)
    for a, b in ((alone[0], helped[0]), (alone[1], helped[1]), (alone[1], later[0])):
        assert len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert len(alone[0]) != len(alone[1]) or any(
        x.shape != y.shape or not np.array_equal(x, y) for x, y in zip(alone[0], alone[1], strict=True)
    )


def mixture() -> Mixture:
    inks = [TrainingInk(f"{name}/{k}", letter(name, k), "Latn") for name in LETTERS for k in range(5)]
    learner = KalamosLearner(SMALL)
    return Mixture(
        [inks], [Source("tiny")], {"tier": ["fast"], "width_px": [2.0, 3.0]}, learner.item, learner.size, chunk=32
    )


def test_every_ink_is_seen_once_an_epoch() -> None:
    one = mixture()
    drawn = [(ink.key, epoch) for chunk in range(5) for ink, epoch in one.draw(chunk, 0)]
    assert len(drawn) == 160
    assert len(set(drawn)) == 160
    assert {epoch for _, epoch in drawn} == set(range(8))


TWO = """
import sys, torch, torch.distributed as dist
sys.path[:0] = {here!r}
from test_loop import batch, learner
from kalamos.training.loop import gradients
torch.set_num_threads(1)
dist.init_process_group("gloo")
one = learner()
terms = gradients(one, batch())
if dist.get_rank() == 0:
    torch.save([terms, [p.grad for p in one.net.parameters()]], {out!r})
dist.destroy_process_group()
"""


def batch() -> list:
    made = [render(letter(name, k), Style()) for name in LETTERS for k in range(2)][:7]
    return [make_item(one.image, one.truth) for one in made]


def learner() -> KalamosLearner:
    torch.manual_seed(5)
    return KalamosLearner(SMALL)


def test_two_processes_compute_the_gradient_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALAMOS_FLOAT32", "1")
    script, out = tmp_path / "two.py", tmp_path / "gradients.pt"
    script.write_text(
        TWO.format(here=[str(Path(__file__).parent), str(Path(tiny_corpus.__file__).parent)], out=str(out))
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    subprocess.run(command, check=True, timeout=240, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True)
    terms, theirs = torch.load(out, weights_only=True)
    alone = learner()
    told = gradients(alone, batch())
    assert terms == pytest.approx(told, rel=1e-5)
    for parameter, other in zip(alone.net.parameters(), theirs, strict=True):
        assert torch.allclose(parameter.grad, other, rtol=1e-4, atol=1e-6)


def test_recipes_with_unknown_names_are_refused(tmp_path: Path) -> None:
    for bad in ({"sample": 3}, {"source": [{"corpora": "unipen"}]}):
        with pytest.raises(ModelError):
            Recipe.read(bad)
    broken = tmp_path / "broken.toml"
    broken.write_text("samples = ")
    with pytest.raises(ModelError, match=r"broken\.toml"):
        Recipe.read(broken)


def test_a_checkpoint_of_another_network_is_refused(recipe: dict[str, Any], tmp_path: Path) -> None:
    train({**recipe, "samples": 64}, tmp_path)
    wider = {**recipe["network"], "channels": 64}
    with pytest.raises(ModelError, match=r"checkpoint\.pt"):
        train({**recipe, "network": wider}, tmp_path)


def test_the_learning_rate_rises_stays_and_falls_to_nothing() -> None:
    recipe = Recipe(samples=1000, warm_up=100, decay=0.4, learning_rate=1.0)
    rates = [recipe.rate(seen) for seen in (0, 49, 99, 599, 800, 1000)]
    assert rates == pytest.approx([0.01, 0.5, 1.0, 1.0, 0.5, 0.0])
