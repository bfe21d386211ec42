"""What cannot be right is mended by a named rule or given up with a count: never passed on in silence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import makers
import numpy as np
import pytest

from kalamos.errors import FormatError
from kalamos.formats import read_samples, uci
from kalamos.formats.mending import mend
from kalamos.formats.plausibility import Clock, clock_factor, plausible_scale, plausible_times
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample


def only(path: Path, data: str | bytes) -> tuple[Sample, Counter[str]]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    report = UnitReport()
    (sample,) = read_samples(path, report)
    assert report.refusals == []
    return sample, report.mendings


@pytest.mark.parametrize(
    ("step", "factor", "rule"),
    [
        (0.01, 1.0, None),
        (0.05, 1.0, None),
        (0.001, 1.0, None),
        (10.0, 1e-3, "time-unit-mended"),  # milliseconds
        (4.9, 1e-3, "time-unit-mended"),  # microseconds called milliseconds
        (1e-5, 1e3, "time-unit-mended"),  # seconds called milliseconds
        (1e4, 1e-6, "time-unit-mended"),
        (0.07, 1.0, "rate-low"),
        (0.6, None, "time-implausible"),
        (0.0005, None, "time-implausible"),
    ],
)
def test_a_rate_of_20_to_1000_hz_is_possible(step: float, factor: float | None, rule: str | None) -> None:
    counts = Counter[str]()
    assert clock_factor([Clock(np.arange(30) * step, np.array([0, 10, 30]))], counts) == factor
    assert counts == ({rule: 1} if rule else {})


def test_coarse_ticks_and_a_pen_at_rest_are_no_fault() -> None:
    ticks = np.repeat(np.arange(10) * 0.06, 6)  # 100 points a second by a clock of 60 ms
    rests = np.cumsum([0.01] * 20 + [30.0] + [0.01] * 20)
    for t in (ticks, rests):
        counts = Counter[str]()
        assert plausible_times(t, np.array([0, len(t)]), counts) is t
        assert not counts


def test_few_points_say_nothing_of_a_rate() -> None:
    assert clock_factor([Clock(np.array([0.0, 5.0, 5.1]), np.array([0, 1, 3]))], Counter()) == 1.0
    assert clock_factor([], Counter()) == 1.0


@pytest.mark.parametrize(
    ("per_mm", "extent", "strokes", "kept"),
    [(100, 1000, 5, True), (0.1, 1000, 5, False), (2000, 1000, 5, False), (2000, 1000, 1, True), (1e6, 1000, 1, False),
     (0.001, 0, 1, True)],
)  # fmt: skip
def test_a_page_is_1_mm_to_2_m(per_mm: float, extent: float, strokes: int, kept: bool) -> None:
    counts = Counter[str]()
    assert plausible_scale(per_mm, extent, strokes, counts) == (per_mm if kept else None)
    assert counts["scale-implausible"] == (not kept)


def test_a_tilt_beyond_90_degrees_is_given_up() -> None:
    counts = Counter[str]()
    strokes = [[(0, 0), (1, 1)]]
    ink = mend(strokes, extra={"tilt_x": [[-90, 90]], "tilt_y": [[0, 1900]], "azimuth": [[0, 360]]}, counts=counts)
    assert sorted(ink.extra) == ["azimuth", "tilt_x"]
    assert counts == {"angle-implausible": 1}


INK = '<ink xmlns="http://www.w3.org/2003/InkML">'


def whole_numbers(unit: str, kind: str = "integer") -> str:
    return f"""{INK}<definitions><context xml:id="c"><inkSource xml:id="s"><traceFormat>
      <channel name="X" type="{kind}" units="{unit}"/><channel name="Y" type="{kind}" units="{unit}"/>
      <channel name="OTx" type="integer" units="deg"/></traceFormat><channelProperties>
      <channelProperty channel="X" name="resolution" value="1000" units="1/cm"/>
      <channelProperty channel="Y" name="resolution" value="1000" units="1/cm"/>
      <channelProperty channel="OTx" name="resolution" value="100" units="1/deg"/></channelProperties></inkSource>
      </context></definitions><trace contextRef="#c">0 0 1900, 1000 0 2100</trace></ink>"""


def test_whole_numbers_in_cm_are_steps_of_the_resolution(tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", whole_numbers("cm"))
    assert sample.points_per_mm == 100
    assert sample.ink.extra["tilt_x"].tolist() == [19, 21]
    assert not counts


def test_fractions_in_cm_that_make_no_page_are_steps_of_the_resolution_too(tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", whole_numbers("cm", "decimal"))
    assert sample.points_per_mm == 100
    assert counts["scale-from-other-statement"] == 1


@pytest.mark.parametrize(("unit", "factor"), [("", 1.0), (' units="s"', 1.0), (' units="ms"', 1.0)])
def test_times_of_8_ms_steps_whatever_unit_is_said(unit: str, factor: float, tmp_path: Path) -> None:
    points = ", ".join(f"{k} {k % 7} {k * 8}" for k in range(50))
    format_ = f'<traceFormat><channel name="X"/><channel name="Y"/><channel name="T"{unit}/></traceFormat>'
    sample, counts = only(tmp_path / "x", f"{INK}{format_}<trace>{points}</trace><trace>0 0 900, 1 1 908</trace></ink>")
    assert sample.ink.t is not None
    assert sample.ink.t[-1] == pytest.approx(0.908 * factor)
    assert counts["time-unit-mended"] == ("ms" not in unit)


def test_times_of_an_impossible_rate_are_given_up(tmp_path: Path) -> None:
    points = ", ".join(f"{k} {k % 7} {k * 0.7}" for k in range(50))
    format_ = '<traceFormat><channel name="X"/><channel name="Y"/><channel name="T" units="s"/></traceFormat>'
    sample, counts = only(tmp_path / "x", f"{INK}{format_}<trace>{points}</trace></ink>")
    assert sample.ink.t is None and sample.time_source == "none"
    assert counts == {"time-implausible": 1}


def test_one_trace_without_pressure_does_not_take_it_from_the_others(tmp_path: Path) -> None:
    def context(name: str, force: str) -> str:
        channels = f'<channel name="X"/><channel name="Y"/>{force}'
        return f'<context xml:id="{name}"><inkSource><traceFormat>{channels}</traceFormat></inkSource></context>'

    traces = '<trace contextRef="#p">0 0 50, 10 0 60, 11 0 70</trace><trace contextRef="#m">0 10, 10 10</trace>'
    both = context("p", '<channel name="F" max="100"/>') + context("m", "")
    sample, counts = only(tmp_path / "x", f"{INK}<definitions>{both}</definitions>{traces}</ink>")
    assert sample.ink.pressure is not None
    assert sample.ink.pressure.tolist() == pytest.approx([0.5, 0.6, 0.7, 0.6, 0.6])
    assert counts == {"channel-filled": 1}


def test_spaces_and_commas_the_other_way_round_are_put_right(tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", f"{INK}<trace>1,2 3,4 5, 6</trace><trace>7,8</trace></ink>")
    assert sample.ink.xy.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert counts == {"inkml-separators-swapped": 1}
    with pytest.raises(FormatError, match="fewer values"):
        only(tmp_path / "x", f"{INK}<trace>1,2,5 3,4</trace></ink>")


def test_unreported_values_keep_the_one_before(tmp_path: Path) -> None:
    format_ = '<traceFormat><channel name="X"/><channel name="Y"/><channel name="F" max="1"/></traceFormat>'
    sample, counts = only(tmp_path / "x", f"{INK}{format_}<trace>1 1 ?, 2 2 0.5, 3 3 ?, 4 4 0.25</trace></ink>")
    assert sample.ink.pressure is not None and sample.ink.pressure.tolist() == [0.5, 0.5, 0.5, 0.25]
    assert counts == {"inkml-value-unreported": 2}


def unipen(step_ms: float, per_inch: float = 100, extra: str = "") -> str:
    rows = "\n".join(f"{k} {k % 9} {k * step_ms}" for k in range(60))
    pens = f".PEN_DOWN\n{rows}\n.PEN_UP\n.PEN_DOWN\n1 500 {61 * step_ms}\n5 500 {62 * step_ms}\n.PEN_UP\n"
    return f".VERSION 1.0\n.COORD X Y T\n.X_POINTS_PER_INCH {per_inch}\n{extra}{pens}"


def test_unipen_times_in_microseconds_and_scales_that_make_no_page(tmp_path: Path) -> None:
    sample, counts = only(tmp_path / "x", unipen(5000))
    assert sample.ink.t is not None and sample.ink.t[-1] == pytest.approx(0.31)
    assert sample.points_per_mm == pytest.approx(100 / 25.4)
    assert counts == {"time-unit-mended": 1}
    sample, counts = only(tmp_path / "x", unipen(700, per_inch=0.1))
    assert (sample.ink.t, sample.points_per_mm) == (None, None)
    assert counts == {"time-implausible": 1, "scale-implausible": 1}
    sample, counts = only(tmp_path / "x", unipen(700, extra=".POINTS_PER_SECOND 100\n"))
    assert sample.time_source == "rate"  # what the file states beside the impossible times


def test_what_a_unipen_file_delineates_twice_is_said(tmp_path: Path) -> None:
    file = tmp_path / "x.unp"
    segments = '.SEGMENT WORD 0-1 OK "ab"\n.SEGMENT CHAR 0 OK "a"\n.SEGMENT CHAR 1 OK "b"\n'
    pens = ".PEN_DOWN\n1 1\n2 2\n3 1\n.PEN_DOWN\n5 1\n6 2\n7 1\n"
    file.write_text(f".VERSION 1.0\n.COORD X Y\n.HIERARCHY WORD CHAR\n{segments}{pens}")
    report = UnitReport()
    assert [sample.label for sample in read_samples(file, report)] == ["a", "b"]
    assert report.mendings["left-out-word"] == 1
    report = UnitReport()
    words = list(read_samples(file, report, "word"))
    assert [(sample.label, sample.level, sample.ink.n_strokes) for sample in words] == [("ab", "word", 2)]
    assert report.mendings["left-out-character"] == 2


@pytest.mark.parametrize("button", [2, 4, 6])
def test_even_button_codes_of_signatures_are_air(button: int, tmp_path: Path) -> None:
    rows = [(10, 10, 0, button, 0), (20, 20, 10, 1, 300), (21, 21, 20, 3, 300), (30, 30, 30, button, 0),
            (31, 31, 40, 0, 0), (40, 40, 50, 1, 300), (41, 41, 60, 1, 300)]  # fmt: skip
    lines = [f"{x} {y} {t} {b} 900 830 {p}" for x, y, t, b, p in rows]
    sample, _ = only(tmp_path / "U5S10.TXT", f"{len(lines)}\n" + "\n".join(lines) + "\n")
    assert sample.ink.offsets.tolist() == [0, 2, 4]
    assert sample.writer == "U5"


def test_an_array_whose_third_column_is_no_flag_is_no_stroke_3(tmp_path: Path) -> None:
    for table in ([[1, 1, 0.5], [2, 2, 1]], [[1, 1, 0, 2, 0], [1, 1, 1, 0, 0]]):
        np.save(tmp_path / "x.npy", np.array(table, np.float64))
        report = UnitReport()
        assert list(read_samples(tmp_path / "x.npy", report)) == []
        assert "0 or 1" in report.refusals[0].reason


def test_a_mat_file_of_something_else_is_named_by_what_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "x.mat"
    data = makers.trajectories([np.ones((3, 9))], [1], ["a"])
    file.write_bytes(data.replace(b"mixout", b"mixed!"))
    with pytest.raises(FormatError, match="it needs mixout and consts, and holds") as caught:
        list(uci.read(file, UnitReport()))
    assert "mixed!" in str(caught.value)
