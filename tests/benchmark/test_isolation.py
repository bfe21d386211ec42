import re
import textwrap
import time

import numpy as np
import pytest

from kalamos.benchmark import isolation
from kalamos.benchmark.isolation import IsolatedRecoverer
from kalamos.errors import KalamosError, ModelError
from kalamos.image import OfflineImage

HEAD = """
import os, signal, time
import numpy as np
from kalamos.ink import Ink

GOOD = Ink.from_strokes([[(1, 1), (5, 5)]])

class Model:
    name = "test"
    def recover(self, images):
        return [self.one(image) for image in images]
"""


@pytest.fixture
def model(tmp_path):
    running = []

    def start(one, timeout_s=5.0):
        """Start a model whose method ``one`` has this body."""
        body = textwrap.indent(textwrap.dedent(one), "        ")
        (tmp_path / "model.py").write_text(f"{HEAD}    def one(self, image):\n{body}\n")
        running.append(IsolatedRecoverer(f"{tmp_path / 'model.py'}:Model", timeout_s))
        return running[-1]

    yield start
    for recoverer in running:
        recoverer.close()


def image(width=20):
    return OfflineImage(np.zeros((20, width), np.uint8))


def statuses(answers):
    return [answer.status for answer in answers]


def test_answers_come_in_order_with_their_time(model):
    recoverer = model("return Ink.from_strokes([[(image.width_px, 0)]])")
    answers = recoverer.recover([image(w) for w in (10, 20, 30)])
    assert [answer.ink.xy[0, 0] for answer in answers] == [10, 20, 30]
    assert all(answer.seconds >= 0 for answer in answers)
    assert recoverer.peak_memory_mb > 10


SLOW_START = "if image.width_px == 64: time.sleep(4)\nreturn GOOD"
"""The image that a model is tried on before the first has 64 px."""


def test_a_model_that_only_waits_while_starting_is_ended(model, monkeypatch):
    monkeypatch.setattr(isolation, "START_TIMEOUT_S", 1.5)
    monkeypatch.setattr(isolation, "_processor_s", lambda pid: 0.5)
    with pytest.raises(ModelError, match="did not start within 2 s"):
        model(SLOW_START)


def test_a_model_that_works_while_starting_is_not_ended_for_a_busy_machine(model, monkeypatch):
    began = time.monotonic()
    monkeypatch.setattr(isolation, "START_TIMEOUT_S", 1.5)
    monkeypatch.setattr(isolation, "_processor_s", lambda pid: 0.1 * (time.monotonic() - began))
    assert statuses(model(SLOW_START).recover([image(20)])) == ["ok"]
    assert time.monotonic() - began > 3


def test_kernels_are_compiled_before_the_first_image_and_not_within_its_time(model):
    (answer,) = model(
        "from kalamos.machinery.kernels import Kernel, kernel\n"
        "asked = kernel(lambda number: number + 1.0).for_work(1.0)\n"
        "return Ink.from_strokes([[(1.0 if getattr(asked, '__func__', None) is Kernel.interpreted else 5.0, 1.0)]])"
    ).recover([image(20)])
    assert answer.status == "ok", answer.message
    assert answer.ink.xy[0, 0] == 5.0


def test_a_model_that_works_for_ever_while_starting_is_ended(model, monkeypatch):
    monkeypatch.setattr(isolation, "START_TIMEOUT_S", 2.0)
    with pytest.raises(ModelError, match="did not start"):
        model("while image.width_px == 64: pass\nreturn GOOD")


def test_an_exception_costs_its_image_alone(model):
    recoverer = model("if image.width_px == 21: raise ValueError('odd\\nwidth')\nreturn GOOD")
    answers = recoverer.recover([image(20), image(20), image(21), image(20), image(20)])
    assert statuses(answers) == ["ok", "ok", "failed", "ok", "ok"]
    assert answers[2].message == "ValueError: odd width"


def test_a_crash_costs_its_image_alone(model):
    recoverer = model("if image.width_px == 21: os.kill(os.getpid(), signal.SIGSEGV)\nreturn GOOD")
    answers = recoverer.recover([image(21), image(20), image(20)])
    assert statuses(answers) == ["crashed", "ok", "ok"]
    assert "signal 11" in answers[0].message
    assert statuses(recoverer.recover([image(20)])) == ["ok"]


def test_a_hang_costs_its_image_alone(model):
    recoverer = model("if image.width_px == 21: time.sleep(99)\nreturn GOOD", timeout_s=0.5)
    answers = recoverer.recover([image(20), image(21)])
    assert statuses(answers) == ["ok", "timeout"]


def test_a_slow_model_has_its_time_for_each_image_of_a_batch(model):
    recoverer = model("time.sleep(0.3); return GOOD", timeout_s=1.0)
    assert statuses(recoverer.recover([image() for _ in range(5)])) == ["ok"] * 5


def test_a_batch_of_a_quick_model_is_not_given_the_limit_for_every_image(model):
    """The first image says what is usual: a hang among forty must not cost forty times the limit, nor nothing more."""
    recoverer = model("time.sleep(0.01); return GOOD", timeout_s=20.0)
    recoverer.recover([image()])
    assert recoverer._allowed_s(1) == 20.0
    assert 20.0 + 39 * 0.01 * isolation.SLOWDOWN < recoverer._allowed_s(40) < 60.0


def test_a_model_that_always_hangs_is_given_up(model, monkeypatch):
    monkeypatch.setattr(isolation, "GIVE_UP_AFTER", 2)
    recoverer = model("if image.width_px != 64: time.sleep(99)\nreturn GOOD", timeout_s=0.2)
    answers = recoverer.recover([image() for _ in range(6)])
    assert "timeout" in statuses(answers)
    assert any("not tried" in answer.message for answer in answers)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        ("return Ink.empty() if image.width_px != 64 else GOOD", "empty ink"),
        ("return Ink.from_strokes([[(1e6, 0)]]) if image.width_px != 64 else GOOD", "points far outside the image"),
        ("return Ink.from_strokes([np.zeros((100_001, 2))]) if image.width_px != 64 else GOOD", "more than 100000"),
        ("return Ink.from_strokes([[(np.nan, 0)]]) if image.width_px != 64 else GOOD", "value that is not finite"),
        ("return [[1, 2]] if image.width_px != 64 else GOOD", "returned list where an Ink is due"),
    ],
)
def test_useless_answers_are_named(model, one, message):
    answers = model(one).recover([image()])
    assert answers[0].status == "failed"
    assert re.search(message, answers[0].message)


def test_a_wrong_number_of_inks_is_named(tmp_path):
    text = HEAD.replace("[self.one(image) for image in images]", "[GOOD] * (1 if images[0].width_px == 64 else 7)")
    (tmp_path / "model.py").write_text(text)
    recoverer = IsolatedRecoverer(f"{tmp_path / 'model.py'}:Model")
    assert recoverer.recover([image()])[0].message == "recover() returned 7 inks for 1 images"
    recoverer.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("class Model: pass", "is no recoverer"),
        ("import os\nos._exit(3)", "ended its process while starting .exit code 3"),
        ("class Model:\n    name = 'x'\n    def recover(self, images): raise OSError('no weights')", "no weights"),
    ],
)
def test_a_model_that_cannot_start_is_an_error(tmp_path, text, message):
    (tmp_path / "model.py").write_text(text)
    with pytest.raises(KalamosError, match=message):
        IsolatedRecoverer(f"{tmp_path / 'model.py'}:Model")
