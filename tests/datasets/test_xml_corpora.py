"""Corpora of InkML, UPX, IAM-OnDB, UNIPEN and SVG files, each in a fixture with the layout that its card describes."""

from __future__ import annotations

# ruff: noqa: E501 - documents are easier to read unbroken
from pathlib import Path
from typing import Any

import pytest
from commands import kalamos

from kalamos.datasets import adab, crohme, hpl, iam_ondb, kanjivg, khatt, lmca, mathwriting, mile
from kalamos.datasets.label_graph import read_label_graph
from kalamos.errors import CorpusError
from kalamos.formats import read_samples
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample

CORPORA = [adab, crohme, hpl, iam_ondb, kanjivg, khatt, lmca, mathwriting, mile]

UNIPEN = """.VERSION 1.0
.HIERARCHY CHARACTER
.COORD X Y
.POINTS_PER_SECOND 120
.SEGMENT CHARACTER 0-1 OK "{label}"
.PEN_DOWN
10 20
11 25
12 29
.PEN_UP
.PEN_DOWN
30 20
31 21
.PEN_UP
"""


def put(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def everything(module: Any, root: Path, **options: str) -> tuple[dict[str, Sample], UnitReport]:
    report = UnitReport()
    found = [s for unit in module.CORPUS.units(root, **options) for s in module.CORPUS.read(root, unit, report)]
    assert len({sample.key for sample in found}) == len(found)
    assert {sample.corpus for sample in found} <= {module.CORPUS.card.name}
    return {sample.key: sample for sample in found}, report


def crohme_file(number: int, writer: str) -> str:
    """Write what the competition's files hold, personal annotations included."""
    return f"""<ink xmlns="http://www.w3.org/2003/InkML">
<traceFormat><channel name="X" type="decimal"/><channel name="Y" type="decimal"/></traceFormat>
<annotation type="truth">$x^2$</annotation><annotation type="UI">2011_IVC_DEPT_F0{number}_E000</annotation>
<annotation type="writer">{writer}</annotation><annotation type="age">24</annotation>
<annotationXML type="truth" encoding="Content-MathML"><math xmlns="http://www.w3.org/1998/Math/MathML">
<msup xml:id="A"><mi xml:id="x_1">x</mi><mn xml:id="2_1">2</mn></msup></math></annotationXML>
<trace id="0">
8 10, 12 14, 16 10
</trace><trace id="1">
16 14, 8 20
</trace><trace id="2">
20 2, 22 4, 20 6
</trace>
<traceGroup xml:id="3"><annotation type="truth">Ground truth</annotation>
<traceGroup xml:id="4"><annotation type="truth">x</annotation><traceView traceDataRef="0"/><traceView traceDataRef="1"/>
<annotationXML href="x_1"/></traceGroup>
<traceGroup xml:id="5"><annotation type="truth">2</annotation><traceView traceDataRef="2"/><annotationXML href="2_1"/>
</traceGroup></traceGroup></ink>"""


def test_crohme(tmp_path: Path) -> None:
    put(tmp_path, "Train/a.inkml", crohme_file(1, "w12"))
    put(tmp_path, "Test2019/b.inkml", crohme_file(2, "w12"))
    put(tmp_path, "c.inkml", crohme_file(3, "w13").replace('traceDataRef="2"', 'traceDataRef="9"'))
    found, report = everything(crohme, tmp_path)
    assert found["Train/a"].label == "$x^2$"
    assert [found[key].split for key in ("Train/a", "Test2019/b")] == ["train", "test"]
    assert found["c"].split is not None
    assert found["Train/a"].writer != found["Test2019/b"].writer
    assert found["Train/a"].ink.n_strokes == 3
    assert report.refusals == []
    symbols, report = everything(crohme, tmp_path, level="symbol")
    assert symbols["Train/a/1"].label == "x"
    assert symbols["Train/a/1"].ink.n_strokes == 2
    assert symbols["Train/a/2"].label == "2"
    assert symbols["Train/a/2"].level == "character"
    assert report.expected["symbol"] == 6
    assert [refusal.where for refusal in report.refusals] == ["symbol 2"]


def bare(number: int) -> str:
    """Return a file as the competition's test sets have it: strokes and nothing else."""
    text = crohme_file(number, "w12")
    text = text.replace('<annotation type="truth">$x^2$</annotation>', "").replace('xml:id="3"', "")
    return text[: text.index("<traceGroup")] + "</ink>"


OBJECTS = "# IUD, e\n O, x_1, x, 1.0, 0, 1\nO, 2_1, 2, 1.0, 2\n\nR, x_1, 2_1, Sup, 1.0\n"
NODES = "N, 0, x, 1.0\nN, 1, x, 1.0\nN, 2, COMMA, 1.0\nE, 0, 1, x, 1.0\nE, 0, 2, R, 1.0\nE, 1, 2, R, 1.0\n"


def test_label_graphs_label_what_says_nothing_itself(tmp_path: Path) -> None:
    put(tmp_path, "Test/a.inkml", bare(1))
    put(tmp_path, "Test/a.lg", OBJECTS)
    put(tmp_path, "Test/b.inkml", bare(2))
    put(tmp_path, "lg/b.lg", NODES)
    put(tmp_path, "Test/c.inkml", crohme_file(3, "w12"))
    put(tmp_path, "Test/c.lg", OBJECTS.replace("2_1, 2,", "2_1, 3,"))
    put(tmp_path, "Test/d.inkml", bare(4))
    found, report = everything(crohme, tmp_path)
    labels = {key[-1]: sample.label for key, sample in found.items()}
    assert labels == {"a": "$x^{2}$", "b": "$x,$", "c": "$x^2$", "d": ""}
    assert report.mendings["label-from-lg"] == 2
    symbols, report = everything(crohme, tmp_path, level="symbol")
    assert {key[5:]: (s.label, s.ink.n_strokes) for key, s in symbols.items()} == {
        **{"a/1": ("x", 2), "a/2": ("2", 1), "b/1": ("x", 2), "b/2": (",", 1), "c/1": ("x", 2), "c/2": ("2", 1)},
    }


@pytest.mark.parametrize(
    ("graph", "latex"),
    [
        ("O,a,-,1,0\nO,b,1,1,1\nO,c,2,1,2\nR,a,b,Above,1\nR,a,c,Below,1\n", r"\frac{1}{2}"),
        ("O,a,\\sqrt,1,0\nO,b,x,1,1\nO,c,y,1,2\nR,a,b,Inside,1\nR,b,c,Right,1\n", r"\sqrt{xy}"),
        ("O,a,\\sum,1,0\nO,b,n,1,1\nO,c,x,1,2\nR,a,b,Below,1\nR,a,c,Right,1\n", r"\sum_{n}x"),
        ("O,a,\\alpha,1,0\nO,b,x,1,1\nR,a,b,Right,1\n", r"\alpha x"),
        ("O,a,x,1,0\nO,b,i,1,1\nO,c,2,1,2\nEO,a,b,Sub,1\nEO,a,c,Sup,1\n", "x_{i}^{2}"),
        ("O,a,x,1,0\nO,b,y,1,1\n", None),  # two roots
        ("O,a,x,1,0\nO,b,y,1,1\nR,a,b,Right,1\nR,b,a,Right,1\n", None),  # a circle
        ("O,a,x,1,0\nO,b,y,1,1\nO,c,z,1,2\nR,a,b,Right,1\nR,b,c,Right,1\nR,c,b,Right,1\n", None),
    ],
)
def test_relations_become_latex(tmp_path: Path, graph: str, latex: str | None) -> None:
    put(tmp_path, "x.lg", graph)
    assert read_label_graph(tmp_path / "x.lg").latex() == latex


def test_deep_label_graphs_end(tmp_path: Path) -> None:
    count = 3000
    symbols = "".join(f"O,{k},x,1,{k}\n" for k in range(count))
    put(tmp_path, "x.lg", symbols + "".join(f"R,{k},{k + 1},Sup,1\n" for k in range(count - 1)))
    assert read_label_graph(tmp_path / "x.lg").latex() is None


def test_symbols_of_crohme_through_auto(tmp_path: Path) -> None:
    put(tmp_path, "a.inkml", crohme_file(1, "w12"))
    found = list(read_samples(tmp_path / "a.inkml", level="character"))
    assert [(sample.label, sample.ink.n_strokes) for sample in found] == [("x", 2), ("2", 1)]


def test_a_conversion_without_labels_says_so_and_labels_that_change_are_noticed(tmp_path: Path) -> None:
    for name in "ab":
        put(tmp_path, f"in/{name}.inkml", bare(1))
    said = kalamos("convert", "crohme", tmp_path / "in", tmp_path / "out", "--no-images")
    assert "no sample has a label" in said
    assert "**no sample has a label**" in (tmp_path / "out" / "README.md").read_text()
    put(tmp_path, "in/a.lg", OBJECTS)
    said = kalamos("convert", "crohme", tmp_path / "in", tmp_path / "out", "--no-images", code=1)
    assert "files that the corpus reads beside its units" in " ".join(said.split())
    said = kalamos("convert", "crohme", tmp_path / "in", tmp_path / "again", "--no-images")
    assert "no sample has a label" not in said
    assert "label {'none': 1}" in said


def test_mathwriting(tmp_path: Path) -> None:
    text = """<?xml version="1.0" encoding="UTF-8"?><ink xmlns="http://www.w3.org/2003/InkML">
<annotation type="label">\\frac{{1}}{{2}}</annotation><annotation type="normalizedLabel">{label}</annotation>
<traceFormat><channel name="X" type="decimal" /><channel name="Y" type="decimal" /><channel name="T" type="decimal" />
</traceFormat><trace id="0" type="penDown">1.5 2 0.0,2.5 3 0.016,3 4 0.033</trace><trace id="1">5 5 0.9,6 6 0.95</trace></ink>"""
    for name in ("train/a", "valid/b", "test/c", "synthetic/d", "symbols/e"):
        put(tmp_path, f"{name}.inkml", text.format(label=name))
    found, _ = everything(mathwriting, tmp_path)
    assert {key: sample.split for key, sample in found.items()} == {
        "train/a": "train",
        "valid/b": "validation",
        "test/c": "test",
    }
    ink = found["train/a"].ink
    assert found["train/a"].label == "train/a"
    assert ink.t is not None
    assert ink.t.tolist() == [0, 0.016, 0.033, 0.9, 0.95]
    more, _ = everything(mathwriting, tmp_path, folders="symbols,synthetic")
    assert {sample.level for sample in more.values()} == {"line", "character"}
    with pytest.raises(CorpusError):
        mathwriting.CORPUS.units(tmp_path, folders="elsewhere")


def test_adab(tmp_path: Path) -> None:
    for number in (1, 5):
        put(tmp_path, f"set{number}/inkml/7.inkml", "<ink><trace>1 2, 3 4</trace><trace>5 6, 7 8</trace></ink>")
        put(
            tmp_path,
            f"set{number}/upx/7.upx",
            '<hwDataset><hwData><hLevel id="W" level="WORD" writerRef="#w3"><label labelType="truth"><alternate rank="1">'
            'تونس</alternate></label><hwTraces><traceView traceDataRef="7.inkml"/></hwTraces></hLevel></hwData></hwDataset>',
        )
    found, _ = everything(adab, tmp_path)
    assert {key: (sample.split, sample.label, sample.script) for key, sample in found.items()} == {
        "set1/upx/7/W": ("train", "تونس", "Arab"),
        "set5/upx/7/W": ("test", "تونس", "Arab"),
    }
    assert found["set1/upx/7/W"].ink.n_strokes == 2


def test_khatt_and_mile(tmp_path: Path) -> None:
    ink = "<ink><trace>1 2, 3 4</trace></ink>"
    put(tmp_path, "khatt/train/l1.inkml", ink)
    put(tmp_path, "khatt/train/l1.txt", "\ufeffنص عربي\n")
    found, _ = everything(khatt, tmp_path / "khatt")
    assert (found["train/l1"].label, found["train/l1"].level, found["train/l1"].split) == ("نص عربي", "line", "train")
    for user, text in (("usr1", "ಕನ್ನಡ"), ("usr2", "தமிழ்")):
        put(tmp_path, f"mile/{user}/w.inkml", ink)
        put(tmp_path, f"mile/{user}/w.txt", text)
    words, _ = everything(mile, tmp_path / "mile")
    assert [(word.script, word.writer, word.level) for word in words.values()] == [
        ("Knda", "usr1", "word"),
        ("Taml", "usr2", "word"),
    ]


def test_lmca(tmp_path: Path) -> None:
    put(tmp_path, "alif/1.dat", UNIPEN.format(label="ا"))
    put(tmp_path, "beh/1.dat", UNIPEN.format(label=""))
    put(tmp_path, "beh/2.dat", "not unipen at all")
    found, report = everything(lmca, tmp_path)
    assert sorted(sample.label for sample in found.values()) == ["beh", "ا"]
    assert len(report.refusals) == 1


def test_hpl(tmp_path: Path) -> None:
    root = tmp_path / "hpl-tamil-iso-char-online-1.0"
    for name in ("usr_0/000t01", "usr_0/001t01", "usr_12/000t02"):
        put(root, f"{name}.txt", UNIPEN.format(label="?"))
    put(root, "README.txt", "about")
    found, _ = everything(hpl, root)
    assert sorted(sample.label for sample in found.values()) == ["#000", "#000", "#001"]
    assert {sample.script for sample in found.values()} == {"Taml"}
    assert {sample.writer for sample in found.values()} == {"Taml/usr_0", "Taml/usr_12"}
    named = tmp_path / "named-telugu"
    put(named, "usr_1/003t01.txt", UNIPEN.format(label=""))
    put(named, "classes.tsv", "# number, text\n3\tఅ\n")
    assert [sample.label for sample in everything(hpl, named)[0].values()] == ["అ"]


def test_iam_ondb(tmp_path: Path) -> None:
    session = (
        '<WhiteboardCaptureSession><WhiteboardDescription><SensorLocation corner="top_left"/></WhiteboardDescription>'
        '<StrokeSet><Stroke><Point x="1" y="2" time="9.5"/><Point x="3" y="4" time="9.6"/></Stroke></StrokeSet>'
        "</WhiteboardCaptureSession>"
    )
    for line in ("01", "02", "03"):
        put(tmp_path, f"lineStrokes/a01/a01-000/a01-000u-{line}.xml", session)
    put(tmp_path, "lineStrokes/b01/b01-001/b01-001-01.xml", session)
    put(tmp_path, "lineStrokes/b01/b01-001/notes.xml", session)
    put(tmp_path, "ascii/a01/a01-000/a01-000u.txt", "OCR:\n\nA M0VE\n\nCSR:\n\nA MOVE to stop\nMr. Gaitskell\n")
    put(tmp_path, "ascii/b01/b01-001/b01-001.txt", "CSR:\nx\n")
    put(tmp_path, "original/a01/a01-000/strokesu.xml", '<W><General><Form id="1" writerID="10015"/></General></W>')
    put(tmp_path, "trainset.txt", "a01-000u\n")
    put(tmp_path, "testset_f.txt", "b01-001\n")
    found, report = everything(iam_ondb, tmp_path)
    assert {key: (s.label, s.writer, s.split) for key, s in found.items()} == {
        "a01-000u-01": ("A MOVE to stop", "10015", "train"),
        "a01-000u-02": ("Mr. Gaitskell", "10015", "train"),
        "b01-001-01": ("x", "", "test"),
    }
    assert sorted(refusal.reason[:20] for refusal in report.refusals) == [
        "is not named <form>-",
        "the text of the form",
    ]


def test_kanjivg(tmp_path: Path) -> None:
    for name in ("04e00", "04e00-Kaisho", "030a2"):
        put(tmp_path, f"kanji/{name}.svg", '<svg><path d="M1,2c1,1,2,2,3,3"/></svg>')
    put(tmp_path, "kanji/09999.svg", '<svg><path d="M1,2 nonsense"/></svg>')
    found, report = everything(kanjivg, tmp_path)
    assert {key: (sample.label, sample.script) for key, sample in found.items()} == {
        "04e00": ("一", "Hani"),
        "030a2": ("ア", "Kana"),
    }
    assert len(report.refusals) == 1
    assert len(everything(kanjivg, tmp_path, variants="yes")[0]) == 3


@pytest.mark.parametrize("module", CORPORA, ids=lambda module: module.CORPUS.card.name)
def test_cards_are_complete_and_folders_checked(module: Any, tmp_path: Path) -> None:
    card = module.CORPUS.card
    for name in ("name", "title", "scripts", "levels", "size", "licence", "citation", "obtain", "layout", "verified"):
        assert getattr(card, name), name
    with pytest.raises(CorpusError):
        module.CORPUS.units(tmp_path)
    with pytest.raises(CorpusError):
        module.CORPUS.units(tmp_path, no_such_option="1")


@pytest.mark.parametrize("module", CORPORA, ids=lambda module: module.CORPUS.card.name)
def test_files_of_the_wrong_kind_are_refusals(module: Any, tmp_path: Path) -> None:
    """Every corpus given a text, an empty and a binary file in the place of its ink."""
    names = {
        "adab": "set1/upx/{}.upx",
        "crohme": "{}.inkml",
        "hpl": "usr_1/00{}t01.txt",
        "iam-ondb": "lineStrokes/a01/a01-000/a01-000u-0{}.xml",
        "kanjivg": "kanji/0000{}.svg",
        "khatt": "{}.inkml",
        "lmca": "{}.dat",
        "mathwriting": "train/{}.inkml",
        "mile": "usr1/{}.inkml",
    }
    (tmp_path / "ascii").mkdir()
    for number, text in enumerate(("some text", "", "\0\1\2\3")):
        put(tmp_path, names[module.CORPUS.card.name].format(number), text)
    found, report = everything(module, tmp_path)
    assert found == {}
    assert len(report.refusals) == 3
