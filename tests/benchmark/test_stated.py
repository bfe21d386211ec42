"""What methods state beside their inks: on the wire, in the file, in the result, and which images they see together."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kalamos.benchmark import predict, run, stated, wire
from kalamos.benchmark.board import table as leaderboard
from kalamos.benchmark.board.page import page_data
from kalamos.benchmark.certainty import calibration_error, certainty, risk_coverage_area
from kalamos.benchmark.isolation import Answer, IsolatedRecoverer
from kalamos.benchmark.predictions import read_predictions, write_predictions
from kalamos.benchmark.result import read_result
from kalamos.benchmark.stated import Stated
from kalamos.benchmark.task import Task, task_of
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Sample
from kalamos.recovery import Alternative, RecoveredPiece

MODEL = """
import numpy as np
from kalamos.ink import Ink
from kalamos.recoverer import load_recoverer
from kalamos.recovery import Alternative, RecoveredPiece, Recovery, in_lines

class Sure:
    name = "sure"
    plain = load_recoverer("nearest")
    def recover(self, images):
        return self.plain.recover(images)
    def recover_many(self, groups, n_best):
        for group in groups:
            if len(group) > 1 and any(image.width_px == 21 for image in group): raise ValueError("odd width in a group")
        return [Recovery(in_lines([self.one(image, len(group)) for image in group]), "sure") for group in groups]
    def one(self, image, size):
        [ink] = self.plain.recover([image])
        if not ink.n_points: ink = Ink.from_strokes([[(1, 1), (2, 2)]])
        other = Ink(ink.xy[::-1], np.sort(ink.n_points - ink.offsets))
        return RecoveredPiece(ink, (0, 0, 9, 9), confidence=1 / size, alternatives=(Alternative(other, -2.0),) * 9)
"""


def image(width=20):
    pixels = np.full((20, width), 255, np.uint8)
    pixels[9:11, 4:16] = 0
    return OfflineImage(pixels)


@pytest.fixture
def sure(tmp_path):
    (tmp_path / "sure.py").write_text(MODEL)
    return f"{tmp_path / 'sure.py'}:Sure"


def test_a_method_sees_its_groups_and_gives_no_more_alternatives_than_asked_for(sure):
    recoverer = IsolatedRecoverer(sure)
    answers = recoverer.recover_many([[image()] * 3, [image()]], 3)
    recoverer.close()
    assert [answer.stated.confidence for answer in answers] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert [len(answer.stated.alternatives) for answer in answers] == [2] * 4
    assert answers[0].stated.alternatives[0].log_probability == -2.0


def test_a_group_that_fails_is_asked_image_by_image_and_harms_no_other(sure):
    recoverer = IsolatedRecoverer(sure)
    answers = recoverer.recover_many([[image()] * 2, [image(), image(21)], [image()] * 2], 1)
    recoverer.close()
    assert [answer.stated.confidence for answer in answers] == [0.5, 0.5, 1, 1, 0.5, 0.5]


BROKEN = [
    {"confidence": 2.0}, {"confidence": "high"}, {"confidence": math.nan}, {"confidence": True}, {"strokes": None},
    {"strokes": [-1.0]}, {"others": [0.0, 0.0]}, {"others": None}, {"log_p": math.nan},
]  # fmt: skip


@pytest.mark.parametrize("wrong", BROKEN)
def test_what_a_process_states_is_not_believed(wrong):
    head, body = stated.pack([RecoveredPiece(Ink.from_strokes([[(1, 1)]]), (0, 0, 1, 1), confidence=0.5)], 2)
    assert stated.unpack(json.loads(json.dumps(head)), body, [image()], 2)[0][1].confidence == 0.5
    head["said"][0] |= wrong
    with pytest.raises(wire.BrokenMessageError):
        stated.unpack(json.loads(json.dumps(head)), body, [image()], 2)


def test_an_alternative_that_is_no_answer_is_left_out():
    good, far = Ink.from_strokes([[(1, 1)]]), Ink.from_strokes([[(1e6, 1)]])
    others = tuple(Alternative(ink, -1.0) for ink in (far, good, Ink.empty()))
    head, body = stated.pack([RecoveredPiece(good, (0, 0, 1, 1), alternatives=others)], 4)
    [(_, found)] = stated.unpack(head, body, [image()], 4)
    assert [other.ink for other in found.alternatives] == [good]


def wide(width):
    return Ink(np.array([[0, 0], [1, 1], [2, 2]]), np.array([0, 2, 3]), extra={"width": np.array(width)})


def test_a_file_keeps_what_is_stated(tmp_path):
    other = Alternative(Ink.from_strokes([[(1, 2), (3, 4)]], t=[[0, 1]]), -3.5)
    answers = {
        "a": Answer(wide([1, 2, 3]), stated=Stated(0.25, (0.5, 1.0), -1.0, (other, other))),
        "b": Answer(Ink.from_strokes([[(0, 0)]])),
        "c": Answer(None, "failed", "why"),
        "d": Answer(wide([3, 2, 1]), stated=Stated(1.0, (), None, (other,))),
    }
    write_predictions(tmp_path / "p.parquet", answers.items(), {})
    read = read_predictions(tmp_path / "p.parquet", answers)
    for key, answer in answers.items():
        found = read.answers[key]
        assert (found.ink, found.status, found.stated[:3]) == (answer.ink, answer.status, answer.stated[:3])
        pairs = [(a.ink, a.log_probability) for a in found.stated.alternatives]
        assert pairs == [(a.ink, a.log_probability) for a in answer.stated.alternatives]
    assert read.problems == {"why": 1}


def test_a_foreign_file_may_state_little_and_what_is_wrong_is_put_aside_and_named(tmp_path):
    lines = pa.array([[[1.0, 2.0]]] * 4)
    good, bad = {"x": [[1.0]], "y": [[2.0]]}, {"x": [[1.0, 2.0]], "y": [[2.0]]}
    columns = {
        "key": pa.array(list("abcd")), "x": lines, "y": lines,
        "confidence": pa.array([0.5, 1.5, None, math.nan], pa.float32()),
        "alternatives": pa.array([[good], None, [bad, good, None], []]),
        "width": pa.array([[[1, 2]], [[1]], None, None]),
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    read = read_predictions(tmp_path / "p.parquet", "abcd")
    assert [read.answers[key].stated.confidence for key in "abcd"] == [0.5, None, None, None]
    assert [len(read.answers[key].stated.alternatives) for key in "abcd"] == [1, 0, 1, 0]
    assert read.answers["a"].ink.extra["width"].tolist() == [1, 2]
    assert read.answers["b"].status == "failed"
    assert read.problems["a confidence is no share in 0..1: counts as not stated"] == 2
    assert sum("an alternative is put aside" in problem for problem in read.problems) == 2


def test_a_file_of_before_is_read(tmp_path):
    lines = pa.array([[[1.0, 2.0]]])
    pq.write_table(pa.table({"key": ["a"], "x": lines, "y": lines}), tmp_path / "p.parquet")
    assert read_predictions(tmp_path / "p.parquet", "a").answers["a"].stated == stated.NOTHING


def samples(*writers):
    return [Sample(f"k{k}", Ink.empty(), writer=writer, source=f"page {k // 2}") for k, writer in enumerate(writers)]


def test_groups_hold_what_one_hand_wrote_and_nothing_of_a_stranger(monkeypatch):
    task = Task("t", 1, "t", "c", groups="writer")
    assert predict.groups_of(task, samples("x", "y", "x", "", "")) == [(0, 2), (1,), (3,), (4,)]
    page = Task("t", 1, "t", "c", groups="page")
    assert predict.groups_of(page, samples("x", "y", "x", "")) == [(0, 1), (2, 3)]
    assert predict.groups_of(Task("t", 1, "t", "c"), samples("x", "x")) == [(0,), (1,)]
    monkeypatch.setattr(predict, "MOST_OF_A_GROUP", 2)
    assert predict.groups_of(task, samples("x", "x", "x")) == [(0, 1), (2,)]
    with pytest.raises(ValueError, match="writer or page"):
        task_of({"name": "t", "version": 1, "title": "t", "corpus": "c", "groups": "hand"})


def test_calibration_and_risk_by_hand():
    right = np.array([True, True, False, False])
    assert calibration_error(np.array([0.5] * 4), right) == 0
    assert calibration_error(np.array([1.0, 1.0, 0.0, 0.0]), right) == 0
    assert calibration_error(np.array([0.0, 0.0, 1.0, 1.0]), right) == 1
    assert risk_coverage_area(np.array([0.9, 0.8, 0.2, 0.1]), right) == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert risk_coverage_area(np.array([0.1, 0.2, 0.8, 0.9]), right) == pytest.approx((1 + 1 + 2 / 3 + 1 / 2) / 4)
    assert risk_coverage_area(np.array([0.5] * 4), right) == 0.5


def scored(confidence, right, alternatives=0):
    n = len(right)
    return pa.table({
        "writer": [f"w{k}" for k in range(n)], "complete_trajectory": pa.array(right, pa.float64()),
        "confidence": pa.array([math.nan if c is None else c for c in confidence], pa.float64()),
        "alternatives": pa.array([alternatives] * n, pa.int32()), "best:lcss": pa.array([0.5] * n),
        "best:complete_trajectory": pa.array([1.0] * n),
    })  # fmt: skip


def test_silence_never_helps():
    right = [1.0, 0.0, 1.0, 0.0]
    said, silent = (certainty(scored(c, right)) for c in ([0.9, 0.6, 0.6, 0.1], [0.9, None, None, 0.1]))
    for name in ("brier", "ece", "aurc"):
        assert silent[name] > said[name]
    assert certainty(scored([None] * 4, right)) == {}
    assert certainty(scored([None] * 4, right, alternatives=2))["best_of"] == 3.0


def test_the_whole_way_of_a_method_that_states(sure, tmp_path):
    lines = ['name = "tiny"', "version = 1", 'title = "t"', 'corpus = "synthetic"', "limit = 12", 'split = "train"']
    lines += ['groups = "writer"', "[options]", 'writers = "3"', 'scripts = "Latn"']
    (tmp_path / "tiny.toml").write_text("\n".join(lines) + "\n")
    settings = {"cache": tmp_path / "cache", "controls": False}
    results = run.bench(str(tmp_path / "tiny.toml"), (sure, "nearest"), Path(), tmp_path / "runs", **settings)
    made = {result.entry: result for result in results}
    assert made["nearest"].certainty == {}
    found = made["sure"].certainty
    assert found["best_of"] == 3.0
    assert found["best_lcss"] > made["sure"].metrics["lcss"].value
    assert found["best_complete"] >= found["complete"] == made["sure"].metrics["complete_trajectory"].value
    assert 0 < found["confidence"] < 1  # writers have several images here
    assert read_result(made["sure"].folder / "result.json").certainty == found
    assert "| brier |" in leaderboard.to_markdown(results).replace("| confidence ", "|")
    assert "stated:brier" in leaderboard.to_csv(results)
    rows = page_data(results)["tasks"][0]["stated"]["rows"]
    assert list(rows) == ["sure"]
    path = made["sure"].folder / "result.json"
    before = path.read_text()
    path.write_text(before.replace('"best_of"', '"old"'))
    [one, two] = run.rescore(str(tmp_path / "tiny.toml"), Path(), tmp_path / "runs", cache=tmp_path / "cache")
    assert {one.entry, two.entry} == {"sure", "nearest"}
    assert read_result(path).certainty == found
    same = made["sure"].metrics, made["nearest"].metrics
    assert same[0]["lcss"].value == same[1]["lcss"].value
