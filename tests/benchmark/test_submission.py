"""Entries that others send: an honest one gets a row, and each way of being wrong is named and gets none."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from submission_cards import OWN, TASK

from kalamos import geometry
from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.predictions import write_predictions
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.result import read_result
from kalamos.benchmark.submission.verify import Verified, entries_in, verify
from kalamos.benchmark.task import load_task
from kalamos.cli import main
from kalamos.errors import TaskError
from kalamos.ink import Ink
from kalamos.recoverer import load_recoverer
from kalamos.storage.parquet import Row, read_rows

TODAY = datetime.date(2026, 11, 28)
EXAMPLE = resources.files("kalamos.commands") / "templates" / "results-repository" / "card.toml.template"
Inks = dict[str, Ink | None]


class House:
    """A small task, honest answers to it, and a folder for entries."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tasks, self.cache = folder, folder / "tasks", folder / "cache"
        self.tasks.mkdir()
        (self.tasks / "small.toml").write_text(TASK)
        task_file = prepare(load_task(str(self.tasks / "small.toml")), None, self.cache)
        self.rows: list[Row] = list(read_rows(task_file))
        images = [row.image for row in self.rows if row.image is not None]
        found = load_recoverer("nearest").recover(images)
        self.honest: Inks = {row.sample.key: ink for row, ink in zip(self.rows, found, strict=True)}
        self.truth: Inks = {row.sample.key: row.truth() for row in self.rows}

    def entry(self, inks: Inks, name: str = "mine", card: str = "", metadata: dict[str, str] | None = None) -> Path:
        home = self.folder / "entries" / "small" / name
        home.mkdir(parents=True, exist_ok=True)
        (home / "card.toml").write_text(card or self.card(name))
        write_predictions(home / "predictions.parquet", [(k, Answer(ink)) for k, ink in inks.items()], metadata or {})
        return home

    def card(self, name: str = "mine", **changes: str) -> str:
        text = EXAMPLE.read_text(encoding="utf-8")
        for example, own in OWN.items():
            assert example in text
            text = text.replace(example, own)
        changes = {"entry": f'"{name}"', "task": '"small"', "task_version": "1"} | changes
        for field, value in changes.items():
            text, count = re.subn(rf"(?m)^{field} = .*$", f"{field} = {value}", text)
            assert count == 1, field
        return text

    def verify(self, *folders: Path, out: str = "runs") -> list[Verified]:
        return verify(folders, None, self.folder / out, tasks=self.tasks, cache=self.cache, today=TODAY)

    def said(self, folder: Path) -> tuple[bool, set[tuple[str, str]], str]:
        """Verify an entry: whether it stands, the level and kind of its findings, and all of its text."""
        (done,) = self.verify(folder)
        row = self.folder / "runs" / "small" / folder.name / "result.json"
        assert done.stands == row.exists()
        return done.stands, {(finding.level, finding.what) for finding in done.findings}, done.text()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


def test_an_honest_entry_gets_a_row_that_says_who_ran_it_and_believes_no_number_of_its_own(house: House) -> None:
    home = house.entry(house.honest, metadata={"entry": "x", "peak_memory_mb": "1", "provenance": '{"kalamos": "9"}'})
    table = pq.read_table(home / "predictions.parquet")
    place = table.schema.get_field_index("seconds")
    pq.write_table(table.set_column(place, "seconds", pa.array([1e-9] * len(table))), home / "predictions.parquet")
    (home / "result.json").write_text('{"lcss": 1.0}')
    stands, found, text = house.said(home)
    assert stands, text
    assert found == {("look", "files")}
    row = read_result(house.folder / "runs" / "small" / "mine" / "result.json")
    assert (row.kind, row.coverage, row.milliseconds, row.peak_memory_mb) == ("submission", 1.0, None, None)
    assert row.provenance["predicted"] == {}
    assert 0.2 < row.metrics["lcss"].value < 0.9
    said = row.submission
    assert (said["run_by"], said["relation"]) == ("A. Reader, University of Somewhere", "first_party")
    assert (said["trained_on_this_corpus"], said["cpu_seconds"]) == ("no", 412.0)
    again = house.verify(home, out="again")[0].result
    assert again is not None
    names = ("predictions.parquet", "scores.parquet")
    assert all((again.folder / n).read_bytes() == (row.folder / n).read_bytes() for n in names)


def without_one(house: House) -> Inks:
    return dict(list(house.honest.items())[1:])


def with_foreign(house: House) -> Inks:
    return {**house.honest, "no/such/key": next(iter(house.honest.values()))}


def truth(house: House) -> Inks:
    return house.truth


def truth_of_one(house: House) -> Inks:
    key = max(house.truth, key=lambda k: geometry.length(house.truth[k]))  # type: ignore[arg-type]
    return {**house.honest, key: house.truth[key]}


def changed(change: Callable[[Ink, np.random.Generator], Ink]) -> Callable[[House], Inks]:
    def made(house: House) -> Inks:
        rng = np.random.default_rng(0)
        return {key: None if ink is None else change(ink, rng) for key, ink in house.truth.items()}

    return made


def jittered(ink: Ink, rng: np.random.Generator) -> Ink:
    return ink.with_points(ink.xy + rng.normal(0, 0.5, ink.xy.shape), ink.offsets, ink.channels())


def rounded(ink: Ink, rng: np.random.Generator) -> Ink:
    return ink.with_points(np.round(ink.xy, 1), ink.offsets, [])


def thinned(ink: Ink, rng: np.random.Generator) -> Ink:
    return geometry.resample(geometry.reverse(ink), n=max(2 * ink.n_strokes, ink.n_points // 2))


SENT: dict[str, tuple[Callable[[House], Inks], str]] = {
    "one is missing": (without_one, "coverage"),
    "a foreign key": (with_foreign, "foreign keys"),
    "the truth": (truth, "the truth itself"),
    "the truth of one sample": (truth_of_one, "the truth itself"),
    "the truth backwards": (changed(lambda ink, rng: geometry.reverse(ink)), "the truth itself"),
    "the truth to a tenth of a pixel": (changed(rounded), "nearer than can be seen"),
    "the truth backwards at half the points": (changed(thinned), "nearer than can be seen"),
    "the truth with noise": (changed(jittered), "points of the truth"),
}


@pytest.mark.parametrize("case", SENT)
def test_answers_that_cannot_be_right_are_named_and_get_no_row(house: House, case: str) -> None:
    make, what = SENT[case]
    stands, found, text = house.said(house.entry(make(house), "sent"))
    assert not stands
    assert ("wrong", what) in found, text


def test_a_row_goes_when_its_entry_falls_and_an_excuse_lets_a_gap_stand(house: House) -> None:
    home = house.entry(house.honest, "falls")
    assert house.said(home)[0]
    assert not house.said(house.entry(without_one(house), "falls"))[0]
    text = house.card("falls").replace("# unanswered = ", "unanswered = ")
    stands, found, said = house.said(house.entry(without_one(house), "falls", text))
    assert stands
    assert found == {("look", "coverage")}, said


def test_what_was_scored_is_scored_again_where_something_changed_and_not_else(house: House) -> None:
    home, row = house.entry(house.honest, "kept"), house.folder / "runs" / "small" / "kept" / "result.json"
    said = house.verify(home)[0].result
    first = row.stat().st_mtime_ns
    assert house.verify(home)[0].result == said
    assert row.stat().st_mtime_ns == first
    (home / "card.toml").write_text(house.card("kept", cpu_seconds="99.0"))
    changed = house.verify(home)[0].result
    assert changed is not None
    assert changed.submission["cpu_seconds"] == 99.0
    forged = json.loads(row.read_text())
    row.write_text(json.dumps({**forged, "benchmark_version": 1}))
    assert house.verify(home)[0].result == changed
    (row.parent / "scores.parquet").unlink()
    assert house.verify(home)[0].result == changed
    assert (row.parent / "scores.parquet").exists()


def test_broken_rows_of_a_file_made_elsewhere_are_named(house: House) -> None:
    keys = list(house.honest)
    line: list[list[list[float]]] = [[[1.0, 2.0, 3.0]]] * len(keys)
    times = [[[0.0, 2.0, 1.0]], *[[[0.0, 1.0, 2.0]]] * (len(keys) - 1)]
    home = house.entry(house.honest, "broken")
    table = {"key": [*keys, keys[3]], "x": [*line, line[0]], "y": [*line, line[0]], "t": [*times, times[1]]}
    pq.write_table(pa.table(table), home / "predictions.parquet")
    stands, found, text = house.said(home)
    assert not stands
    assert {("wrong", "broken ink"), ("wrong", "duplicate keys")} <= found, text
    assert keys[0] in text
    pq.write_table(pa.table({"key": keys, "x": line}), home / "predictions.parquet")
    assert ("wrong", "predictions") in house.said(home)[1]
    (home / "predictions.parquet").write_bytes(b"PAR1 or not")
    assert ("wrong", "predictions") in house.said(home)[1]


CARDS: dict[str, tuple[dict[str, str], str]] = {
    "another version": ({"task_version": "2"}, "task version"),
    "no such task": ({"task": '"smal"'}, "task"),
    "a task that leads elsewhere": ({"task": '"../small"'}, "task"),
    "a name that leads elsewhere": ({"entry": '"../mine"'}, "name"),
    "another name than the folder's": ({"entry": '"other"'}, "name"),
    "a date to come": ({"date": "2027-01-01"}, "card"),
    "no date": ({"date": '"2026-02-31"'}, "card"),
    "a score": ({"format": '"kalamos-card/1"\nlcss = 0.99'}, "card"),
    "a hash that is none": ({"code": '{ url = "https://x.org", sha256 = "abc" }'}, "card"),
    "code without a hash": ({"code": '{ url = "https://x.org" }'}, "card"),
    "no licence": ({"about": '"x"\nlicense = "MIT"'}, "card"),
    "neither first nor third party": ({"relation": '"second_party"'}, "card"),
    "a line of two": ({"about": '"a\\nb"'}, "card"),
    "no number": ({"cpu_seconds": "nan"}, "card"),
    "a number without end": ({"cpu_seconds": "1" + 400 * "0"}, "card"),
    "a draft": ({"command": '"..."'}, "card"),
    "no TOML": ({"format": "kalamos"}, "card"),
}


def test_an_example_that_was_left_as_it_came_is_no_card(house: House) -> None:
    text = (
        EXAMPLE.read_text(encoding="utf-8").replace("latin-characters", "small").replace("version = 2", "version = 1")
    )
    stands, found, said = house.said(house.entry(house.honest, "my-model", text))
    assert not stands
    assert found == {("wrong", "card")}
    assert "run/by, model/by, model/code/url" in said


@pytest.mark.parametrize("case", CARDS)
def test_a_wrong_card_is_named_and_gets_no_row(house: House, case: str) -> None:
    changes, what = CARDS[case]
    stands, found, text = house.said(house.entry(house.honest, "carded", house.card("carded", **changes)))
    assert not stands
    assert ("wrong", what) in found, text


TRAINED = {
    '[{ corpus = "synthetic", splits = ["test"] }]': ("wrong", "trained on test"),
    '[{ corpus = "Synthetic (the built-in one)", splits = ["train", "all"] }]': ("wrong", "trained on test"),
    '[{ corpus = "syntetic", splits = ["test"] }]': ("wrong", "card"),
    '[{ corpus = "synthetic", splits = ["own"] }]': ("look", "trained on this corpus"),
}


@pytest.mark.parametrize("corpora", TRAINED)
def test_training_on_the_test_is_read_from_the_card(house: House, corpora: str) -> None:
    card = re.sub(r"(?ms)^corpora = \[.*?^\]", f"corpora = {corpora}", house.card("trained"))
    stands, found, text = house.said(house.entry(house.honest, "trained", card))
    assert TRAINED[corpora] in found, text
    assert stands == (TRAINED[corpora][0] == "look")


@pytest.mark.parametrize(
    ("corpora", "said"),
    [('[{ corpus = "synthetic", splits = ["train"] }]', "yes (train)"), ("[]", "no"), ('"unknown"', "unknown")],
)
def test_the_row_says_whether_the_corpus_was_trained_on(house: House, corpora: str, said: str) -> None:
    card = re.sub(r"(?ms)^corpora = \[.*?^\]", f"corpora = {corpora}", house.card("asked"))
    (done,) = house.verify(house.entry(house.honest, "asked", card))
    assert done.result is not None, done.text()
    assert done.result.submission["trained_on_this_corpus"] == said


def test_training_keys_of_the_test_are_found(house: House) -> None:
    home = house.entry(house.honest, "keyed")
    (home / "training-keys.txt").write_text(f"elsewhere/1\n{next(iter(house.honest))}\n")
    assert ("wrong", "trained on test") in house.said(home)[1]


def test_links_twins_and_other_tasks_are_found(house: House, tmp_path: Path) -> None:
    home = house.entry(house.honest, "linked")
    (home / "predictions.parquet").rename(tmp_path / "elsewhere.parquet")
    (home / "predictions.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    assert ("wrong", "files") in house.said(home)[1]
    assert house.said(house.entry(house.honest, "first"))[0]
    assert ("look", "twin") in house.said(house.entry(house.honest, "second"))[1]
    other = house.entry(house.honest, "other", metadata={"task": "small", "task_hash": "0" * 16})
    assert ("wrong", "task version") in house.said(other)[1]
    control = house.entry(house.honest, "control", metadata={"kind": "control"})
    assert ("wrong", "control") in house.said(control)[1]


def test_a_folder_of_inkml_is_an_entry_too(house: House) -> None:
    from kalamos.formats.export import write_inkml
    from kalamos.ink import Sample

    home = house.entry(house.honest, "inkml")
    (home / "predictions.parquet").unlink()
    (home / "predictions").mkdir()
    for key, ink in house.honest.items():
        assert ink is not None
        write_inkml(
            [Sample(key, ink, time_source="estimated")], home / "predictions" / f"{key.replace('/', '_')}.inkml"
        )
    assert entries_in(home.parent / "inkml") == [home]
    stands, _, text = house.said(home)
    assert stands, text


def test_a_file_that_is_to_fill_the_memory_is_not_read(house: House) -> None:
    home = house.entry(house.honest, "large")
    rows = 3_000_000
    nothing = pa.array([None] * rows, pa.list_(pa.list_(pa.float32())))
    keys = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["k"])).cast(pa.string())
    pq.write_table(pa.table({"key": keys, "x": nothing, "y": nothing}), home / "predictions.parquet")
    assert (home / "predictions.parquet").stat().st_size < 50_000
    stands, found, text = house.said(home)
    assert not stands
    assert found == {("wrong", "predictions")}
    assert "3000000 rows" in text


def test_what_names_say_is_no_line_of_a_log(house: House) -> None:
    home = house.entry(house.honest, "logged")
    (home / "x\n::add-mask::").write_text("")
    assert "\n::" not in house.verify(home)[0].text()
    taken = house.entry(house.honest, "task.parquet")
    assert ("wrong", "name") in house.said(taken)[1]


def test_the_command_says_by_its_exit_code_and_as_json_what_is_wrong(house: House) -> None:
    house.entry(house.truth, "seen")
    common = ["--tasks", str(house.tasks), "--out", str(house.folder / "runs"), "--cache", str(house.cache)]
    done = CliRunner().invoke(main, ["verify-submission", str(house.folder / "entries/small/seen"), "--json", *common])
    assert done.exit_code == 1
    (said,) = json.loads(done.stdout)
    assert (said["stands"], said["row"], said["findings"][0]["what"]) == (False, None, "the truth itself")
    house.entry(house.honest, "sound")
    done = CliRunner().invoke(main, ["verify-submission", str(house.folder / "entries/small/sound"), *common])
    assert done.exit_code == 0
    assert "sound: stands" in done.stdout


def test_folders_without_answers_say_so(house: House) -> None:
    home = house.entry(house.honest, "hollow")
    (home / "predictions.parquet").unlink()
    (home / "predictions").mkdir()
    assert "predictions holds no answers" in house.said(home)[2]


def test_one_wrong_entry_does_not_keep_others_from_their_rows(house: House) -> None:
    good, bad = house.entry(house.honest, "good"), house.entry(house.truth, "bad")
    first, second = house.verify(bad, good)
    assert (first.stands, second.stands) == (False, True)
    plain = json.loads(json.dumps([first.as_dict(), second.as_dict()]))
    assert plain[0]["row"] is None
    assert len(plain[0]["findings"][0]["samples"]) > 5
    with pytest.raises(TaskError, match="no entry"):
        entries_in(house.folder / "cache")
