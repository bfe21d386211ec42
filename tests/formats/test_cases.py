"""Small files that were once read wrongly, each with its right value: the folder ``cases``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kalamos.formats import read_samples
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample

CASES = Path(__file__).parent / "cases"


def strokes(*lengths: int) -> Callable[[list[Sample], UnitReport], bool]:
    """Expect one sample whose strokes have these numbers of points."""
    return lambda found, _: [[len(stroke) for stroke in sample.ink.strokes()] for sample in found] == [list(lengths)]


def lasts(found: list[Sample], seconds: float) -> bool:
    (sample,) = found
    return sample.ink.t is not None and sample.ink.t[-1] - sample.ink.t[0] == pytest.approx(seconds)


RIGHT: dict[str, list[Callable[[list[Sample], UnitReport], bool]]] = {
    "i13_cm_res1000.inkml": [
        lambda found, _: found[0].points_per_mm == pytest.approx(100),
        lambda found, _: found[0].ink.extra["tilt_x"].tolist() == [19, 21],
    ],
    "i05_T_nounits_ms.inkml": [
        lambda found, _: found[0].ink.n_strokes == 2 and lasts(found, 1.19),
        lambda _, report: report.mendings["time-unit-mended"] == 1,
    ],
    "i14_hole_F.inkml": [lambda found, _: found[0].ink.pressure is not None],
    "i11_wrongenc.inkml": [strokes(2)],
    "i18_multipart.txt": [lambda found, _: found[0].ink.n_strokes == 1],
    "v04_svc_button2.txt": [strokes(2, 2)],
    "v05_svc_button2_inside.txt": [strokes(2, 2)],
    "v01_dutch3col.hwr": [lambda found, _: found[0].ink.n_points == 3],
    "v02_sigcomp.hwr": [lambda found, _: found[0].ink.n_points == 3],
    "u01_word_and_char.unp": [
        lambda found, _: [sample.level for sample in found] == ["character"] * 2,
        lambda _, report: report.mendings["left-out-word"] == 1,
    ],
    "s07_outline_plain.svg": [lambda found, report: not found and "filled outlines" in report.refusals[0].reason],
    "s09_translate.svg": [lambda found, _: found[0].ink.xy.tolist() == [[10, 5], [19, 14]]],
    "s10_vpype.svg": [lambda found, _: found[0].ink.n_strokes == 2],
    "s02_polyline.svg": [lambda found, _: found[0].ink.n_strokes == 2],
    "n06_abs_xyp.npy": [lambda found, report: not found and "0 or 1" in report.refusals[0].reason],
    "x01.xopp": [strokes(3, 2, 2), lambda found, _: found[0].points_per_mm == pytest.approx(72 / 25.4)],
    "r01_v5.rm": [lambda found, _: found[0].ink.xy.tolist() == [[10, 10], [20, 20]]],
    "j01_jiix.json": [lambda found, _: found[0].ink.n_strokes == 2],
    "j02_iink_pointers.json": [lambda found, _: found[0].ink.n_strokes == 1],
    "j03_mlkit.json": [lambda found, _: found[0].ink.n_strokes == 1],
    "j05_signaturepad.json": [lambda found, _: found[0].ink.n_strokes == 1],
    "g01_tegaki.xml": [strokes(2), lambda found, _: found[0].label == "a" and lasts(found, 0.013)],
}


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_each_case_has_its_right_value(name):
    report = UnitReport()
    found = list(read_samples(CASES / name, report))
    for number, is_right in enumerate(RIGHT[name]):
        assert is_right(found, report), (number, found, report)
