"""Figures for a paper: what is drawn is what the results say, and the same results give the same bytes."""

import json
import re
import zlib

import numpy as np
import pytest
from commands import kalamos

from kalamos.benchmark import run
from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.figures import MOST_LINES, write_figures
from kalamos.benchmark.board.selection import Selection
from kalamos.benchmark.certainty import risk_coverage, risk_coverage_area
from kalamos.errors import StoreError, TaskError

pytest.importorskip("matplotlib")
SAMPLES = 24
TASK = f"synthetic-3scripts-first{SAMPLES}"
SURE = """
from kalamos.recovery import RecoveredPiece, Recovery, in_lines
from kalamos.recoverer import load_recoverer

class Sure:
    name = "sure"
    def __init__(self):
        self.tracer = load_recoverer("good-continuation")
    def recover(self, images):
        return self.tracer.recover(images)
    def recover_many(self, groups, n_best):
        made = []
        for group in groups:
            inks = self.recover(group)
            pieces = [
                RecoveredPiece(ink, (0, 0, image.width_px, image.height_px), confidence=1 / ink.n_strokes)
                for ink, image in zip(inks, group)
            ]
            made.append(Recovery(in_lines(pieces), "sure"))
        return made
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    (out / "sure.py").write_text(SURE)
    models = (f"{out / 'sure.py'}:Sure", "nearest")
    run.bench("synthetic-3scripts", models, None, out, cache=out / "tasks", limit=SAMPLES)
    return out / TASK


def texts(path):
    """Return the bytes of a PDF with its streams unpacked."""
    data = path.read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)
    return b"".join(zlib.decompressobj().decompress(part) for part in streams if part[:1] == b"x")


def test_the_curve_is_the_share_of_wrong_ones_among_the_surest():
    sure, right = np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False])
    assert risk_coverage(sure, right).tolist() == [0, 1 / 2, 1 / 3, 2 / 4]
    assert risk_coverage_area(sure, right) == pytest.approx(np.mean([0, 1 / 2, 1 / 3, 2 / 4]))


def test_who_states_how_sure_it_is_gets_a_curve(folder, tmp_path):
    results = leaderboard.find_results([folder])
    made = write_figures(results, tmp_path)
    assert {path.name.split("-v")[1].split("-", 1)[1] for path in made} == {"risk-coverage.pdf", "lcss-by-strokes.pdf"}
    assert all(path.read_bytes()[:5] == b"%PDF-" for path in made)
    again = write_figures(results, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made]
    with pytest.raises(StoreError):
        write_figures(results, tmp_path)


def test_what_is_chosen_is_drawn(folder, tmp_path):
    results = leaderboard.find_results([folder])
    chosen = Selection(("rmse_arc", "start_point"), ("nearest", "truth"))
    names = [path.name for path in write_figures(results, tmp_path, selection=chosen)]
    assert [name.split("-")[-3] for name in names] == [
        "rmse_arc",
        "start_point",
    ]  # neither states anything: no curve
    several = write_figures(results, tmp_path / "one", selection=Selection(("lcss",), ("nearest",)))
    assert len(texts(several[0])) < len(texts(write_figures(results, tmp_path / "all")[-1]))
    with pytest.raises(TaskError):
        write_figures(results, tmp_path, selection=Selection(("lcss",), ("truth",), controls=False))
    assert MOST_LINES < 7  # as many as there are colours


def test_the_command_writes_them(folder, tmp_path):
    said = kalamos("leaderboard", folder, "--figures", tmp_path / "figures", "--metrics", "lcss", "--json")
    assert json.loads(said[said.index("[") :] if said.lstrip()[:1] != "{" else said)
    assert len(list((tmp_path / "figures").glob("*.pdf"))) == 2
