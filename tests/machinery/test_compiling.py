"""Who waits for a compiler is told so, once."""

from __future__ import annotations

import logging

import numba as nb

from kalamos.machinery import compiling


def test_compiling_is_said_once_and_only_where_it_takes_time(caplog, monkeypatch):
    monkeypatch.setattr(compiling, "_listening", False)
    monkeypatch.setattr(compiling, "PATIENCE_S", 1e9)
    with caplog.at_level(logging.WARNING, "kalamos"):
        compiling.say_when_compiling()
        compiling.say_when_compiling()
        assert nb.njit(lambda a: a + 1)(1) == 2
        assert not caplog.records
        monkeypatch.setattr(compiling, "PATIENCE_S", 0.0)
        assert nb.njit(lambda a: a + 2)(1) == 3
        assert nb.njit(lambda a: a + 3)(1) == 4
    assert [record.getMessage() for record in caplog.records] == [compiling.SAID]
    assert "compiling once" in compiling.SAID
