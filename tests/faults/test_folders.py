"""Result folders of others are no threat: each that is not sound becomes a row that says so."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import kalamos

from kalamos.benchmark.board.latex import to_latex
from kalamos.benchmark.board.page import page
from kalamos.benchmark.board.selection import UNUSABLE
from kalamos.benchmark.board.table import find_results, print_terminal, to_csv, to_json, to_markdown
from kalamos.benchmark.run import bench

ENTRY = "nearest"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Return the results of a small task of one's own."""
    folder = tmp_path_factory.mktemp("sound")
    lines = ['name = "tiny"', "version = 1", 'title = "t"', 'corpus = "synthetic"', "limit = 4", 'split = "train"']
    (folder / "tiny.toml").write_text("\n".join([*lines, "[options]", 'writers = "3"', 'scripts = "Latn"']) + "\n")
    bench(str(folder / "tiny.toml"), (ENTRY,), Path(), folder / "runs", cache=folder / "cache", controls=False)
    return folder / "runs" / "tiny"


Damage = Callable[[Path, dict[str, Any]], None]


def told(**changes: Any) -> Damage:
    return lambda folder, result: result.update(changes)


def inside(name: str, **changes: Any) -> Damage:
    return lambda folder, result: result[name].update(changes)


def text(content: bytes) -> Damage:
    def damage(folder: Path, result: dict[str, Any]) -> None:
        result.clear()
        (folder / "result.json").write_bytes(content)

    return damage


def scores(change: Callable[[pa.Table], pa.Table]) -> Damage:
    def damage(folder: Path, result: dict[str, Any]) -> None:
        path = folder / "scores.parquet"
        pq.write_table(change(pq.read_table(path)), path)

    return damage


def column(name: str, values: list[Any]) -> Damage:
    return scores(lambda table: table.set_column(table.schema.get_field_index(name), name, pa.array(values)))


def cut(name: str, size: int) -> Damage:
    def damage(folder: Path, result: dict[str, Any]) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:size])

    return damage


def folder_of_scores(folder: Path, result: dict[str, Any]) -> None:
    (folder / "scores.parquet").unlink()
    (folder / "scores.parquet").mkdir()


SUMMARY = ("value", "low", "high", "median", "n", "not_applicable")
UNSOUND: dict[str, Damage] = {
    "a string in a number": told(samples="4"),
    "a string in a coverage": told(coverage="1.0"),
    "a coverage above 1": told(coverage=7),
    "a boolean in a number": told(milliseconds=True),
    "a negative count": told(samples=-1),
    "null for a name": told(entry=None),
    "no name": told(entry=""),
    "a name that moves the cursor": told(entry="a\x1b[2J"),
    "a name of a million letters": told(entry="a" * 10**6),
    "a list for metrics": told(metrics=[]),
    "a string for a metric": inside("metrics", lcss="0.3"),
    "a metric without interval": inside("metrics", lcss={"value": 1}),
    "a metric of strings": inside("metrics", lcss=dict.fromkeys(SUMMARY, "1")),
    "an unknown kind": told(kind="winner"),
    "an unknown field": told(colour="red"),
    "another format": told(format="kalamos-result/99"),
    "failures of words": told(failures={"x": "many"}),
    "parts of strings": told(by_script={"Latn": {"lcss": "x"}}),
    "no JSON": text(b"{"),
    "nothing": text(b""),
    "no UTF-8": text(b"\xff\xfe{}"),
    "null": text(b"null"),
    "a list": text(b"[]"),
    "deep JSON": text(b"[" * 200_000),
    "deep objects": text(b'{"a":' * 100_000),
    "a number of a million digits": text(b'{"format": "kalamos-result/1", "samples": ' + b"9" * 10**6 + b"}"),
    "NaN": text(b'{"format": "kalamos-result/1", "samples": NaN}'),
    "an infinite number": text(b'{"format": "kalamos-result/1", "samples": 1e999}'),
    "no scores": lambda folder, result: (folder / "scores.parquet").unlink(),
    "scores that are cut": cut("scores.parquet", 900),
    "scores of nothing": cut("scores.parquet", 0),
    "scores that are a folder": folder_of_scores,
    "fewer scores than samples": scores(lambda table: table.slice(0, 2)),
    "scores without keys": scores(lambda table: table.drop_columns(["key"])),
    "scores without a metric": scores(lambda table: table.drop_columns(["lcss"])),
    "scores of words": column("lcss", ["x"] * 4),
    "numbers for keys": column("key", [1, 2, 3, 4]),
    "a key twice": column("key", ["k"] * 4),
}  # fmt: skip
STRANGE: dict[str, Damage] = {
    "a name that ends rich's markup": told(entry="[/red]"),
    "a name that opens a script": told(entry="<!--<script>"),
    "a name that closes a script": told(entry="</script><img src=x onerror=alert(1)>"),
    "a name of Markdown": told(entry="a | b `c` <b>*d*"),
    "a name of LaTeX": told(entry="\\input{/etc/passwd}$^~"),
    "a name that is a formula": told(entry="=HYPERLINK(1)"),
    "a name of JavaScript": told(entry="__proto__"),
    "other keys": column("key", list("abcd")),
    "infinite scores": column("lcss", [np.inf] * 4),
    "predictions that are cut": cut("predictions.parquet", 500),
    "no predictions": lambda folder, result: (folder / "predictions.parquet").unlink(),
    "a task that is cut": lambda folder, result: cut("task.parquet", 500)(folder.parent, result),
    "recognition without its parts": told(recognition={"all": {}}),
}


def damaged(sound: Path, tmp_path: Path, damage: Damage) -> Path:
    shutil.copytree(sound, tmp_path / "tiny")
    folder = tmp_path / "tiny" / "theirs"
    shutil.copytree(tmp_path / "tiny" / ENTRY, folder)
    result = json.loads((folder / "result.json").read_text())
    result["entry"] = "theirs"
    damage(folder, result)
    if result:
        (folder / "result.json").write_text(json.dumps(result))
    return tmp_path / "tiny"


def shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Make the board in every form; return what the terminal shows."""
    results = find_results([folder])
    capsys.readouterr()
    print_terminal(results)
    for make in (to_markdown, to_latex, to_csv, to_json):
        make(results)
    html = page(results)
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert "<" not in data
    names = [entry["name"] for task in json.loads(data)["tasks"] for entry in task["entries"]]
    assert len(names) == len(results)
    return str(capsys.readouterr().out)


@pytest.mark.parametrize("kind", UNSOUND)
def test_a_folder_that_is_not_sound_is_a_row_that_says_so(sound, tmp_path, capsys, kind):
    folder = damaged(sound, tmp_path, UNSOUND[kind])
    assert sorted(result.task == UNUSABLE for result in find_results([folder])) == [False, True]
    said = shown(folder, capsys)
    assert ENTRY in said
    assert "Folders that cannot be used" in said
    assert "theirs" in said


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_folders_stand_on_the_board_as_they_are(sound, tmp_path, capsys, kind):
    folder = damaged(sound, tmp_path, STRANGE[kind])
    said = shown(folder, capsys)
    assert ENTRY in said
    assert "cannot be used" not in said


def test_names_are_shown_as_they_are_in_every_form(sound, tmp_path):
    folder = damaged(sound, tmp_path, told(entry="[/red] <b>|\\x{}="))
    results = find_results([folder])
    assert r"[/red\] &lt;b&gt;\|" in to_markdown(results).replace(r"\[", "[")
    assert r"\textbackslash{}x\{\}" in to_latex(results).replace(r"\allowbreak{}", "")


def test_two_folders_of_one_name_stay_two_rows(sound, tmp_path):
    folder = damaged(sound, tmp_path, told(entry=ENTRY))
    names = [result.entry for result in find_results([folder])]
    assert len(set(names)) == 2


def test_a_folder_of_nothing_but_bad_results_is_no_traceback(sound, tmp_path):
    folder = damaged(sound, tmp_path, UNSOUND["null"])
    assert "cannot be used" in kalamos("leaderboard", folder / "theirs")
    assert "no task has both" in kalamos("compare", "a", "b", folder / "theirs", code=1)
