"""Attacks: what games a ranked metric is found, what does not is not, and neither gets a place in the ranking."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from kalamos.benchmark.attack import Attacked, Board, as_json, attack, beside_honest, cheats_text, known_cheats
from kalamos.benchmark.board.moved import moves
from kalamos.benchmark.board.moved import to_markdown as to_table
from kalamos.benchmark.board.table import RANKED, find_results, tables, to_markdown
from kalamos.benchmark.cheats import CHEATS
from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.predictions import write_predictions
from kalamos.benchmark.result import read_result
from kalamos.benchmark.run import score_predictions
from kalamos.benchmark.task import load_task
from kalamos.benchmark.version import VERSION
from kalamos.cli import main
from kalamos.errors import TaskError, UnknownNameError
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.recoverer import load_recoverer
from kalamos.storage.parquet import Row, read_rows

TASK = 'name = "small"\nversion = 1\ntitle = "Small"\ncorpus = "synthetic"\nlimit = 24\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small task and the results of two honest entries on it."""
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "small.toml").write_text(TASK)
    from kalamos.benchmark.prepare import prepare

    rows = list(read_rows(prepare(load_task(str(folder / "small.toml")), None, folder / "cache")))
    for name in ("nearest", "good-continuation"):
        inks = load_recoverer(name).recover([row.image for row in rows if row.image is not None])
        file = sent(folder, f"{name}-sent", [row.sample.key for row in rows], inks)
        score_predictions(file, str(folder / "small.toml"), None, folder / "runs", cache=folder / "cache")
    return folder


def sent(folder: Path, name: str, keys: list[str], inks: list[Ink]) -> Path:
    file = folder / f"{name}.parquet"
    write_predictions(file, [(key, Answer(ink)) for key, ink in zip(keys, inks, strict=True)], {"entry": name})
    return file


def board(folder: Path, base: str = "") -> Board:
    return beside_honest(str(folder / "small.toml"), None, folder / "runs", base=base, cache=folder / "cache")


def attacked(folder: Path, name: str, make: object, base: str = "") -> Attacked:
    opened = board(folder, base)
    rows: list[Row] = list(read_rows(opened.opened.task_file))
    file = sent(folder, name, [row.sample.key for row in rows], [make(row) for row in rows])  # type: ignore[operator]
    (done,) = attack([str(file)], opened)
    return done


def test_a_metric_that_is_won_is_a_game_and_a_trick_that_wins_nothing_is_none(folder: Path) -> None:
    won = attacked(folder, "all-seeing", lambda row: row.truth())
    assert "lcss" in won.games
    assert "A GAME in lcss" in won.text()
    assert f"{VERSION} becomes {VERSION + 1}" in won.text()
    assert {column.metric for column in won.columns} <= set(RANKED)
    lost = attacked(folder, "one-dot", lambda row: CHEATS["dot"](row.image, rng_for(0, row.sample.key)))
    assert not lost.games, lost.text()
    assert "No game" in lost.text()
    assert '"games": []' in as_json([lost])


def test_an_attack_made_from_an_honest_entry_is_held_against_that_alone(folder: Path) -> None:
    from kalamos.benchmark.predictions import read_predictions

    keys = [row.sample.key for row in read_rows(board(folder).opened.task_file, images=False)]
    better = read_predictions(folder / "good-continuation-sent.parquet", keys).answers
    same = attacked(folder, "as-it-is", lambda row: better[row.sample.key].ink, base="good-continuation-sent")
    assert not same.games, same.text()
    gained = attacked(folder, "not-from-it", lambda row: better[row.sample.key].ink, base="nearest-sent")
    assert "lcss" in gained.games
    with pytest.raises(UnknownNameError, match="nearest-sent"):
        board(folder, "neerest")


def test_attacks_stand_apart_and_change_no_rank(folder: Path) -> None:
    attacked(folder, "all-seeing", lambda row: row.truth())
    results = find_results([folder / "runs"])
    (table,) = tables(results)
    assert [line.result.entry for line in table.ranked] == ["good-continuation-sent", "nearest-sent"]
    assert "all-seeing" in {line.result.entry for line in table.attacks}
    assert any(cell.mark == "best" for cell in table.ranked[0].cells.values())
    assert not any(cell.mark for line in table.attacks for cell in line.cells.values())
    text = to_markdown(results)
    assert text.index("nearest-sent") < text.index("**Attacks**") < text.index("*all-seeing*")
    assert "all-seeing" not in board(folder).honest


def test_what_moved_between_two_versions_is_told(folder: Path) -> None:
    results = [result for result in find_results([folder / "runs"]) if result.is_ranked]
    assert to_table(moves(results, results)) == "No entry changed its place on: small."
    by_name = {result.entry: result for result in results}
    better = by_name["good-continuation-sent"].metrics["lcss"]
    worse = by_name["nearest-sent"].metrics["lcss"]
    turned = [
        replace(by_name["good-continuation-sent"], metrics={"lcss": worse}),
        replace(by_name["nearest-sent"], metrics={"lcss": better}),
    ]
    first, second = moves(results, turned)
    assert (first.entry, first.places, second.places) == ("nearest-sent", (2, 1), (1, 2))
    assert "| small | nearest-sent | 2 → 1 |" in to_table([first, second])
    tied = [replace(result, metrics={"lcss": better}) for result in results]
    assert [move.places[1] for move in moves(results, tied)] == [1, 1]


def test_an_attack_takes_no_honest_entrys_place(folder: Path) -> None:
    opened = board(folder)
    rows = list(read_rows(opened.opened.task_file))
    file = sent(folder / "cache", "nearest-sent", [row.sample.key for row in rows], [row.truth() for row in rows])
    before = (folder / "runs" / "small" / "nearest-sent" / "result.json").read_bytes()
    with pytest.raises(TaskError, match="holds the results"):
        attack([str(file)], opened)
    assert (folder / "runs" / "small" / "nearest-sent" / "result.json").read_bytes() == before


def test_known_cheats_are_made_from_the_honest_entries(folder: Path) -> None:
    found = known_cheats(board(folder, "good-continuation-sent"))
    assert max(found[cheat]["lcss"] for cheat in ("filled", "doubled", "tremble_at_start", "reversed_whole")) < 0
    assert found["tremble_at_start"]["ldtw"] > 0  # why it ranks no more
    assert "| doubled |" in cheats_text(found)


def test_the_command_tells_a_game_by_its_exit_code(folder: Path) -> None:
    attacked(folder, "all-seeing", lambda row: row.truth())
    common = ["--task", str(folder / "small.toml"), "--out", str(folder / "runs"), "--cache", str(folder / "cache")]
    told = CliRunner().invoke(main, ["attack", str(folder / "all-seeing.parquet"), *common])
    assert (told.exit_code, "A GAME in lcss" in told.stdout) == (0, True)
    checked = CliRunner().invoke(main, ["attack", str(folder / "all-seeing.parquet"), *common, "--check", "--json"])
    assert (checked.exit_code, "lcss" in json.loads(checked.stdout)[0]["games"]) == (1, True)
    cheats = CliRunner().invoke(main, ["attack", *common, "--from", "nearest-sent"])
    assert "| filled |" in cheats.stdout


def test_results_say_the_version_of_the_benchmark_and_the_history_has_it(folder: Path) -> None:
    assert read_result(folder / "runs" / "small" / "nearest-sent" / "result.json").benchmark_version == VERSION
    history = Path(__file__).parents[2] / "docs" / "benchmark-history.md"
    assert f"\n## Version {VERSION}\n" in history.read_text(encoding="utf-8")
