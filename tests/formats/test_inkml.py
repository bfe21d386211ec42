"""InkML: the recommendation's own example, every construct of it, the corpora's habits, and hostile documents."""

from __future__ import annotations

# ruff: noqa: E501 - documents are easier to read unbroken
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos.errors import FormatError, UnreadableError
from kalamos.formats import inkml
from kalamos.formats.inkml.tracetext import NOT_A_VALUE, TOO_FEW, scan_traces
from kalamos.formats.report import UnitReport

NAN = float("nan")


def document(body: str, head: str = '<ink xmlns="http://www.w3.org/2003/InkML">') -> inkml.Document:
    return inkml.parse_document(f"{head}{body}</ink>".encode(), "test.inkml")


def channels(*names: str) -> str:
    return "<traceFormat>" + "".join(f'<channel name="{name}"/>' for name in names) + "</traceFormat>"


def xy(doc: inkml.Document) -> list[list[float]]:
    return doc.ink(counts=Counter()).xy.tolist()


def test_difference_encoding_follows_the_example_of_the_recommendation() -> None:
    text = "1125 18432,'23'43,\"7\"-8,3-5,7 -3,6 2,6 8,3 6 T,2 4*T,3 6,3-6 F F"
    found = scan_traces([text], 2, np.array([NAN, NAN, 0, 0]))
    assert found.values[:, 0].tolist() == [1125, 1148, 1178, 1211, 1251, 1297, 1349, 1404, 1461, 1521, 1584]
    assert found.values[:, 1].tolist() == [18432, 18475, 18510, 18540, 18567, 18596, 18633, 18676, 18723, 18776, 18823]
    assert found.values[:, 2].tolist() == [0] * 7 + [1, 1, 1, 0]
    assert found.values[:, 3].tolist() == [0] * 8 + [1, 1, 0]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2, 3 4", [[1, 2], [3, 4]]),
        ("1-2,-3-4", [[1, -2], [-3, -4]]),
        ("- 1 -\n2", [[-1, -2]]),
        (".5 5., 1e3 -2.5E-1", [[0.5, 5], [1000, -0.25]]),
        ("#1F #a, -#10 #0", [[31, 10], [-16, 0]]),
        ("1 2, * 5, 7 *", [[1, 2], [1, 5], [7, 5]]),
        ("10 10, '1'2, * *, !5 !5", [[10, 10], [11, 12], [12, 14], [5, 5]]),
        ('0 0, 2 3, "1"1', [[0, 0], [2, 3], [5, 7]]),
        ("T F", [[1, 0]]),
        ("1 2,", [[1, 2]]),
        ("", []),
        (" , ,", []),
        (
            "123456789012345678901234567890 0.1234567890123456789012345",
            [[1.2345678901234568e29, 0.12345678901234568]],
        ),
        ("1e400 -1e-400", [[float("inf"), -0.0]]),
    ],
)
def test_values(text: str, values: list[list[float]]) -> None:
    found = scan_traces([text], 2, np.array([NAN, NAN]))
    assert found.fault == 0
    assert found.values.tolist() == values


def test_wildcards_are_not_reported_values() -> None:
    found = scan_traces(["1 ?, ? 4"], 2, np.array([NAN, NAN]))
    assert np.array_equal(found.values, [[1, NAN], [NAN, 4]], equal_nan=True)


def test_state_does_not_cross_traces() -> None:
    found = scan_traces(["1 1,'1'1", "5 5, 6 6", ""], 2, np.array([NAN, NAN]))
    assert found.values.tolist() == [[1, 1], [2, 2], [5, 5], [6, 6]]
    assert found.offsets.tolist() == [0, 2, 4, 4]


@pytest.mark.parametrize(
    ("text", "fault", "point"),
    [("1 2, 3", TOO_FEW, 1), ("1 2, x 3", NOT_A_VALUE, 1), ("1 -", NOT_A_VALUE, 0), ("' ,", 1, 0)],
)
def test_faults_say_where(text: str, fault: int, point: int) -> None:
    found = scan_traces(["0 0", text], 2, np.array([NAN, NAN]))
    assert (found.fault, found.fault_trace, found.fault_point) == (fault, 1, point)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e9, 1e9, width=32)), min_size=1)
)
def test_decimals_are_rounded_correctly(points: list[tuple[float, float]]) -> None:
    text = ",".join(f"{x!r} {y!r}" for x, y in points)
    found = scan_traces([text], 2, np.array([NAN, NAN]))
    assert found.values.tolist() == [[x, y] for x, y in points]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=3, max_size=20))
def test_difference_encodings_mean_the_same_as_explicit_values(points: list[tuple[int, int]]) -> None:
    values = np.array(points)
    first = np.diff(values, axis=0)
    second = np.diff(first, axis=0)
    singly = f"{values[0, 0]} {values[0, 1]}," + ",".join(
        f"'{x}'{y}" if k == 0 else f"{x} {y}" for k, (x, y) in enumerate(first.tolist())
    )
    doubly = f"{values[0, 0]} {values[0, 1]},'{first[0, 0]}'{first[0, 1]}," + ",".join(
        f'"{x}"{y}' if k == 0 else f"{x} {y}" for k, (x, y) in enumerate(second.tolist())
    )
    for text in (singly, doubly):
        assert scan_traces([text], 2, np.array([NAN, NAN])).values.tolist() == values.tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("0123456789.,-+eE #!'\"*?TFxA\n", max_size=40), max_size=5))
def test_any_text_is_read_or_faulted(texts: list[str]) -> None:
    found = scan_traces(texts, 2, np.array([NAN, NAN]))
    assert found.fault or found.offsets[-1] == len(found.values)


def test_without_a_format_there_are_x_and_y() -> None:
    assert xy(document("<trace>1 2, 3 4</trace>")) == [[1, 2], [3, 4]]


@pytest.mark.parametrize("head", ["<ink>", '<ink xmlns="urn:other">', '<ink xmlns="http://www.w3.org/2003/InkML">'])
def test_namespaces_do_not_matter(head: str) -> None:
    assert xy(document("<trace>1 2</trace>", head)) == [[1, 2]]


def test_prefixed_elements() -> None:
    text = '<i:ink xmlns:i="http://www.w3.org/2003/InkML"><i:trace xml:id="a">1 2</i:trace></i:ink>'
    doc = inkml.parse_document(text.encode(), "x")
    assert xy(doc) == [[1, 2]]
    assert doc.find("#a") is doc.traces[0].element


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><ink><trace>1 2</trace></ink>'
    assert xy(inkml.parse_document(text.encode(encoding), "x")) == [[1, 2]]


def test_channels_in_any_order_orientation_units_and_ranges() -> None:
    body = """<traceFormat>
      <channel name="T" units="ms"/><channel name="Y" orientation="-ve"/><channel name="F" min="0" max="200"/>
      <channel name="X" units="mm"/><channel name="OTx" units="rad"/><channel name="B"/></traceFormat>
      <trace>0 5 100 1 0 7, 10 6 200 2 1.5707963267948966 8</trace>"""
    doc = document(body)
    ink = doc.ink(counts=Counter())
    assert ink.xy.tolist() == [[1, -5], [2, -6]]
    assert ink.t is not None and np.allclose(ink.t, [0, 0.01])
    assert ink.pressure is not None and ink.pressure.tolist() == [0.5, 1.0]
    assert np.allclose(ink.extra["tilt_x"], [0, 90])
    assert ink.extra["B"].tolist() == [7, 8]
    assert doc.time_source == "recorded"


def test_resolution_comes_from_units_or_the_device() -> None:
    assert document('<traceFormat><channel name="X" units="himetric"/><channel name="Y" units="himetric"/></traceFormat>'
                    "<trace>1 2</trace>").points_per_mm == 100  # fmt: skip
    body = f"""<definitions><inkSource xml:id="s">{channels("X", "Y")}<channelProperties>
      <channelProperty channel="X" name="resolution" value="5080" units="1/in"/>
      <channelProperty channel="Y" name="resolution" value="5080" units="1/in"/></channelProperties></inkSource>
      <context xml:id="c" inkSourceRef="#s"/></definitions><trace contextRef="#c">1 2</trace>"""
    assert document(body).points_per_mm == pytest.approx(200)


def test_times_from_the_sampling_rate_and_offsets() -> None:
    body = f"""<definitions><inkSource xml:id="s"><sampleRate uniform="true" value="100"/>{channels("X", "Y")}</inkSource>
      <context xml:id="c" inkSourceRef="#s"/></definitions>
      <traceGroup contextRef="#c"><trace timeOffset="0">0 0, 1 1</trace><trace timeOffset="500">2 2, 3 3</trace></traceGroup>"""
    doc = document(body)
    assert doc.time_source == "rate"
    assert np.allclose(doc.ink(counts=Counter()).t, [0, 0.01, 0.5, 0.51])


@pytest.mark.parametrize("begins_at", [0, 700])
def test_time_offset_is_the_time_of_the_first_point(begins_at: int) -> None:
    body = (
        '<traceFormat><channel name="X"/><channel name="Y"/><channel name="T" units="ms"/></traceFormat>'
        f'<trace timeOffset="0">0 0 0, 1 1 8</trace><trace timeOffset="700">2 2 {begins_at}, 3 3 {begins_at + 8}</trace>'
    )
    assert np.allclose(document(body).ink(counts=Counter()).t, [0, 0.008, 0.7, 0.708])


def test_timestamps_of_contexts_are_aligned() -> None:
    body = f"""<definitions>{channels("X", "Y", "T").replace("<traceFormat>", '<traceFormat xml:id="f">')}
      <timestamp xml:id="a" time="1000000"/><timestamp xml:id="b" timestampRef="#a" timeOffset="2000"/>
      <context xml:id="ca" traceFormatRef="#f" timestampRef="#a"/>
      <context xml:id="cb" contextRef="#ca" timestampRef="#b"/></definitions>
      <trace contextRef="#ca">0 0 0, 1 1 1</trace><trace contextRef="#cb">2 2 0, 3 3 1</trace>"""
    assert np.allclose(document(body).ink(counts=Counter()).t, [0, 1, 2, 3])


def test_streaming_contexts_change_the_current_one() -> None:
    body = f"""<context>{channels("Y", "X")}</context><trace>1 2</trace><context>{channels("X", "Y")}</context><trace>3 4</trace>"""
    assert xy(document(body)) == [[2, 1], [3, 4]]


def test_intermittent_channels_keep_their_value() -> None:
    body = """<traceFormat><channel name="X"/><channel name="Y"/><intermittentChannels>
      <channel name="S" type="boolean" default="F"/></intermittentChannels></traceFormat><trace>1 1, 2 2 T, 3 3, 4 4 F</trace>"""
    assert document(body).ink(counts=Counter()).extra["tip_switch"].tolist() == [0, 1, 1, 0]


def test_unreported_channels_are_left_out_and_counted() -> None:
    doc = document(channels("X", "Y", "F") + "<trace>1 1 ?, 2 2 ?, 3 3 0.5</trace>")
    assert doc.ink(counts=Counter()).pressure is None
    assert doc.counts["inkml-channel-unreported"] == 1


def test_surplus_values_are_left_out_and_counted() -> None:
    doc = document(channels("X", "Y") + "<trace>1 2 9, 3 4 9</trace>")
    assert xy(doc) == [[1, 2], [3, 4]]
    assert doc.counts["inkml-value-surplus"] == 2


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ('<mapping type="identity"/>', [1, 2]),
        ('<mapping type="affine"><affine>2 0 10, 0 3 20</affine></mapping>', [12, 26]),
        ('<mapping type="affine">0 1 0, 1 0 0</mapping>', [2, 1]),
        ('<mapping type="product"><mapping type="affine">2 0 0, 0 2 0</mapping><mapping type="affine">1 0 1, 0 1 1'
         "</mapping></mapping>", [3, 5]),
        ('<mapping type="lookup"><bind source="X"/><table apply="absolute" interpolation="linear">0 0, 2 100</table></mapping>',
         [50, 2]),
        ('<mapping type="lookup"><bind source="Y"/><table apply="relative" interpolation="floor">0 5, 3 9</table></mapping>',
         [1, 7]),
        ('<mapping type="lookup"><bind source="X"/><table interpolation="ceiling">0 5, 3 9</table></mapping>', [9, 2]),
        ('<mapping type="lookup"><bind source="X"/><table interpolation="middle">0 5, 1.5 9</table></mapping>', [9, 2]),
        ('<mapping mappingRef="#m"/>', [101, 102]),
    ],
)  # fmt: skip
def test_canvas_transforms(mapping: str, expected: list[float]) -> None:
    body = f"""<definitions><mapping xml:id="m" type="affine">1 0 100, 0 1 100</mapping>
      <canvasTransform xml:id="t">{mapping}</canvasTransform><context xml:id="c" canvasTransformRef="#t"/></definitions>
      <trace contextRef="#c">1 2</trace>"""
    assert xy(document(body)) == [expected]


def test_mathml_is_refused_where_it_would_move_ink_and_ignored_where_it_describes_a_channel() -> None:
    math = '<mapping type="mathml"><math/></mapping>'
    with pytest.raises(FormatError, match="mathml"):
        document(f'<definitions><canvasTransform xml:id="t">{math}</canvasTransform>'
                 '<context xml:id="c" canvasTransformRef="#t"/></definitions><trace contextRef="#c">1 2</trace>')  # fmt: skip
    assert xy(
        document(f'<traceFormat><channel name="X">{math}</channel><channel name="Y"/></traceFormat><trace>1 2</trace>')
    )


def test_brushes_inherit() -> None:
    body = """<definitions><brush xml:id="a"><brushProperty name="width" value="3"/><brushProperty name="color" value="red"/>
      </brush><brush xml:id="b" brushRef="#a"><brushProperty name="color" value="blue"/></brush>
      <context xml:id="c" brushRef="#b"/></definitions><trace contextRef="#c">1 2</trace>"""
    assert document(body).traces[0].context.brush == {"width": "3", "color": "blue"}


def test_continued_traces_are_one_stroke_and_pen_up_traces_none() -> None:
    body = """<trace xml:id="a" continuation="begin">1 1</trace><trace continuation="middle" priorRef="#a">2 2</trace>
      <trace continuation="end" priorRef="#a">3 3</trace><trace type="penUp">9 9</trace><trace>4 4</trace>"""
    counts: Counter[str] = Counter()
    ink = document(body).ink(counts=counts)
    assert [len(stroke) for stroke in ink.strokes()] == [3, 1]
    assert counts["trace-pen-up"] == 1


VIEWS = """<definitions><trace xml:id="hidden">100 100</trace></definitions>
  <traceGroup xml:id="g"><trace xml:id="a">1 1, 2 2, 3 3, 4 4</trace><trace xml:id="b">5 5, 6 6</trace></traceGroup>
  <traceView xml:id="v1" traceDataRef="#a"/><traceView xml:id="v2" traceDataRef="#a" from="2" to="3"/>
  <traceView xml:id="v3" traceDataRef="#g" from="1:3" to="2:1"/><traceView xml:id="v4"><traceView traceDataRef="#b"/>
  <traceView traceDataRef="#hidden"/></traceView><traceView xml:id="v5" traceDataRef="#v4" from="2"/>"""


@pytest.mark.parametrize(
    ("view", "xs"),
    [
        ("v1", [1, 2, 3, 4]),
        ("v2", [2, 3]),
        ("v3", [3, 4, 5]),
        ("v4", [5, 6, 100]),
        ("v5", [100]),
        ("", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_views(view: str, xs: list[int]) -> None:
    doc = document(VIEWS)
    ink = doc.ink(doc.pieces(doc.find(view) if view else None), counts=Counter())
    assert ink.xy[:, 0].tolist() == xs


def test_a_document_of_views_only_shows_them() -> None:
    assert xy(document('<definitions><trace xml:id="a">7 7</trace></definitions><traceView traceDataRef="#a"/>')) == [
        [7, 7]
    ]


@pytest.mark.parametrize(
    "body",
    [
        '<traceView xml:id="v" traceDataRef="#v"/>',
        '<traceView xml:id="v"><traceView traceDataRef="#v"/></traceView>',
        '<traceView traceDataRef="#nowhere"/>',
        '<trace contextRef="#nowhere">1 2</trace>',
        '<context xml:id="a" contextRef="#b"/><context xml:id="b" contextRef="#a"/>',
        '<definitions><timestamp xml:id="a" timestampRef="#a"/></definitions><context timestampRef="#a"/>',
        '<definitions><brush xml:id="a" brushRef="#a"/></definitions><context brushRef="#a"/>',
        '<definitions><canvasTransform xml:id="t"><mapping xml:id="m" mappingRef="#m"/></canvasTransform></definitions>'
        '<context canvasTransformRef="#t"/>',
        '<traceFormat><channel name="X"/></traceFormat><trace>1</trace>',
        '<traceFormat><channel name="X" max="wide"/><channel name="Y"/></traceFormat><trace>1 2</trace>',
        '<trace timeOffset="soon">1 2</trace>',
        "<trace>1 2, three 4</trace>",
        "<trace>1</trace>",
        '<trace xml:id="a">1 2</trace><traceView traceDataRef="#a" from="0"/>',
    ],
)
def test_broken_documents_are_format_errors(body: str) -> None:
    with pytest.raises(FormatError):
        doc = document(body)
        for view in doc.root.iter("traceView"):
            doc.pieces(view)


def test_the_error_names_trace_and_point(tmp_path: Path) -> None:
    file = tmp_path / "bad.inkml"
    file.write_text('<ink><trace id="t7">1 2, 3 4, oops</trace></ink>')
    with pytest.raises(FormatError, match=r"bad\.inkml, trace t7, point 3, at 'oops'"):
        inkml.read_document(file)


BOMB = '<!DOCTYPE ink [<!ENTITY a "ha">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)) + "]><ink>&i;</ink>"  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE ink [<!ENTITY e SYSTEM "file:///etc/passwd">]><ink><trace>&e;</trace></ink>',
        '<!DOCTYPE ink [<!ENTITY % p SYSTEM "http://example.invalid/x.dtd"> %p;]><ink/>',
        '<!-- a --><?b c?><!DOCTYPE ink [<!ENTITY a "1 2">]><!-- d --><?e f?><ink><trace>&a;</trace></ink>',
        '<!-- a ?> --> <?b --> ?> <!DOCTYPE ink [<!ENTITY a "1 2">]><!----><ink><trace>&a;</trace></ink>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_at_once(text: str, encoding: str) -> None:
    start = time.perf_counter()
    with pytest.raises(FormatError, match="entit"):
        inkml.parse_document(text.encode(encoding), "bomb.inkml")
    assert time.perf_counter() - start < 2


def test_an_entity_hidden_by_an_exotic_encoding_is_refused() -> None:
    declaration = b'<?xml version="1.0" encoding="cp037"?>'
    body = '<!DOCTYPE ink [<!ENTITY a "1 2">]><ink><trace>&a;</trace></ink>'.encode("cp037")
    with pytest.raises(FormatError):
        inkml.parse_document(declaration + body, "x")
    with pytest.raises(FormatError):
        inkml.parse_document((declaration.decode() + '<!DOCTYPE ink [<!ENTITY a "1 2">]><ink/>').encode("cp037"), "x")


def test_a_document_type_after_the_root_has_begun_is_ill_formed() -> None:
    with pytest.raises(FormatError, match="not well-formed"):
        inkml.parse_document(b'<ink><!DOCTYPE ink [<!ENTITY a "1 2">]><trace>&a;</trace></ink>', "x")


def test_an_external_document_type_is_not_fetched() -> None:
    text = '<!DOCTYPE ink SYSTEM "http://example.invalid/ink.dtd"><ink><trace>1 2</trace></ink>'
    assert xy(inkml.parse_document(text.encode(), "x")) == [[1, 2]]


def test_deep_nesting_is_refused() -> None:
    for text in ("<ink>" + "<traceGroup>" * 100_000, "<ink>" + "<g>" * 5000 + "</g>" * 5000 + "</ink>"):
        with pytest.raises(FormatError):
            inkml.parse_document(text.encode(), "x")
    with pytest.raises(FormatError, match="deeper"):
        inkml.parse_document(("<!DOCTYPE ink>" + "<ink>" * 5000 + "</ink>" * 5000).encode(), "x")


def test_many_channels_and_many_tags_do_not_fill_memory() -> None:
    names = "".join(f'<channel name="c{k}"/>' for k in range(2000))
    rare = f'<traceFormat><channel name="X"/><channel name="Y"/><intermittentChannels>{names}</intermittentChannels></traceFormat>'
    with pytest.raises(FormatError, match="values"):
        document(rare + "<trace>" + "1-1," * 100_000 + "</trace>")
    with pytest.raises(FormatError, match="tags"):
        inkml.parse_document(b"<ink>" + b"<a/>" * 4_000_001 + b"</ink>", "x")


def test_a_document_cannot_be_shown_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kalamos.formats.inkml.document.MAX_PIECES", 10_000)
    doc = document('<traceGroup xml:id="g">' + "<trace>1 2</trace>" * 5_000 + "</traceGroup>")
    with pytest.raises(FormatError, match="far too often"):
        for _ in range(30):
            doc.pieces()


def test_views_cannot_multiply_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kalamos.formats.inkml.document.MAX_PIECES", 10_000)
    levels = "".join(
        f'<traceView xml:id="v{k}">' + f'<traceView traceDataRef="#v{k - 1}"/>' * 10 + "</traceView>"
        for k in range(1, 12)
    )
    doc = document(f'<definitions><trace xml:id="v0">1 2</trace></definitions>{levels}')
    start = time.perf_counter()
    with pytest.raises(FormatError, match="far too much"):
        doc.pieces(doc.find("v11"))
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n",
        b"\0\1\2",
        b"<ink>",
        b"<ink/>x",
        b"<svg/>",
        b"\xff\xfe<",
        b"PK\3\4",
        "<ink>\ud800".encode("utf-8", "surrogatepass"),
    ],
)
def test_other_bytes_are_format_errors(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.inkml"
    file.write_bytes(data)
    with pytest.raises(FormatError):
        list(inkml.read(file, UnitReport()))


def test_a_folder_or_nothing_is_an_error_that_says_so(tmp_path: Path) -> None:
    for path, kind in ((tmp_path, FormatError), (tmp_path / "absent.inkml", UnreadableError)):
        with pytest.raises(kind):
            list(inkml.read(path, UnitReport()))


def test_no_ink_is_a_refusal(tmp_path: Path) -> None:
    file = tmp_path / "x.inkml"
    file.write_text("<ink><trace/></ink>")
    report = UnitReport()
    assert list(inkml.read(file, report)) == []
    assert "no ink" in report.refusals[0].reason


SEED = (
    b'<ink><definitions><traceFormat xml:id="f"><channel name="X" units="mm"/><channel name="Y"/><channel name="T" units="ms"/>'
    b'</traceFormat><context xml:id="c" traceFormatRef="#f"/></definitions><traceGroup contextRef="#c">'
    b'<trace timeOffset="0">1 2 3, \'4\'5\'6, 7 8 9</trace></traceGroup><traceView traceDataRef="#c"/></ink>'
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutations_are_read_or_refused(data: st.DataObject) -> None:
    mutated = bytearray(SEED)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        match data.draw(st.sampled_from(["set", "delete", "copy"])):
            case "set":
                mutated[place] = data.draw(st.integers(0, 255))
            case "delete":
                del mutated[place : place + data.draw(st.integers(1, 20))]
            case "copy":
                mutated[place:place] = mutated[place : place + data.draw(st.integers(1, 60))]
    try:
        doc = inkml.parse_document(bytes(mutated), "fuzz")
        doc.ink(counts=Counter())
        for view in doc.root.iter("traceView"):
            doc.ink(doc.pieces(view), counts=Counter())
    except FormatError:
        pass
