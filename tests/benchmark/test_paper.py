"""What goes into a paper: chosen rows and columns in every form, LaTeX that fits a column, comparisons, citations."""

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from commands import kalamos

from kalamos.benchmark import run
from kalamos.benchmark.board import comparison
from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.latex import COLUMN_PT, ENTRY_PT, _blocks, _metric_columns, escaped, to_latex
from kalamos.benchmark.board.page import page_data
from kalamos.benchmark.board.selection import Selection, names_in
from kalamos.benchmark.recognised import TABLE
from kalamos.benchmark.result import read_result, write_result
from kalamos.benchmark.statistics.significance import pairwise
from kalamos.benchmark.task import load_task
from kalamos.commands import cite
from kalamos.datasets import CORPORA
from kalamos.errors import TaskError, UnknownNameError

SAMPLES = 30
ODD = "[*_%&<b>$x$ --a{"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    run.bench("synthetic-3scripts", ("good-continuation", "nearest"), Path(), out, cache=out / "tasks", limit=SAMPLES)
    return out / f"synthetic-3scripts-first{SAMPLES}"


@pytest.fixture(scope="module")
def results(folder):
    return leaderboard.find_results([folder])


def named(results, *names):
    by_name = {result.entry: result for result in results}
    return [by_name[name] for name in names]


def cells(markdown):
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in markdown.splitlines() if line[:1] == "|"]


CHOSEN = Selection(("rmse_arc", "lcss"), ("nearest", "truth"), intervals=False)


def test_one_choice_holds_in_every_form(results):
    heads, _, *rows = cells(leaderboard.to_markdown(results, selection=CHOSEN))
    assert heads == ["entry", "rmse_arc ↓", "lcss ↑", "coverage"]  # in the order that was asked for
    assert [row[0] for row in rows] == ["nearest", "*truth*"]
    assert "<sub>" not in leaderboard.to_markdown(results, selection=CHOSEN)
    latex = to_latex(results, selection=CHOSEN)
    assert r"\tiny" not in latex
    assert "good-continuation" not in latex
    plain = json.loads(leaderboard.to_json(results, selection=CHOSEN))
    assert [result["entry"] for result in plain] == ["nearest", "truth"]
    for result in plain:
        assert set(result["metrics"]) == {"rmse_arc", "lcss"}
        assert {summary["low"] for summary in result["metrics"].values()} == {None}
        assert set(next(iter(result["by_script"].values()))) == {"samples", "rmse_arc", "lcss"}
    data = page_data(results, selection=CHOSEN)
    assert data["main"] == data["tasks"][0]["metrics"] == ["rmse_arc", "lcss"]
    assert [entry["name"] for entry in data["tasks"][0]["entries"]] == ["nearest", "truth"]
    assert all(cell[1] is None for entry in data["tasks"][0]["entries"] for cell in entry["cells"].values())
    assert all(len(scores) == 2 for s in data["tasks"][0]["samples"] for scores in s["scores"].values())
    csv = leaderboard.to_csv(results, selection=CHOSEN).splitlines()
    assert len(csv) == 1 + 2 * 2


def test_a_chosen_json_still_follows_the_schema(results, tmp_path):
    for plain in json.loads(leaderboard.to_json(results, selection=CHOSEN)):
        (tmp_path / "result.json").write_text(json.dumps(plain))
        assert read_result(tmp_path / "result.json").entry == plain["entry"]


def test_controls_go_where_they_are_not_wanted(results):
    (table,) = leaderboard.tables(results, selection=Selection(controls=False))
    assert table.controls == ()
    assert len(table.ranked) == 2
    assert "Controls" not in leaderboard.legend(table)
    latex = to_latex(results, selection=Selection(controls=False))
    assert "Below the line" not in latex
    assert latex.count(r"\midrule") == latex.count(r"\toprule")


def test_leaving_rows_out_changes_no_verdict(results):
    """Whoever shows two of many entries has still picked them among many: the correction stays that of all."""
    everybody = [replace(result, kind="model") for result in results]
    p = pairwise(everybody, "recognised")
    alone = pairwise(named(everybody, "good-continuation", "nearest"), "recognised")
    pair = frozenset({"good-continuation", "nearest"})
    assert alone[pair] <= 0.05 < p[pair], "choose a metric that the correction decides"
    (table,) = leaderboard.tables(everybody, selection=Selection(("recognised",), tuple(pair)))
    assert sorted(line.cells["recognised"].mark for line in table.ranked) == ["best", "tied"]
    assert f"2 of {len(everybody)} entries are shown" in table.note


def test_notes_speak_of_what_is_shown(results):
    (table,) = leaderboard.tables(results, selection=Selection(("ldtw",)))
    assert "recognised" not in table.note
    assert "lcss" not in table.note


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        (Selection(("lcs",)), UnknownNameError, "did you mean lcss?"),
        (Selection(("LCSS",)), UnknownNameError, "did you mean lcss?"),
        (Selection(entries=("nearst",)), UnknownNameError, "did you mean nearest?"),
        (Selection(entries=("qqqq",)), UnknownNameError, "known are: centroid"),
        (Selection(entries=("truth",), controls=False), TaskError, "truth is a control"),
    ],
)
def test_what_is_not_there_is_named(results, chosen, error, message):
    for make in (leaderboard.to_markdown, leaderboard.to_csv, leaderboard.to_json, to_latex, page_data):
        with pytest.raises(error, match=re.escape(message)):
            make(results, selection=chosen)


def test_nothing_left_is_an_error(results):
    controls = [result for result in results if result.kind == "control"]
    with pytest.raises(TaskError, match="no row is left"):
        leaderboard.tables(controls, selection=Selection(controls=False))
    old = [replace(result, metrics={"lcss": result.metrics["lcss"]}) for result in results]
    with pytest.raises(TaskError, match="scored by ldtw"):
        leaderboard.tables(old, selection=Selection(("ldtw",)))


def test_names_are_parted_by_commas_unless_a_name_has_one():
    assert names_in(["a, b", "c,a,"], [], "entry") == ("a", "b", "c")
    assert names_in(["a,b"], ["a,b"], "entry") == ("a,b",)
    assert names_in([], [], "entry") == ()
    for nothing in ("", " , ,"):
        with pytest.raises(UnknownNameError, match="no entry is named"):
            names_in([nothing], [], "entry")


def without_values(result):
    nan = math.nan
    empty = replace(result.metrics["lcss"], value=nan, low=nan, high=nan, n=0)
    return replace(result, metrics={**result.metrics, "lcss": empty})


def test_a_column_without_values_stays_where_it_was_asked_for(results):
    empty = [without_values(result) for result in named(results, "nearest")]
    chosen = Selection(("lcss", "rmse_arc"))
    assert cells(leaderboard.to_markdown(empty, selection=chosen))[2][1] == "–"
    assert "nearest & -- & " in to_latex(empty, selection=chosen)
    assert page_data(empty, selection=chosen)["tasks"][0]["entries"][0]["cells"]["lcss"][0] is None
    leaderboard.print_terminal(empty, selection=chosen)


def test_one_entry_is_a_table(results):
    latex = to_latex(named(results, "nearest"), selection=Selection(("lcss",)))
    assert r"nearest & \textbf{" in latex
    assert latex.count(r"\begin{tabular}") == 1


# ---- LaTeX ----------------------------------------------------------------------------------------------------------


def brackets_match(latex):
    depth = 0
    for sign in re.findall(r"\\.|[{}]", latex):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    return depth == 0


def test_latex_says_what_it_is_and_is_well_formed(results):
    latex = to_latex(results, all_metrics=True)
    assert r"\label{tab:synthetic-3scripts}" in latex
    assert r"\caption{synthetic-3scripts v2, " in latex
    assert brackets_match(latex)
    for block in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", latex, re.DOTALL):
        columns = 1 + re.match(r"\{@\{\}(?:l|p\{\d+pt\})(r+)@\{\}\}", block)[1].count("r")
        rows = [line for line in block.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}


def test_latex_is_no_wider_than_a_column(results):
    (table,) = leaderboard.tables(results, all_metrics=True)
    columns = list(_metric_columns(table, (*table.ranked, *table.controls)))
    blocks = list(_blocks(columns, COLUMN_PT - ENTRY_PT))
    assert [column for block in blocks for column in block] == columns
    assert max(sum(column.width_pt + 6 for column in block) for block in blocks) <= COLUMN_PT - ENTRY_PT
    assert max(map(len, blocks)) > 2


def test_two_tables_of_one_task_have_two_labels(results):
    other = [replace(result, task_version=3) for result in results]
    latex = to_latex([*results, *other], selection=Selection(("lcss",)))
    assert re.findall(r"\\label\{(.*?)\}", latex) == ["tab:synthetic-3scripts", "tab:synthetic-3scripts-2"]


def test_names_reach_latex_as_they_are(results):
    odd = [
        replace(results[0], entry=ODD, kind="model", task="my_task %1 {x}"),
    ]
    latex = to_latex(odd, selection=Selection(("lcss",)))
    assert r"\label{tab:my-task-1-x}" in latex
    assert brackets_match(latex)
    row = next(line for line in latex.splitlines() if line.endswith(r"1.000 \\") or "textless" in line)
    assert r"{[}{*}\_" in row.replace(r"\allowbreak{}", "")  # a bare [ or * would belong to the \\ before it
    assert escaped("a---b") == "a-{}-{}-b"
    assert escaped("a\nb\u202e\t\n\nc") == "a b c"


def test_a_long_name_is_broken_and_whole(results):
    name = "good-continuation?velocity=sigma-lognormal of a model " + "x" * 40
    latex = to_latex([replace(results[0], entry=name, kind="model")], selection=Selection(("lcss",)))
    (row,) = [line for line in latex.splitlines() if line.startswith(r"\raggedright")]
    printed = row.partition(" & ")[0].removeprefix(r"\raggedright\hangindent=0.7em ").replace(r"\allowbreak{}", "")
    assert printed == name
    assert max(map(len, re.split(r"\\allowbreak\{\}| ", row.partition(" & ")[0])[1:])) <= 24


# ---- compare --------------------------------------------------------------------------------------------------------


def test_compare_is_a_table_then_a_paragraph(results):
    (contest,) = comparison.contests(results, "good-continuation", "nearest")
    text = comparison.as_text(contest)
    table, paragraph = text[: text.rindex("\n\n")], text[text.rindex("\n\n") :]
    row = next(line for line in table.splitlines() if line.startswith("lcss"))
    assert re.search(r"\+0\.\d{3}  \[\+0\.\d{3}, \+0\.\d{3}\]  <?0\.\d{3}  good-continuation$", row)
    lcss = contest.metrics[0]
    assert f"{lcss.difference:+.3f}  [{lcss.low:+.3f}, {lcss.high:+.3f}]" in row
    assert "good-continuation is better than nearest in" in paragraph
    assert "lcss (" in paragraph
    assert "ratio" not in text  # told, not ranked
    assert "[" not in comparison.as_text(contest, intervals=False)


def test_compare_is_the_same_from_either_side(results):
    (one,) = comparison.contests(results, "good-continuation", "nearest")
    (two,) = comparison.contests(results, "nearest", "good-continuation")
    for a, b in zip(one.metrics, two.metrics, strict=True):
        assert (a.better, a.p, a.n) == (b.better, b.p, b.n)
        assert a.difference == pytest.approx(-b.difference)
        assert a.low == pytest.approx(-b.high, abs=1e-9)
        assert a.difference == pytest.approx(a.values["good-continuation"] - a.values["nearest"])


def test_compare_corrects_over_what_it_compares(results):
    (few,) = comparison.contests(results, "good-continuation", "nearest", metrics=("rmse_arc", "lcss"))
    (many,) = comparison.contests(results, "good-continuation", "nearest", all_metrics=True)
    assert [c.metric for c in few.metrics] == ["rmse_arc", "lcss"]
    p = {c.metric: c.p for c in many.metrics}
    assert all(c.p < p[c.metric] for c in few.metrics)
    assert "compared here (2)" in comparison.as_text(few)


def test_no_value_is_no_victory(results):
    full, nearest = named(results, "good-continuation", "nearest")
    (contest,) = comparison.contests([full, without_values(nearest)], full.entry, nearest.entry, metrics=("lcss",))
    assert contest.metrics[0].better is None
    assert json.loads(comparison.as_json([contest]))[0]["metrics"][0]["second"] is None
    assert "cannot be told" in comparison.as_text(contest)


def test_compare_as_json(results):
    found = comparison.contests(results, "good-continuation", "nearest")
    (plain,) = json.loads(comparison.as_json(found))
    assert (plain["first"], plain["second"], plain["task_version"]) == ("good-continuation", "nearest", 2)
    assert plain["corrected_over"] == len(plain["metrics"])
    row = plain["metrics"][0]
    assert row["metric"] == "lcss"
    assert row["low"] < row["difference"] < row["high"]
    assert row["better"] == "good-continuation"
    assert "low" not in json.loads(comparison.as_json(found, intervals=False))[0]["metrics"][0]


@pytest.mark.parametrize(
    ("first", "second", "metrics", "message"),
    [
        ("good-continuation", "nearst", (), "did you mean nearest?"),
        ("good-continuation", "nobody", (), "the entries are: centroid"),
        ("nearest", "nearest", (), "is one entry; name two"),
        ("good-continuation", "nearest", ("lcs",), "did you mean lcss?"),
        ("good-continuation", "nearest", ("length_ratio",), "ranks nothing"),
    ],
)
def test_compare_names_mistakes(results, first, second, metrics, message):
    with pytest.raises((TaskError, UnknownNameError), match=re.escape(message)):
        comparison.contests(results, first, second, metrics=metrics)


def test_differences_and_p_values_are_written_plainly():
    assert [comparison.signed_text(x) for x in (0.5, -0.5, 0.0, 1e-9, math.nan)] == [
        *("+0.500", "-0.500", "0.000"),
        *("0.000", "–"),
    ]
    assert [comparison.p_text(p) for p in (0.0001, 0.001, 1.0, math.nan)] == ["<0.001", "0.001", "1.000", "–"]


# ---- cite -----------------------------------------------------------------------------------------------------------


def test_cite_says_what_cards_and_rows_say_and_no_more(folder):
    works = cite.works([str(folder), "latin-words"])
    text = cite.as_text(works)
    for name in ("synthetic", "unipen"):
        assert CORPORA.load(name).card.citation in text
    assert "Task latin-words, version 2: " in text
    assert load_task("latin-words").hash in text
    for name in leaderboard.MAIN:
        assert f"  {name}: {TABLE[name].source}." in text
    assert "a first look at fewer samples" in text
    assert "author = " not in cite.as_bibtex([work for work in works if work.kind in ("corpus", "metric")])


def test_cite_of_results_names_the_metrics_that_they_have(folder, results, tmp_path):
    shutil.copytree(folder / "nearest", tmp_path / "nearest")
    (old,) = named(results, "nearest")
    write_result(replace(old, metrics={"lcss": old.metrics["lcss"]}), tmp_path / "nearest" / "result.json")
    works = cite.works([str(tmp_path)])
    assert [work.name for work in works if work.kind == "metric"] == ["lcss"]
    works = cite.works(["latin-words"], metrics=("ldtw", "dtw"))
    assert [work.name for work in works if work.kind == "metric"] == ["ldtw", "dtw"]


def test_bibtex_is_well_formed(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('name = "my_{ %& <\\\\ @"\nversion = 1\ntitle = "t } ü \\"q\\" #"\ncorpus = "auto"\n')
    works = cite.works(
        [str(own), "latin-words", "latin-characters@1", "latin-characters", "persian-lines"], all_metrics=True
    )
    bibtex = cite.as_bibtex(works)
    keys = re.findall(r"^@misc\{(.*),$", bibtex, re.MULTILINE)
    assert len(keys) == len(set(keys)) == sum(work.published for work in works)
    assert all(re.fullmatch(r"[A-Za-z0-9:.-]+", key) for key in keys)
    for entry in bibtex.split("\n\n"):
        assert entry.count("{") == entry.count("}")  # BibTeX counts those behind a backslash too
    assert "kalamos:corpus:auto" not in keys  # "that of the files" is no reference
    assert next(work for work in works if work.title.startswith("Task my_")).author == ""  # a stranger's task


def test_a_task_that_cannot_be_found_is_said_to_be_unknown(folder, results, tmp_path):
    stray = replace(results[0], task="theirs", folder=tmp_path / "x")
    assert cite.task_of_result(stray) is None
    other = replace(results[0], task_hash="0" * 16)
    assert cite.task_of_result(other) is None, "the file beside it is of another hash"
    assert cite.task_of_result(results[0]) == load_task("synthetic-3scripts")


def test_kalamos_is_cited_as_its_citation_file_says():
    said = (Path(__file__).parents[2] / "CITATION.cff").read_text()
    assert f'title: "{cite.TITLE}"' in said
    assert f'name: "{cite.AUTHORS}"' in said
    for version, day in cite.RELEASED.items():
        assert f"version: {version}\ndate-released: {day}\n" in said


# ---- the commands ---------------------------------------------------------------------------------------------------


def test_the_commands(folder, tmp_path):
    paths = [tmp_path / f"board.{kind}" for kind in ("tex", "md", "html", "csv")]
    options = ["--metrics", "lcss,rmse_arc", "--entries", "nearest", "--entries", "truth", "--no-intervals"]
    outputs = [
        text
        for kind, path in zip(("latex", "markdown", "html", "csv"), paths, strict=True)
        for text in (f"--{kind}", path)
    ]
    assert "rmse" in kalamos("leaderboard", folder, *options, *outputs)
    assert all(path.stat().st_size for path in paths)
    assert "did you mean nearest?" in kalamos("leaderboard", folder, "--entries", "nearst", code=1)
    assert "cannot be had together" in kalamos("leaderboard", folder, "--metrics", "lcss", "--all-metrics", code=2)
    json.loads(kalamos("compare", "nearest", "truth", folder, "--json", "--metrics", "lcss"))
    assert kalamos("cite", folder, "--bibtex", tmp_path / "a.bib", "--json").count('"kind"') > 5
    assert (tmp_path / "a.bib").read_text().startswith("@misc{kalamos:task:synthetic-3scripts-v2,")
    assert "is there" in kalamos("cite", folder, "--bibtex", tmp_path / "a.bib", code=1)
    assert "did you mean latin-words" in kalamos("cite", "latin-word", code=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no result.json" in kalamos("cite", empty, code=1)
