"""The whole way: task, predictions, scores, result, leaderboard, on the built-in corpus."""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from kalamos.benchmark import run
from kalamos.benchmark.board import publish
from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.latex import to_latex
from kalamos.benchmark.score import _known_truth
from kalamos.benchmark.statistics.significance import pairwise
from kalamos.benchmark.task import load_task, task_names
from kalamos.cli import main
from kalamos.errors import KalamosError, TaskError
from kalamos.image import Placement
from kalamos.ink import Ink, Sample
from kalamos.recoverer import load_recoverer
from kalamos.storage.parquet import Row, read_rows

SAMPLES = 60


@pytest.fixture(scope="module")
def benched(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    models = ("good-continuation", "nearest")
    results = run.bench("synthetic-3scripts", models, Path(), out, cache=out / "tasks", limit=SAMPLES)
    return out, {result.entry: result for result in results}


def value(results, entry, metric):
    return results[entry].metrics[metric].value


@pytest.mark.parametrize(
    ("source", "scored"),
    [("recorded", True), ("rate", True), ("synthetic", True), ("estimated", False), ("equal-interval", False),
     ("none", False)],
)  # fmt: skip
def test_velocity_is_scored_against_true_times_alone(source, scored):
    timed = None if source in ("none", "equal-interval") else [[0, 1]]
    sample = Sample("a", Ink.from_strokes([[(0, 0), (1, 1)]], t=timed), time_source=source)
    assert (_known_truth(Row(sample, None, Placement(1, 0, 0))).t is not None) is scored


def test_controls_say_what_each_metric_is_worth(benched):
    _, results = benched
    for metric in ("ldtw", "rmse_arc", "rmse_time", "dtw"):
        assert value(results, "truth", metric) == 0
    for metric in ("lcss", "ink_f1", "length_ratio", "points_ratio"):
        assert value(results, "truth", metric) == 1
    for metric in ("start_point", "stroke_count", "complete_trajectory", "stroke_direction"):
        assert value(results, "truth", metric) == 1
    # a reversal is invisible to the picture and ruins the order
    for control in ("reversed", "each_stroke_reversed", "shuffled_strokes", "constant_speed"):
        assert value(results, control, "aiou") == pytest.approx(value(results, "truth", "aiou"), abs=0.01)
    assert value(results, "reversed", "ldtw") > 10
    assert value(results, "reversed", "complete_trajectory") == 0
    # perfect order at constant speed costs nothing in arc length and much in time
    assert value(results, "constant_speed", "rmse_arc") < 0.1
    assert value(results, "constant_speed", "rmse_time") > 5
    # one constant point beats a perfect trace drawn backwards in RMSE, and nowhere else
    assert value(results, "centroid", "rmse_arc") < value(results, "reversed", "rmse_arc")
    assert value(results, "centroid", "complete_trajectory") == 0
    # twice the points: the published DTW changes, the resampled one does not
    assert value(results, "denser_2x", "dtw_points") > 10
    assert value(results, "denser_2x", "dtw") < 1
    assert 0 < value(results, "mean_trajectory", "ldtw") < value(results, "reversed", "ldtw")


def test_the_ceiling_of_recognition_is_the_control_that_is_the_truth(benched):
    _, results = benched
    truth = results["truth"]
    assert truth.recognition["all"]["ceiling"] == truth.metrics["recognised"].value
    assert truth.recognition["all"]["ratio"] == 1.0
    for result in results.values():
        assert result.recognition["all"]["ceiling"] == truth.recognition["all"]["ceiling"]
        assert result.recognition["all"]["recovered"] == pytest.approx(result.metrics["recognised"].value)


def test_difficulty_parts_every_sample_once(benched):
    _, results = benched
    for parts in (results["nearest"].by_junctions, results["nearest"].by_length, results["nearest"].by_strokes):
        assert sum(part["samples"] for part in parts.values()) == SAMPLES


def test_the_tracer_beats_the_naive_one(benched):
    _, results = benched
    for metric in ("ldtw", "rmse_arc"):
        assert value(results, "good-continuation", metric) < value(results, "nearest", metric)
    assert results["good-continuation"].coverage == 1
    assert results["good-continuation"].milliseconds > 0
    assert results["good-continuation"].peak_memory_mb > 10


def test_a_smaller_look_says_so(benched):
    out, results = benched
    assert all(result.partial for result in results.values())
    assert (out / f"synthetic-3scripts-first{SAMPLES}" / "task.parquet").exists()
    assert "not comparable" in leaderboard.to_markdown(list(results.values()))


def test_scoring_again_gives_the_same_files(benched, tmp_path):
    out, _ = benched
    home = out / f"synthetic-3scripts-first{SAMPLES}" / "good-continuation"
    settings = {"cache": out / "tasks", "limit": SAMPLES, "name": "again"}
    for workers in (1, 2):
        again = tmp_path / str(workers)
        run.score_predictions(
            home / "predictions.parquet", "synthetic-3scripts", Path(), again, workers=workers, **settings
        )
        copy = again / home.relative_to(out).with_name("again")
        assert (copy / "scores.parquet").read_bytes() == (home / "scores.parquet").read_bytes()
        a, b = (json.loads((folder / "result.json").read_text()) for folder in (copy, home))
        same = {"entry": "", "kind": "", "provenance": ""}
        assert {**a, **same} == {**b, **same}


def test_the_command_score_shows_the_table_of_predictions_made_elsewhere(benched, tmp_path):
    predictions = next(benched[0].rglob("nearest/predictions.parquet"))
    command = ["score", str(predictions), "--task", "synthetic-3scripts", "--root", str(tmp_path), "--name", "mine"]
    command += ["--cache", str(benched[0] / "tasks"), "--limit", str(SAMPLES), "--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0, answer.output
    (row,) = (line for line in answer.output.splitlines() if line.strip().startswith("mine"))
    assert f"{benched[1]['nearest'].metrics['lcss'].value:.3f}" in row


def test_a_folder_of_predictions_is_scored_as_one_file_is(benched, tmp_path):
    out, results = benched
    home = next(out.rglob("good-continuation/predictions.parquet")).parent
    table = pq.read_table(home / "predictions.parquet")
    (tmp_path / "parts").mkdir()
    for k, part in enumerate((table.slice(0, 20), table.slice(20))):
        pq.write_table(part, tmp_path / "parts" / f"part-{k}.parquet")
    for folder in (home, tmp_path / "parts"):  # a result's own folder holds its scores too
        settings = {"cache": out / "tasks", "limit": SAMPLES, "name": "again"}
        made = run.score_predictions(folder, "synthetic-3scripts", Path(), tmp_path / folder.name, **settings)
        assert made.metrics == results["good-continuation"].metrics


def test_predicting_again_gives_the_same_inks(benched, tmp_path):
    out, _ = benched
    run.bench(
        "synthetic-3scripts",
        ("good-continuation",),
        Path(),
        tmp_path,
        cache=out / "tasks",
        limit=SAMPLES,
        controls=False,
        workers=2,
    )
    tables = [
        pq.read_table(next(folder.rglob("good-continuation/predictions.parquet"))).drop_columns("seconds")
        for folder in (out, tmp_path)
    ]
    assert tables[0].equals(tables[1])


def foreign(path, rows):
    keys, xs, ys = zip(*rows, strict=True)
    kind = pa.list_(pa.list_(pa.float64()))
    pq.write_table(pa.table({"key": list(keys), "x": pa.array(xs, kind), "y": pa.array(ys, kind)}), path)
    return path


def test_garbage_is_named_counted_and_bounded(benched, tmp_path):
    out, _ = benched
    keys = [row.sample.key for row in read_rows(next(out.rglob("task.parquet")), images=False)]
    garbage = [
        (keys[0], [[1.0, math.nan]], [[1.0, 2.0]]),
        (keys[1], [], []),
        (keys[2], [[1e6, 2e6]], [[0.0, 0.0]]),
        (keys[3], [[0.0] * 200_000], [[0.0] * 200_000]),
        (keys[4], [[1.0, 2.0]], [[1.0]]),
        (keys[5], [[5.0, 30.0]], [[5.0, 30.0]]),
        (keys[5], [[1.0]], [[1.0]]),
        ("no/such/key", [[1.0]], [[1.0]]),
        (keys[6], None, None),
    ]
    path = foreign(tmp_path / "garbage.parquet", garbage)
    result = run.score_predictions(
        path, "synthetic-3scripts", Path(), tmp_path, cache=out / "tasks", limit=SAMPLES, name="garbage"
    )
    assert result.coverage == pytest.approx(1 / SAMPLES)
    assert result.problems["unknown key"] == 1
    assert result.problems["duplicate key: the first counts"] == 1
    assert sum(result.failures.values()) == SAMPLES - 1
    named = " ".join(result.failures)
    for reason in ("not finite", "empty ink", "far outside", "more than 100000 points", "not answered", "differ"):
        assert reason in named
    summary = result.metrics["ldtw"]
    assert summary.n == SAMPLES
    assert 0 < summary.value <= math.hypot(64, 64)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not parquet at all", "neither a Parquet file|not a Parquet"), (None, "lacks the columns")],
)
def test_files_that_are_no_predictions_are_named(benched, tmp_path, content, message):
    path, out = tmp_path / "p.parquet", tmp_path / "out"
    if content is None:
        pq.write_table(pa.table({"key": ["a"]}), path)
    else:
        path.write_bytes(content)
    for given in (path, tmp_path):
        with pytest.raises(TaskError, match=message):
            run.score_predictions(given, "synthetic-3scripts", Path(), out, cache=benched[0] / "tasks", limit=SAMPLES)


def test_tables_in_every_form(benched):
    _, results = benched
    markdown, latex = leaderboard.to_markdown(list(results.values())), to_latex(list(results.values()))
    assert "| good-continuation | **" in markdown
    assert "*reversed*" in markdown
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == 1
    assert r"each\_stroke\_reversed" in latex.replace(r"\allowbreak{}", "")
    rows = list(csv.DictReader(io.StringIO(leaderboard.to_csv(list(results.values()), all_metrics=True))))
    found = {(row["entry"], row["metric"]): float(row["value"]) for row in rows}
    assert found["good-continuation", "ldtw"] == value(results, "good-continuation", "ldtw")
    assert len(json.loads(leaderboard.to_json(list(results.values())))) == len(results)


def test_published_texts(benched):
    results = list(benched[1].values())
    text = publish.full_text(results)
    assert text.startswith("# Leaderboard")
    assert "| good-continuation | Arab |" in text
    assert "| truth | Arab |" not in text
    readme = publish.with_short_table(f"before\n{publish.MARK}\nold\n{publish.MARK}\nafter\n", results)
    assert readme.startswith("before\n")
    assert readme.endswith("\nafter\n")
    assert "old" not in readme
    rows = [row for row in readme.splitlines() if row.startswith("|")]
    ranked = [result for result in results if result.kind != "control"]
    assert len(rows) == 2 + len({result.task for result in ranked})
    best = max(ranked, key=lambda result: result.metrics["lcss"].value)
    assert rows[2].split("|")[3].strip().startswith(f"{best.entry} **{best.metrics['lcss'].value:.3f}**")
    assert publish.with_short_table(readme, results) == readme
    for variant in publish.VARIANTS:
        assert load_recoverer(variant).velocity in variant


def test_few_writers_and_the_power_of_a_task_are_told(benched):
    _, results = benched
    entries = [results["good-continuation"], results["nearest"]]
    (table,) = leaderboard.tables(entries)
    assert "Power: of two entries like good-continuation and nearest" in table.note
    (small,) = leaderboard.tables([replace(entry, writers=3) for entry in entries])
    assert "Only 3 writers" in small.note
    assert "below p = 0.250, so none is decided" in small.note


def test_every_pair_of_entries_is_corrected_for_all_of_them(benched):
    results = [result for result in benched[1].values() if result.kind == "control"]
    p = pairwise(results, "ldtw")
    assert len(p) == len(results) * (len(results) - 1) // 2
    assert p[frozenset({"truth", "constant_speed"})] == 1.0
    assert p[frozenset({"truth", "reversed"})] < 0.05
    alone = pairwise([benched[1]["truth"], benched[1]["reversed"]], "ldtw")
    assert alone[frozenset({"truth", "reversed"})] < p[frozenset({"truth", "reversed"})]


def test_results_follow_their_schema(benched):
    jsonschema = pytest.importorskip("jsonschema")
    from importlib import resources

    schema = json.loads((resources.files("kalamos.benchmark") / "result.schema.json").read_text())
    for path in benched[0].rglob("result.json"):
        jsonschema.validate(json.loads(path.read_text()), schema)


def test_a_model_that_cannot_start_is_an_error(benched, tmp_path):
    with pytest.raises(KalamosError, match="did you mean nearest"):
        run.bench("synthetic-3scripts", ("nearst",), Path(), tmp_path, cache=benched[0] / "tasks", limit=SAMPLES)


def test_options_of_a_model_make_an_entry_of_its_own():
    assert run.entry_name("good-continuation?velocity=power-law") == "good-continuation+velocity=power-law"
    assert run.entry_name("my/file.py:Model?depth=3", "mine") == "mine+depth=3"


def test_every_task_that_ships_loads():
    for name in task_names():
        task = load_task(name)
        assert task.name == name
        assert len(task.hash) == 16


def test_a_task_takes_the_samples_with_the_smallest_hash_and_only_test_writers(benched):
    rows = list(read_rows(next(benched[0].rglob("task.parquet"))))
    assert len(rows) == SAMPLES
    assert {row.sample.split for row in rows} == {"test"}
    assert [row.sample.key for row in rows] == sorted(row.sample.key for row in rows)
    assert len({row.sample.script for row in rows}) >= 4
    assert np.mean([row.image.pixels.min() for row in rows]) < 10
