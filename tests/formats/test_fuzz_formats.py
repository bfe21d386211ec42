"""Mutated files: whatever is in a file, a reader yields sound samples, refuses with a reason, and ends soon."""

from __future__ import annotations

import random
import time
from pathlib import Path

import makers
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos.errors import FormatError
from kalamos.formats import (
    calliar,
    olhwdb,
    omniglot,
    quickdraw,
    read_samples,
    signature,
    stroke3,
    uci,
    unipen,
)
from kalamos.formats.report import UnitReport

STROKE3 = np.array([[0, 0, 0], [5, 5, 1], [1, 1, 0], [2, 2, 1]], np.int16)
SEEDS = [
    (unipen, makers.UNIPEN),
    (unipen, makers.PENDIGITS_ORIG),
    (omniglot, makers.OMNIGLOT),
    (quickdraw, makers.QUICKDRAW),
    (olhwdb, makers.pot_record("啊", makers.SEVEN) * 2),
    (olhwdb, makers.wptt([("啊a", makers.SEVEN), ("b\ufffd", makers.SEVEN)])),
    (uci, makers.PENDIGITS),
    (uci, makers.UJI),
    (uci, makers.trajectories([np.ones((3, 9)), np.ones((3, 7))], [1, 2], ["a", "b"])),
    (calliar, makers.CALLIAR),
    (calliar, makers.CALLIAR_SCRIPT),
    (stroke3, makers.npz(train=makers.objects(STROKE3, STROKE3))),
    (stroke3, makers.npz(stroke3=STROKE3, offsets=np.array([0, 2, 4]))),
    (signature, makers.SVC2004),
    (signature, makers.WACOM),
    (signature, makers.fpg([(0, 0, 5, 10, 10), (5, -3, 9, 1, 1), (1, 1, 0, 1, 1)])),
]
TOKENS = [
    *(
        b"-1",
        b"1e400",
        b"nan",
        b"inf",
        b"9" * 20,
        b'"',
        b"\0",
        b"[",
        b"{",
        b"]",
        b",",
        b":",
        b"\n",
        b" ? ",
        b"\xff\xff",
    ),
    *(b".SEGMENT", b".PEN_DOWN\n", b".START_SET\n", b".COORD X Y P\n", b".INCLUDE a\n", b".HIERARCHY", b".DT 1e308\n"),
    *(b".POINTS_PER_SECOND 1e-300\n", b".X_POINTS_PER_INCH 1e308\n", b'.SEGMENT WORD ? ? "x"\n', b"\r", b"\x1a"),
]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, insert and splice a few times."""
    content = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(content) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(content):
            content[at] = rng.randrange(256)
        elif kind == 1:
            del content[at : at + rng.randint(1, 30)]
        elif kind == 2:
            content[at:at] = rng.choice(TOKENS)
        elif kind == 3:
            del content[max(at, 1) :]
        else:
            source = rng.randrange(len(content) + 1)
            content[at:at] = content[source : source + rng.randint(1, 60)]
    return bytes(content)


@pytest.fixture(scope="module", autouse=True)
def compiled(tmp_path_factory):
    """Read every seed once, so that no mutated file's time includes the compilation of kernels."""
    path = tmp_path_factory.mktemp("seeds") / "file"
    for module, seed in SEEDS:
        path.write_bytes(seed)
        list(module.read(path, UnitReport()))


def check(module, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    module.sniff(data[:65_536])
    begin = time.process_time()
    report = UnitReport()
    try:
        for sample in module.read(path, report):
            assert sample.ink.n_strokes
    except FormatError as error:
        assert str(path) in str(error)
    assert all(refusal.reason for refusal in report.refusals)
    assert time.process_time() - begin < 5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("index", range(len(SEEDS)))
def test_mutations_never_crash_a_reader(tmp_path, index):
    module, seed = SEEDS[index]
    rng = random.Random(index)
    for _ in range(120):
        check(module, tmp_path / "file", mutated(seed, rng))


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=400), index=st.integers(0, len(SEEDS) - 1), at=st.floats(0, 1))
def test_arbitrary_bytes_within_a_file_never_crash_a_reader(tmp_path_factory, data, index, at):
    module, seed = SEEDS[index]
    cut = int(at * len(seed))
    check(module, tmp_path_factory.getbasetemp() / "spliced", seed[:cut] + data + seed[cut + len(data) :])


FOUND = sorted((Path(__file__).parent / "found").iterdir())
"""Files that once broke a reader: whatever fuzzing finds is put here under a name that says what it was."""


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_fuzzing_found_stays_mended(path):
    with pytest.raises(FormatError, match=path.name):
        list(read_samples(path))


# A damaged file of this kind crashed the interpreter in scipy's reader of MATLAB files, which is why there is our own.
@pytest.mark.parametrize("flip", range(128, 700, 3))
def test_damaged_matlab_files(tmp_path, flip):
    data = bytearray(makers.trajectories([np.ones((3, 9)), np.ones((3, 7))], [1, 2], ["a", "b"]))
    data[flip % len(data)] ^= 0xFF
    check(uci, tmp_path / "file", bytes(data))


@pytest.mark.corpora
def test_mutated_real_unipen_files(tmp_path, corpora):
    include = corpora / "unipen-train_r01_v07/include"
    rng = random.Random(7)
    for name in ("kai/data/kai2/yklyu5.dat", "abm/data/ca0.dat", "tos/t3007062.doc", "kai/kai2.doc"):
        seed = (include / name).read_bytes()[:20_000] + b'\n.SEGMENT WORD 0-9 OK "x"\n'
        for _ in range(40):
            check(unipen, tmp_path / "file", mutated(seed, rng))
