"""Kernels: loops over numbers, written once as plain Python, and compiled by numba where there is much to do.

To compile a kernel takes seconds once, and to load numba half a second ever after. A command on one small file has less
to do than that. So kernels are interpreted until together they have worked for about as long as loading numba would
take; from then on each is interpreted until it has worked for about as long as it would take to load it, or to compile
it where numba's cache does not have it: whoever guesses the future so never loses more than twice the best choice (ski
rental; Karlin, Manasse, Rudolph and Sleator 1988). Who knows the future says so (:func:`foresee`). Both ways the same
source does the same IEEE arithmetic, to the same bytes; ``tests/machinery/test_kernels.py`` holds them against each
other.

What this asks of the source of a kernel:

- float32 and float64 never meet, but by a conversion: for numba their sum is a float64, for numpy a float32 where the
  float64 is a plain Python number;
- functions of ``math``, not of numpy, on single numbers: numpy has its own versions of sine or exponential, which
  differ in the last place; and ``sqrt(x * x + y * y)`` for ``hypot``, of which Python has its own;
- what kernels call is an :func:`inner` function, and kernels do not call each other; of an inner function that Python
  calls too a kernel is made, ``each = kernel(_each)``.

The first two matter only where a kernel is ever interpreted; one that is called as it stands runs compiled, always.
Nothing else of Kalamos compiles: there is one dialect, and ``tests/test_architecture.py`` holds it to that.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from kalamos.machinery.compiling import listen, nothing_is_kept

P = ParamSpec("P")
R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., Any])

SPARED_S = 0.6
"""So long kernels are interpreted, all together, before numba is loaded: about what that takes, with a few kernels."""
CACHED_S, UNCACHED_S = 0.03, 0.4
"""So long each is interpreted before it is loaded from numba's cache, or compiled (see :func:`kernel_taking`)."""

_made: list[Kernel[..., Any]] = []
_eager = False
_spared_us = SPARED_S * 1e6
_compiling = threading.RLock()
_waiting: list[tuple[Callable[..., Any], Callable[..., Any]]] = []


class Kernel(Generic[P, R]):
    """A function that can be compiled; to call it compiles it, :meth:`for_work` weighs whether that pays."""

    def __init__(self, function: Callable[P, R], plain: Callable[P, R], compiling_s: float = UNCACHED_S) -> None:
        self.function, self.plain, self._compiling_s = function, plain, compiling_s
        self.__name__, self.__doc__, self.__module__ = function.__name__, function.__doc__, function.__module__
        self._interpreted_us = 0.0
        self._dispatcher: Any = None
        self._price_us: float | None = None
        self._compiled: Callable[P, R] | None = None
        _made.append(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run compiled."""
        return (self._compiled or self.compiled)(*args, **kwargs)

    @property
    def compiled(self) -> Callable[P, R]:
        """Return the compiled function."""
        with _compiling:  # else a second thread might not see all inner functions yet
            if self._compiled is None:
                _register_inner()
                self._compiled = self._dispatched()
            return self._compiled

    def _dispatched(self) -> Any:
        """Return numba's function, which is loaded or compiled when it is called."""
        from numba import njit  # noqa: PLC0415 - half a second that small work does without

        with _compiling:
            if self._dispatcher is None:
                listen()
                compile_by = partial(njit, error_model="numpy", nogil=True)
                try:
                    self._dispatcher = compile_by(self.function, cache=True)
                except RuntimeError:  # numba finds no folder that it may write to
                    nothing_is_kept()
                    self._dispatcher = compile_by(self.function)
                _forget_unreadable(self._dispatcher)
            return self._dispatcher

    def _costs_us(self) -> float:
        """Return about what it takes to load the compiled kernel, or to compile it."""
        if self._price_us is None:
            folder = self._dispatched().stats.cache_path
            kept = Path(folder or "").glob(f"*.{self.function.__name__}-*.nbi") if folder else ()
            self._price_us = (CACHED_S if any(kept) else self._compiling_s) * 1e6
        return self._price_us

    def interpreted(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run as plain Python; overflow and division by zero pass in silence, as they do when compiled."""
        with np.errstate(all="ignore"):
            return self.plain(*args, **kwargs)

    def for_work(self, interpreted_us: float) -> Callable[P, R]:
        """Return what to call for work that would take about so many microseconds of plain Python."""
        if self._compiled is not None:
            return self._compiled
        self._interpreted_us += interpreted_us
        if _eager or (_numba_pays(interpreted_us) and self._interpreted_us > self._costs_us()):
            return self.compiled
        return self.interpreted


def _forget_unreadable(dispatcher: Any) -> None:
    """Let numba forget what it keeps of a kernel where that cannot be read.

    Its index names the classes of the named tuples that a kernel takes, and is read before it is asked whether the
    source has changed since: after an update that moves or renames such a class, numba would fail on it for ever. It
    would also where the code itself is damaged (a machine that lost its power), which is seen when a call asks for it.
    """
    cache = dispatcher._cache
    index = getattr(cache, "_cache_file", None)
    if index is None:
        return
    try:
        index._load_index()
    except Exception:  # damaged pickles end in nearly any error
        cache.flush()
    load = cache.load_overload

    def loaded(*args: Any) -> Any:
        try:
            return load(*args)
        except Exception:
            cache.flush()
            return None

    cache.load_overload = loaded


def foresee(interpreted_us: float) -> None:
    """Say that kernels will soon be asked for work that would take about so many microseconds of plain Python."""
    _numba_pays(interpreted_us)


def _numba_pays(interpreted_us: float) -> bool:
    """Count work; say whether numba is loaded, or there has been so much work that it should be."""
    global _spared_us  # noqa: PLW0603 - one account for a process
    if _spared_us >= 0:
        _spared_us = -1.0 if "numba" in sys.modules else _spared_us - interpreted_us
    return _spared_us < 0


def compile_at_once() -> None:
    """Let this process compile every kernel at its first call, to fill numba's cache."""
    global _eager  # noqa: PLW0603 - one switch for a process
    _eager = True


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a function whose arguments are arrays, numbers and tuples of them."""
    return Kernel(function, function)


def kernel_taking(compiling_s: float) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """Make a kernel of the decorated function, which with all that it calls takes about so many seconds to compile."""
    return lambda function: Kernel(function, function, compiling_s)


def kernel_of(plain: Callable[P, R]) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """Make a kernel of the decorated loop; interpreted, ``plain`` takes its place."""
    return lambda loop: Kernel(loop, plain)


def inner(function: Function) -> Function:
    """Let kernels call this function; it stays as it is for Python."""
    _waiting.append((function, function))
    return function


def inner_of(plain: Callable[..., Any]) -> Callable[[Function], Function]:
    """Let kernels, where they are compiled, call the decorated loop in place of ``plain``, its twin in array language.

    Interpreted, the twin is an order of magnitude faster than the loop, which numba compiles faster and to faster code.
    """

    def register(loop: Function) -> Function:
        _waiting.append((plain, loop))
        return loop

    return register


def _register_inner() -> None:
    from numba.extending import overload  # noqa: PLC0415 - half a second that small work does without

    while _waiting:
        seen, loop = _waiting.pop()
        options = {"error_model": "numpy", "nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        overload(seen, jit_options=options, strict=False)(_always(loop))


def _always(loop: Callable[..., Any]) -> Callable[..., Any]:
    def choose(*args: Any, **kwargs: Any) -> Callable[..., Any]:
        return loop

    return choose
