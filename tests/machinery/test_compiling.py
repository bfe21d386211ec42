"""Who waits for a compiler is told so, once."""

from __future__ import annotations

import logging

import numba as nb
from numba.core import event

from kalamos.machinery import compiling


def test_compiling_is_said_once_and_only_where_it_takes_time(caplog, monkeypatch):
    listener = compiling._listener(event)
    monkeypatch.setattr(compiling, "PATIENCE_S", 1e9)
    with caplog.at_level(logging.WARNING, "kalamos"), event.install_listener("numba:compile", listener):
        assert nb.njit(lambda a: a + 1)(1) == 2
        assert not caplog.records
        monkeypatch.setattr(compiling, "PATIENCE_S", 0.0)
        assert nb.njit(lambda a: a + 2)(1) == 3
        said = [record.getMessage() for record in caplog.records]
        assert listener.said
        assert set(said) == {compiling.SAID}  # once by each listener of this process
        assert nb.njit(lambda a: a + 3)(1) == 4
    assert len(caplog.records) == len(said)
    assert listener.depth == 0
    assert listener.spent_s > 0


def test_one_listener_is_enough(monkeypatch):
    registered = []
    monkeypatch.setattr(compiling, "_listening", False)
    monkeypatch.setattr(event, "register", lambda kind, listener: registered.append(kind))
    compiling.say_when_compiling()
    compiling.say_when_compiling()
    assert registered == ["numba:compile"]
