"""Arrays of numpy in files from anybody: plain ones, and object arrays whose pickle runs nothing.

A pickle can otherwise run any program. The unpickler here builds arrays of numbers, lists, dictionaries and texts.
"""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from kalamos.errors import FormatError


def array_of(path: Path, data: bytes, name: str) -> NDArray[Any]:
    """Return the array of the bytes of a ``.npy`` file; arrays in dictionaries and lists of it are arrays too.

    Raises:
        FormatError: where it is none, or holds anything but numbers, texts, lists and dictionaries.
    """
    stream = io.BytesIO(data)
    try:
        version = npy.read_magic(stream)
        reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = reader(stream)
        if dtype.hasobject:
            found = _ArrayUnpickler(stream, encoding="latin1").load()
            if not isinstance(found, _Held):
                raise ValueError("the pickle holds no array")
            return found.array
        n_values = int(np.prod(shape, dtype=object)) if shape else 1
        if n_values < 0 or n_values * dtype.itemsize > len(data) - stream.tell():
            raise ValueError(f"announces {n_values} values, more than it holds")
        flat = np.frombuffer(data, dtype, n_values, stream.tell())
        return flat.reshape(shape, order="F" if fortran else "C")
    except Exception as error:  # a hostile pickle can raise anything on its way
        raise FormatError(path, f"cannot be read: {str(error)[:200]}", name) from error


class _Kind:
    """A dtype of a pickle: kept as text until it is known to be a plain one."""

    order = "|"

    def __init__(self, code: str, *_: object) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def plain(self) -> np.dtype[Any]:
        """Return the dtype; raise where it is not one of plain numbers or of objects."""
        if not isinstance(self.code, str) or _PLAIN_DTYPE.fullmatch(self.code) is None or self.order not in "<>|=":
            raise pickle.UnpicklingError(f"an array of {str(self.code)[:20]}")
        return np.dtype(self.code).newbyteorder(">" if self.order == ">" else "<" if self.order == "<" else "=")


class _Held:
    """An array of a pickle; its state gives it shape and content, and the content must be there."""

    def __init__(self, *_: object) -> None:
        self.array: NDArray[Any] = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        dtype = kind.plain()
        if dtype.hasobject:
            flat = np.empty(len(content), object)
            for k, item in enumerate(content):
                flat[k] = _plain(item)
        else:
            flat = np.frombuffer(content.encode("latin1") if isinstance(content, str) else content, dtype)
        self.array = flat.reshape(shape, order="F" if fortran else "C")


def _plain(item: Any) -> Any:
    if isinstance(item, _Held):
        return item.array
    return {name: _plain(value) for name, value in item.items()} if isinstance(item, dict) else item


def _number(kind: _Kind, data: bytes | str) -> Any:
    """Return a number that numpy pickled with its dtype."""
    dtype = kind.plain()
    if dtype.hasobject:
        raise pickle.UnpicklingError("a number of objects")
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype, 1)[0]


class _Blank:
    """Stands for ``numpy.ndarray``, which a pickle names and never calls."""


def _latin_bytes(text: str, encoding: str) -> bytes:
    """Return bytes that a pickle of Python 2 holds as text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes are encoded as {str(encoding)[:20]}")
    return text.encode("latin1")


_PLAIN_DTYPE = re.compile(r"[<>|=]?([?bBhHiIlLqQefdO]|[iuf][1248]|b1|O8)")
_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Held,
    ("numpy._core.multiarray", "_reconstruct"): _Held,
    ("numpy.core.multiarray", "scalar"): _number,
    ("numpy._core.multiarray", "scalar"): _number,
    ("numpy", "ndarray"): _Blank,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _latin_bytes,
}
"""What stands for the few things that pickles of arrays name."""


class _ArrayUnpickler(pickle._Unpickler):
    """Builds arrays of plain numbers; nothing that a pickle says is called, or takes memory that it does not fill."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}; only arrays of numbers are read")
        return _STAND_INS[module, name]
