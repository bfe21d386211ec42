"""Work side by side comes back in its order, and its errors come through."""

import threading

import pytest

from kalamos.machinery import threads
from kalamos.machinery.threads import side_by_side


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_results_stand_in_the_order_of_the_items(cores, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: cores)
    assert side_by_side(lambda k: k * k, range(50)) == [k * k for k in range(50)]


def test_two_items_are_worked_on_at_one_time(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    meet = threading.Barrier(2, timeout=20)
    assert side_by_side(lambda k: (meet.wait(), k)[1], [0, 1]) == [0, 1]


def test_an_error_comes_through(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda k: 1 // k, [1, 0])
