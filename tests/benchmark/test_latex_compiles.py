"""The LaTeX of a leaderboard, and the BibTeX beside it, set by TeX itself, in a column of a paper."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kalamos.benchmark import run
from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.latex import to_latex
from kalamos.benchmark.board.selection import Selection
from kalamos.commands import cite

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs TeX: Debian's texlive-latex-recommended"),
]
ODD = "[*_%&<b>$x$ --a{ü~^\\"
PAPER = r"""
\documentclass[twocolumn]{article}
\usepackage[utf8]{inputenc}
\usepackage{booktabs}
\begin{document}
Table~\ref{tab:synthetic-3scripts} says it\nocite{*}.
\input{table.tex}
\bibliographystyle{plain}
\bibliography{kalamos}
\end{document}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    run.bench("synthetic-3scripts", ("good-continuation", "nearest"), Path(), out, cache=out / "tasks", limit=12)
    return leaderboard.find_results([out])


def tex(program, folder):
    done = subprocess.run([program, "-interaction=nonstopmode", "paper"], cwd=folder, capture_output=True, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("selection", "all_metrics", "odd"),
    [
        (Selection(("lcss", "start_point"), intervals=False), False, False),
        (Selection(), False, True),
        (Selection(), True, True),
        (Selection(("lcss", "rmse_arc"), ("nearest", "truth")), False, False),
    ],
    ids=["two columns", "as it comes", "everything", "chosen rows"],
)
def test_a_table_is_set_in_a_column_without_a_complaint(results, tmp_path, selection, all_metrics, odd):
    named = [replace(one, entry=ODD) if odd and one.entry == "nearest" else one for one in results]
    (tmp_path / "paper.tex").write_text(PAPER.lstrip())
    (tmp_path / "table.tex").write_text(to_latex(named, all_metrics=all_metrics, selection=selection), "utf-8")
    (tmp_path / "kalamos.bib").write_text(cite.as_bibtex(cite.works(["synthetic-3scripts"])), "utf-8")
    code, log = tex("pdflatex", tmp_path)
    assert code == 0, log[-3000:]
    if shutil.which("bibtex"):
        bib, said = run_bibtex(tmp_path)
        assert bib == 0, said
        assert "error" not in said.lower(), said
    tex("pdflatex", tmp_path)
    code, log = tex("pdflatex", tmp_path)
    assert code == 0, log[-3000:]
    assert "Overfull \\hbox" not in log, log
    assert "undefined" not in log, log
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000


def run_bibtex(folder):
    done = subprocess.run(["bibtex", "paper"], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
