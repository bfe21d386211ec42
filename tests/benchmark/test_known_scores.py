"""What ships of the built-in task is what is computed here; kept scores of controls are used only where they hold."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from commands import contents, tiny_task

from kalamos.benchmark import known_scores, prepare, run
from kalamos.benchmark.control_answers import controls_of
from kalamos.benchmark.known_scores import DECIDES, SUFFIX, KnownScores
from kalamos.benchmark.make_known import BUILT_IN, control_scores
from kalamos.benchmark.task import load_task, shipped
from kalamos.machinery import engine
from kalamos.storage.parquet import read_rows

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_architecture import PACKAGE, imports_in, modules_of, targets_of

ANEW = "run `python -m kalamos.benchmark.make_known`, and look at what has changed"
HARMLESS = {
    *("kalamos.errors", "kalamos.registry", "kalamos.storage.parquet", "kalamos.storage.weights"),
    *(f"kalamos.benchmark.{name}" for name in ("entries", "isolation", "predictions", "prepare", "provenance")),
    *("kalamos.benchmark.statistics.estimates", "kalamos.recovery", "kalamos.replay.still"),
    *(f"kalamos.machinery.{name}" for name in ("arrays", "compiling", "engine", "files", "kernels")),
}
"""What code that decides scores imports, and what decides nothing: names, types, files, drawings, kernels."""


def same_rows(one, other):
    assert [row.sample for row in one] == [row.sample for row in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.image.pixels, b.image.pixels)
        assert a.truth() == b.truth()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the built-in task as it is made from the corpus."""
    path = tmp_path_factory.mktemp("made") / "task.parquet"
    prepare.make(load_task(BUILT_IN), None, path)
    return path


def test_the_images_that_ship_are_those_that_are_made(made, tmp_path):
    ready = prepare.prepare(load_task(BUILT_IN), None, tmp_path)
    same_rows(list(read_rows(ready)), list(read_rows(made)))
    assert pq.read_metadata(ready).metadata[b"task"] == pq.read_metadata(made).metadata[b"task"]


def test_a_first_look_takes_the_same_samples_from_what_ships(tmp_path, monkeypatch):
    taken = prepare.prepare(load_task(BUILT_IN), None, tmp_path / "taken", limit=12)
    monkeypatch.setattr(prepare, "ready_made", lambda task: None)
    made = prepare.prepare(load_task(BUILT_IN), None, tmp_path / "made", limit=12)
    assert taken.name == made.name
    same_rows(list(read_rows(taken)), list(read_rows(made)))
    assert pq.read_metadata(taken).metadata == pq.read_metadata(made).metadata


@pytest.mark.long
def test_the_scores_that_ship_are_of_todays_code_and_of_the_images_that_ship(tmp_path):
    """Where they are of other code, controls are scored anew, which takes longer; `make release-check` asks it too."""
    known = KnownScores(BUILT_IN, shipped(BUILT_IN, ".parquet"), tmp_path)
    missing = [name for name in controls_of(known.task_file) if known.find(name) is None]
    assert not missing, ANEW


def some(path, folder, count):
    """Return a task of some of the built-in one's samples."""
    rows = [row for row in read_rows(path) if row.sample.key in set(keys_of(path)[::count])]
    prepare.write_rows(folder / "some.parquet", rows, prepare.file_metadata(path))
    return folder / "some.parquet"


def keys_of(path):
    return [row.sample.key for row in read_rows(path, images=False)]


@pytest.mark.parametrize("every", [25, pytest.param(1, marks=pytest.mark.long)])
def test_the_scores_that_ship_are_those_that_are_computed(every, tmp_path):
    whole = shipped(BUILT_IN, ".parquet")
    task_file = some(whole, tmp_path, every)
    for name in controls_of(whole):
        computed, problems = control_scores(name, task_file)
        known = known_scores._read(shipped(BUILT_IN, SUFFIX), name, {})  # whatever code made them
        table = known.table
        kept = table.filter(pc.is_in(table.column("key"), computed.column("key").combine_chunks()))
        for column in computed.column_names:
            one, other = kept.column(column).to_pylist(), computed.column(column).to_pylist()
            if column in ("lcss", "loss:route") or not isinstance(one[0], float):
                assert repr(one) == repr(other), f"{name}, {column}: {ANEW}"
            else:
                np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=f"{name}, {column}: {ANEW}")
        assert known.problems == problems


def test_everything_that_decides_a_score_is_in_the_hash():
    modules, deciding = modules_of(PACKAGE), set(known_scores.deciding(PACKAGE))
    inside = {name: path for name, path in modules.items() if path in deciding}
    imported = {
        target
        for name, path in inside.items()
        for node in imports_in(path)
        for target in targets_of(node, name, path.name == "__init__.py", modules)
    }
    assert len(inside) > 40
    assert (imported & modules.keys()) - inside.keys() - HARMLESS == set()


NAMES = ("truth", "scribble", "random_order")


def ran(task, cache, out):
    """Make and score some controls of a task; return the folder of its entries."""
    opened = run.open_task(task, None, out, cache=cache, limit=3, pool=engine.IN_PROCESS, progress=run.no_progress)
    for name in NAMES:
        opened.control(name)
    return opened.folder


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Return a task of one's own on which controls have been scored, the folder of prepared tasks, and of entries."""
    folder = tmp_path_factory.mktemp("scored")
    task = str(tiny_task(folder))
    return task, folder / "cache", ran(task, folder / "cache", folder / "first")


@pytest.fixture
def asked(monkeypatch):
    """Return a list that gets the name of every entry that is scored."""
    found, score = [], run.score

    def noted(task_file, predictions, *rest, **more):
        found.append(predictions.parent.name)
        return score(task_file, predictions, *rest, **more)

    monkeypatch.setattr(run, "score", noted)
    return found


def test_controls_are_scored_once_for_a_task(scored, asked, tmp_path):
    folder = ran(*scored[:2], tmp_path)
    assert asked == []
    assert contents(folder) == contents(scored[2])


@pytest.mark.parametrize("fault", ["another code", "a damaged file", "another control's", "another task"])
def test_what_does_not_hold_is_scored_anew(fault, scored, asked, tmp_path, monkeypatch):
    cache = shutil.copytree(scored[1], tmp_path / "cache")
    (folder,) = cache.glob("controls/*")
    kept = sorted(folder.glob("*.parquet"))
    assert [path.stem for path in kept] == sorted(NAMES)
    if fault == "another code":
        monkeypatch.setattr(known_scores, "scoring", lambda: "other")
    if fault == "a damaged file":
        kept[0].write_bytes(kept[0].read_bytes()[:-100])
        kept[1].write_bytes(b"")
        kept[2].unlink()
    if fault == "another control's":
        contents_of = [path.read_bytes() for path in kept]
        for path, content in zip(kept, contents_of[1:] + contents_of[:1], strict=True):
            path.write_bytes(content)
    if fault == "another task":
        (task,) = cache.glob("tiny-*.parquet")
        rows = list(read_rows(task))
        prepare.write_rows(task, rows[::-1], prepare.file_metadata(task))
    found = contents(ran(scored[0], cache, tmp_path))
    assert asked == list(NAMES)
    if fault != "another task":
        assert found == contents(scored[2])


def test_every_module_that_decides_is_there():
    assert [name for name in DECIDES if not (PACKAGE / name).exists()] == []
    assert shipped(BUILT_IN, SUFFIX) is not None
