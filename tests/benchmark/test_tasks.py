"""Tasks: the same bytes from any copy of a corpus, nothing tampered with, one's own in a few lines of TOML."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kalamos import geometry
from kalamos.benchmark import make_pins, pins, run, task
from kalamos.benchmark.pins import SKETCHED, differs, parsed, pins_of, sketch, truth_checksum
from kalamos.benchmark.prepare import prepare, prepared_task, verify
from kalamos.benchmark.statistics.clusters import effective_writers
from kalamos.benchmark.task import load_task, task_names, task_of
from kalamos.cli import main
from kalamos.datasets.shared_root import VARIABLE
from kalamos.errors import CorpusError, TaskError
from kalamos.ink import Ink
from kalamos.storage.parquet import file_metadata, read_rows, write_rows

CONTRIBUTORS = ("abc", "def", "ghi", "jkl")
SEGMENTS = 6
TASK = """\
name = "small"
version = 2
title = "t"
corpus = "unipen"
options = { categories = "1a" }
split = "all"
level = "character"
per_writer = 4
"""


def contribute(root: Path, name: str) -> None:
    """Write a contributor's file in UNIPEN's form: six digits, each a bent line."""
    rng = np.random.default_rng(sum(map(ord, name)))
    lines = [".VERSION 1.0", ".COORD X Y", ".HIERARCHY CHARACTER", ".POINTS_PER_SECOND 100", f".WRITER_ID w-{name}"]
    for k in range(SEGMENTS):
        points = np.round(np.cumsum(rng.uniform(-20, 40, (12, 2)), axis=0)).astype(int)
        lines += [f'.SEGMENT CHARACTER {k} OK "{k}"', ".PEN_DOWN", *(f"{x} {y}" for x, y in points), ".PEN_UP"]
    folder = root / "data" / "1a" / name
    folder.mkdir(parents=True)
    (root / "include").mkdir(exist_ok=True)
    (folder / "digits.dat").write_text("\n".join(lines) + "\n")


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """Return a folder with tasks of its own, and copies of a corpus: the one that was pinned, a larger, a smaller."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "small.toml").write_text(TASK)
    for name, members in {"pinned": CONTRIBUTORS[:3], "larger": CONTRIBUTORS, "smaller": CONTRIBUTORS[:2]}.items():
        for contributor in members:
            contribute(tmp_path / name, contributor)
    monkeypatch.setattr(task, "tasks_folder", lambda: folder)
    monkeypatch.delenv(VARIABLE, raising=False)
    assert make_pins.pin("small", tmp_path / "pinned") == "small: 12 samples, 3 writers, 3.0 effective"
    return tmp_path


def test_a_larger_copy_gives_the_same_bytes(copies):
    made = [prepare(load_task("small"), copies / name, copies / f"cache-{name}") for name in ("pinned", "larger")]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert {row.sample.writer for row in read_rows(made[1])} == {"abc/w-abc", "def/w-def", "ghi/w-ghi"}


def test_a_smaller_copy_says_what_is_missing_and_how_to_get_it(copies):
    with pytest.raises(TaskError, match=r"4 of its 12 samples.*data/1a/ghi/digits.dat.*How to get all of UNIPEN"):
        prepare(load_task("small"), copies / "smaller", copies / "cache")


def test_a_first_look_takes_the_same_samples_from_any_copy(copies):
    made = [prepare(load_task("small"), copies / name, copies / name, limit=5) for name in ("pinned", "larger")]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert len(list(read_rows(made[0]))) == 5
    assert file_metadata(made[0])["limited"] == "5"


def tampered(path: Path, change) -> None:
    metadata = {
        k: v for k, v in file_metadata(path).items() if k in ("task", "task_hash", "limited", "mean_trajectory")
    }
    rows = [change(row) if k == 3 else row for k, row in enumerate(read_rows(path))]
    write_rows(path, iter(rows), metadata)


def test_a_truth_that_was_reversed_is_found(copies):
    small = load_task("small")
    path = prepare(small, copies / "pinned", copies / "cache")
    tampered(path, lambda row: row._replace(sample=replace(row.sample, ink=geometry.reverse(row.sample.ink))))
    with pytest.raises(TaskError, match="0 images and 1 truths differ"):
        prepare(small, copies / "pinned", copies / "cache")


def test_an_image_that_was_changed_is_found(copies):
    small = load_task("small")
    path = prepare(small, copies / "pinned", copies / "cache")
    tampered(path, lambda row: row._replace(image=replace(row.image, pixels=255 - np.asarray(row.image.pixels))))
    with pytest.raises(TaskError, match="1 images and 0 truths differ"):
        verify(small, path)


def test_a_sample_left_out_is_found(copies):
    small = load_task("small")
    path = prepare(small, copies / "pinned", copies / "cache")
    write_rows(path, iter(list(read_rows(path))[1:]), {"limited": ""})
    with pytest.raises(TaskError, match="1 are missing"):
        verify(small, path)


def test_results_are_scored_on_the_verified_file_and_no_other(copies):
    home = copies / "out" / "small"
    settings = {"cache": copies / "cache", "controls": False}
    run.bench("small", ("nearest",), copies / "pinned", copies / "out", **settings)
    right = (home / "task.parquet").read_bytes()
    tampered(home / "task.parquet", lambda row: row._replace(sample=replace(row.sample, label="9")))
    run.bench("small", ("nearest",), copies / "pinned", copies / "out", **settings)
    assert (home / "task.parquet").read_bytes() == right


def test_a_cap_a_writer_keeps_those_with_the_smallest_hash(copies):
    rows = list(read_rows(prepare(load_task("small"), copies / "pinned", copies / "cache")))
    assert sorted(row.sample.writer for row in rows) == sorted(["abc/w-abc", "def/w-def", "ghi/w-ghi"] * 4)


def test_the_corpus_is_found_below_one_folder_for_all(copies, monkeypatch):
    (copies / "all").mkdir()
    (copies / "pinned").rename(copies / "all" / "unipen")
    small = load_task("small")
    assert prepare(small, copies / "all", copies / "one").exists()
    monkeypatch.setenv(VARIABLE, str(copies / "all"))
    assert prepare(small, None, copies / "two").exists()
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(CorpusError, match=r"UNIPEN.* is needed, and no folder was named.*KALAMOS_CORPORA.*Zenodo"):
        prepare(small, None, copies / "three")


# files of pins


def ink(**moved: float) -> Ink:
    return geometry.transform(
        Ink.from_strokes([[[5, 5], [20, 30]], [[40, 8], [44, 50]]], [[0.0, 0.5], [1.0, 1.5]]), **moved
    )


def test_a_sketch_bears_a_last_bit_and_no_tampering(copies):
    row = next(iter(read_rows(prepare(load_task("small"), copies / "pinned", copies / "cache"))))

    def with_truth(truth):
        return row._replace(sample=replace(row.sample, ink=row.placement.from_pixels(truth)))

    pin = pins.Pin("u", pins.NOT_PINNED, sketch(ink()))
    assert pin.truth.startswith(SKETCHED)
    assert differs(pin, with_truth(ink(dx=0.05))) == ""
    slower = Ink(ink().xy, ink().offsets, 2 * ink().t)
    for wrong in (ink(dx=1.0), geometry.reverse(ink()), geometry.reorder(ink(), [1, 0]), slower):
        assert differs(pin, with_truth(wrong)) == "truth"
    assert differs(replace(pin, truth="~nonsense"), row) == "truth"


def test_truth_checksums_see_points_strokes_and_times():
    later = Ink(ink().xy, ink().offsets, ink().t + 0.001)
    one = Ink(ink().xy, np.array([0, 4]), ink().t)
    assert len({truth_checksum(made) for made in (ink(), later, one, ink(dx=1e-3), Ink(ink().xy, ink().offsets))}) == 5


def test_a_damaged_file_of_pins_names_the_line():
    assert parsed("# a\nmean 1,2 3,4\nunit u v\n- - a b\n", "x.pins").samples == {"a b": pins.Pin("u v", "-", "-")}
    with pytest.raises(TaskError, match=r"x.pins, line 2"):
        parsed("# a\nabc\n", "x.pins")


# the tasks that ship


OF_THE_USERS_DATA = "paper-signatures"


def test_a_task_of_data_that_only_users_have_is_not_pinned():
    assert load_task(OF_THE_USERS_DATA).corpus == "sigcomp2009"
    assert not pins_of(load_task(OF_THE_USERS_DATA)).samples


OF_PAPER = ("paper-characters", "paper-pages")
"""They have no mean trajectory, or pages instead of pieces; tests/benchmark/test_paper_tasks.py has them."""


@pytest.mark.parametrize("name", sorted(set(task_names()) - {OF_THE_USERS_DATA, *OF_PAPER}))
def test_tasks_that_ship_are_pinned(name):
    made, pinned = load_task(name), pins_of(load_task(name))
    assert made.version == 2
    assert len(pinned.samples) >= 75
    assert len(pinned.mean) == 256
    assert all(pin.unit and pin.truth != pins.NOT_PINNED for pin in pinned.samples.values())
    exact = made.style == "clean" and made.corpus != "synthetic"
    assert all((pin.image != pins.NOT_PINNED) == exact for pin in pinned.samples.values())


@pytest.mark.parametrize("name", ["latin-characters", "arabic-words-scan", "indic-characters", "synthetic-3scripts"])
def test_version_one_stays_readable_and_says_why_it_was_superseded(name):
    old = load_task(f"{name}@1")
    assert (old.version, old.name) == (1, name)
    assert old.superseded
    if old.corpus != "synthetic":
        assert 100 < len(pins_of(old).samples) <= (old.limit or 126)
    assert old.hash == "f6ad68a143e16b8d" or name != "synthetic-3scripts"  # as in results of version 0.1


def test_names_that_are_nearly_right():
    with pytest.raises(TaskError, match="did you mean latin-characters"):
        load_task("latin-charcters")
    for name in ("../task", "latin-characters@7", "", "@1", "no-such"):
        with pytest.raises(TaskError, match="no task is called"):
            load_task(name)


# one's own


def test_a_task_of_ones_own_needs_four_lines(tmp_path):
    contribute(tmp_path / "mine", "abc")
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nversion = 1\ntitle = "Mine"\ncorpus = "unipen"\nsplit = "all"\n')
    path = prepare(load_task(str(file)), tmp_path / "mine", tmp_path / "cache")
    assert len(list(read_rows(path))) == SEGMENTS
    assert prepared_task(path)[0].split is None
    results = run.bench(str(file), ("nearest",), tmp_path / "mine", tmp_path / "out", cache=tmp_path / "cache")
    entries = {result.entry for result in results}
    assert "mean_trajectory" not in entries  # nobody was trained on
    assert {"nearest", "truth", "dot"} <= entries
    assert all(result.effective_writers == 1.0 for result in results)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('levle = "word"', "no field 'levle'; did you mean 'level'"),
        ('split = "dev"', "split is all"),
        ("per_writer = = 3", "is not a task"),
    ],
)
def test_mistakes_in_ones_own_task_are_named(tmp_path, line, message):
    file = tmp_path / "t.toml"
    file.write_text(f'name = "t"\nversion = 1\ntitle = "t"\ncorpus = "unipen"\n{line}\n')
    with pytest.raises(TaskError, match=message):
        load_task(str(file))
    with pytest.raises(ValueError, match="'corpus' is missing"):
        task_of({"name": "a", "version": 1, "title": "t"})


def test_half_of_a_task_is_said_loudly(tmp_path):
    out = tmp_path / "runs"
    run.bench("synthetic-3scripts", ("nearest",), None, out, cache=tmp_path / "c", limit=20, controls=False)
    whole = next(out.rglob("nearest/predictions.parquet"))
    import pyarrow.parquet as pq

    half = tmp_path / "half.parquet"
    pq.write_table(pq.read_table(whole).slice(0, 10), half)
    command = ["score", str(half), "--task", "synthetic-3scripts", "--limit", "20", "--name", "half"]
    answer = CliRunner().invoke(main, [*command, "--cache", str(tmp_path / "c"), "--out", str(tmp_path / "o")])
    assert answer.exit_code == 0, answer.output
    assert "half answered only 50% of the samples" in " ".join(answer.output.split())
    assert "THE OTHERS COUNT AS FAILED" in " ".join(answer.output.split())


def test_effective_writers():
    assert effective_writers(["a"] * 5 + ["b"] * 5) == 2.0
    assert effective_writers(["a"] * 9 + ["b"]) == pytest.approx(100 / 82)
    assert effective_writers(["", "", "a"]) == 3.0
    assert effective_writers([]) == 0.0
    assert math.isfinite(effective_writers(["a"]))


# on the real corpora


@pytest.mark.corpora
@pytest.mark.parametrize(
    "name", ["latin-characters", "latin-lines", "arabic-words", "indic-characters", "copied-characters"]
)
def test_pinned_samples_are_of_test_writers_and_come_from_their_units_alone(corpora, tmp_path, name):
    made = load_task(name)
    path = prepare(made, corpora, tmp_path / "whole", limit=25)
    rows = list(read_rows(path))
    assert len(rows) == 25
    assert {row.sample.split for row in rows} == {"test"}
    metadata = json.loads(file_metadata(path)["task"])
    assert metadata["version"] == 2


@pytest.mark.corpora
def test_a_copy_of_unipen_with_the_pinned_contributors_alone_gives_the_same_bytes(corpora, tmp_path):
    made = load_task("latin-characters-scan")
    needed = {Path(pin.unit).parts[2] for pin in pins_of(made).first(30).samples.values()}
    root, part = next(corpora.glob("*unipen*")), tmp_path / "part"
    for folder in (*(f"data/{category}" for category in ("1a", "1b", "1c")), "include"):
        for contributor in needed:
            if (root / folder / contributor).is_dir():
                shutil.copytree(root / folder / contributor, part / folder / contributor)
    whole, less = (prepare(made, folder, tmp_path / name, limit=30) for folder, name in [(root, "a"), (part, "b")])
    assert whole.read_bytes() == less.read_bytes()
