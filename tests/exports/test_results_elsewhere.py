"""Results for other collections, each by its own validator: Every Eval Ever, the Hugging Face hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from commands import kalamos

from kalamos.benchmark import run
from kalamos.benchmark.board.table import find_results
from kalamos.benchmark.exchange.every_eval_ever import record_of, write_records
from kalamos.benchmark.exchange.facts import entries_of, portable
from kalamos.benchmark.exchange.hub import eval_results, model_card, write_model_folders
from kalamos.errors import StoreError, TaskError

VALIDATOR = Path(
    os.environ.get("KALAMOS_EVERY_EVAL_EVER", Path.home() / ".cache/kalamos/validators/every-eval-ever-0.3.0")
)
"""The unpacked wheel of the package, which asks for a newer Python than Kalamos: `make validators` puts it there."""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    run.bench("synthetic-3scripts", ("good-continuation", "nearest"), Path(), out, cache=out / "tasks", limit=6)
    return find_results([out / "synthetic-3scripts-first6"])


def validate(folder, files="data/*/*/*/*.json"):
    """Run the validator of the collection over a folder; return what it says, file by file."""
    if not (VALIDATOR / "every_eval_ever").is_dir():
        pytest.skip("the validator of Every Eval Ever is not here; `make validators` fetches it")
    pytest.importorskip("pydantic")
    command = [sys.executable, "-W", "ignore", "-m", "every_eval_ever.validator.validate", "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(VALIDATOR)}
    done = subprocess.run([*command, files], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_every_record_passes_and_controls_are_left_out(results, tmp_path):
    paths = write_records(results, tmp_path, organization="A laboratory")
    reports = validate(tmp_path)
    assert [report["file"] for report in reports if not report["valid"] or report["warnings"]] == []
    assert len(reports) == len(paths) == 2


BREAKS = {
    "a metric without its better end": lambda d: d["evaluation_results"][0]["metric_config"].pop("lower_is_better"),
    "a score that is a text": lambda d: d["evaluation_results"][0]["score_details"].update(score="0.9"),
    "no time": lambda d: d.pop("retrieved_timestamp"),
    "a relation that there is not": lambda d: d["source_metadata"].update(evaluator_relationship="friend"),
    "a field that there is not": lambda d: d.update(rank=1),
    "a detail that is a number": lambda d: d["source_metadata"]["additional_details"].update(samples=6),
}


def test_a_broken_record_does_not_pass(results, tmp_path):
    nearest = [result for result in results if result.entry == "nearest"]
    for number, broken in enumerate(BREAKS.values()):
        path = write_records(nearest, tmp_path / str(number))[0]
        record = json.loads(path.read_text())
        broken(record)
        path.write_text(json.dumps(record))
    reports = validate(tmp_path, f"{tmp_path}/*/data/*/*/*/*.json")
    assert len(reports) == len(BREAKS)
    passed = [Path(report["file"]).relative_to(tmp_path).parts[0] for report in reports if report["valid"]]
    assert [what for number, what in enumerate(BREAKS) if str(number) in passed] == []


def test_a_record_says_what_the_result_says_and_no_more(results):
    entry = next(entry for entry in entries_of(results) if entry.result.entry == "nearest")
    record = record_of(entry)
    by_name = {row["metric_config"]["metric_name"]: row for row in record["evaluation_results"]}
    lcss = entry.result.metrics["lcss"]
    assert by_name["lcss"]["score_details"]["score"] == lcss.value
    assert by_name["lcss"]["score_details"]["uncertainty"]["confidence_interval"]["lower"] == lcss.low
    assert by_name["lcss"]["metric_config"]["lower_is_better"] is False
    assert by_name["rmse_arc"]["metric_config"]["lower_is_better"] is True
    assert "length_ratio" not in by_name, "a ratio has no better end"
    assert record["source_metadata"]["source_organization_name"] == "unknown"
    assert record["source_metadata"]["evaluator_relationship"] == "other"
    assert "first look" in record["source_metadata"]["additional_details"]["partial"]
    assert record["model_info"]["id"] == "kalamos/nearest"
    assert record["evaluation_results"][0]["source_data"]["dataset_name"] == "Kalamos synthetic handwriting"


def test_an_entry_from_elsewhere_is_nobodys_until_its_card_says_so(results):
    strange = replace(results[0], kind="submission", entry="good-continuation")
    (entry,) = entries_of([strange])
    assert entry.model_id == "unknown/good-continuation"
    assert not entry.is_ours
    assert record_of(entry)["model_info"]["additional_details"]["model_availability"] == "unknown"
    assert "license" not in model_card(pytest.importorskip("huggingface_hub"), [entry])


def test_the_card_of_an_entry_says_whose_it_is_and_who_ran_it(results, tmp_path):
    said = {"run_by": "A. Reader", "relation": "third_party", "model_by": "B. Maker"}
    strange = replace(results[0], kind="submission", entry="theirs", submission=said)
    (entry,) = entries_of([strange])
    record = record_of(entry)
    assert entry.model_id == "B.-Maker/theirs"
    assert record["model_info"]["developer"] == "B. Maker"
    assert record["source_metadata"]["evaluator_relationship"] == "third_party"
    assert record["source_metadata"]["additional_details"]["run_by"] == "A. Reader"
    assert "Run by A. Reader" in model_card(pytest.importorskip("huggingface_hub"), [entry])
    write_records([strange], tmp_path)
    assert [report["file"] for report in validate(tmp_path) if not report["valid"] or report["warnings"]] == []


def test_an_attack_is_no_result_for_others(results):
    with pytest.raises(TaskError, match="controls"):
        entries_of([replace(results[0], kind="attack")])


def test_the_same_results_give_the_same_bytes_and_nothing_is_replaced_unasked(results, tmp_path):
    first, second = (write_records(results, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert [path.name for path in first] == [path.name for path in second]
    with pytest.raises(StoreError, match="there already"):
        write_records(results, tmp_path / "a")


def test_controls_alone_are_no_results_for_others(results, tmp_path):
    with pytest.raises(TaskError, match="controls"):
        write_records([result for result in results if result.kind == "control"], tmp_path)


def test_names_are_fit_for_folders():
    assert portable("good-continuation+velocity=power-law") == "good-continuation-velocity-power-law"
    assert portable("data") != "data"
    for name in ("..", "", "con", "a/b", "a" * 300, "ä ö", ". x ."):
        plain = portable(name)
        assert plain
        assert "/" not in plain
        assert plain not in (".", "..")
        assert len(plain.encode()) <= 120


def whole(results):
    return [replace(result, partial=False) for result in results]


def test_the_hubs_own_classes_read_card_and_eval_results(results, tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    yaml = pytest.importorskip("yaml")
    paths = write_model_folders(whole(results), tmp_path, tasks_of="someone")
    assert {path.name for path in paths} == {"README.md", "synthetic-3scripts-v2.yaml"}
    data = hub.ModelCard.load(tmp_path / "nearest" / "README.md").data
    values = {row.metric_type: row.metric_value for row in data.eval_results}
    nearest = next(result for result in results if result.entry == "nearest")
    assert values["lcss"] == pytest.approx(nearest.metrics["lcss"].value, abs=1e-6)
    assert data.eval_results[0].dataset_type == "someone/synthetic-3scripts-v2"
    assert data.license == "mit"
    text = (tmp_path / "nearest" / ".eval_results" / "synthetic-3scripts-v2.yaml").read_text()
    (row,) = hub.parse_eval_result_entries(yaml.safe_load(text))
    assert (row.dataset_id, row.task_id) == ("someone/synthetic-3scripts-v2", "synthetic-3scripts")
    assert row.value == pytest.approx(nearest.metrics["lcss"].value, abs=1e-6)
    assert "6 samples" in row.notes


def test_two_names_that_are_one_on_disk_get_folders_of_their_own(results, tmp_path):
    pytest.importorskip("huggingface_hub")
    one = next(result for result in whole(results) if result.entry == "nearest")
    paths = write_model_folders([replace(one, entry="a+b"), replace(one, entry="a=b")], tmp_path)
    assert len({path.parent for path in paths}) == 2
    assert {path.name for path in paths} == {"README.md"}


def test_without_an_owner_of_the_tasks_there_are_no_eval_results(results, tmp_path):
    pytest.importorskip("huggingface_hub")
    assert {path.name for path in write_model_folders(whole(results), tmp_path)} == {"README.md"}


def test_first_looks_are_no_results_for_the_hub(results, tmp_path):
    pytest.importorskip("huggingface_hub")
    from kalamos.errors import KalamosError

    with pytest.raises(KalamosError, match="first looks"):
        write_model_folders(results, tmp_path)


def test_a_broken_eval_result_is_caught(results):
    hub = pytest.importorskip("huggingface_hub")
    yaml = pytest.importorskip("yaml")
    entry = entries_of(whole(results))[0]
    rows = yaml.safe_load(eval_results(hub, entry, "someone"))
    del rows[0]["dataset"]["task_id"]
    with pytest.raises(KeyError):
        hub.parse_eval_result_entries(rows)


def test_the_command_writes_both(results, tmp_path):
    folder = results[0].folder.parent
    shown = kalamos("leaderboard", folder, "--every-eval-ever", tmp_path / "eee", "--entries", "nearest")
    assert "wrote 1 records" in shown
    assert len(list((tmp_path / "eee").rglob("*.json"))) == 1
    assert "first looks" in kalamos("leaderboard", folder, "--hub", tmp_path / "hub", code=1)
