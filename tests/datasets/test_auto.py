"""The corpus `auto`: files of many formats in one folder, with wrong endings and strangers among them."""

from collections import Counter
from pathlib import Path

import one_of_each
import pytest

import kalamos
from kalamos.datasets.auto import CORPUS
from kalamos.datasets.convert import Conversion, convert
from kalamos.errors import CorpusError, UnreadableError
from kalamos.formats import FORMATS, read_files
from kalamos.formats.export import WRITERS
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample
from kalamos.storage.parquet import read_rows


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "mine"
    (root / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "index").write_bytes(b"x")
    for number, (name, write) in enumerate(sorted(WRITERS.items())):
        ink = Ink.from_strokes([[(0, 0), (number + 1, 9)], [(5, 5), (6, 6)]])
        samples = [Sample(f"s{k}", ink, label="a", writer=f"w{k}") for k in range(1 if name == "rm" else 2)]
        write(samples, root / "deep" / f"{name}.bin")
    (root / "README").write_text("some words")
    (root / "empty.inkml").touch()
    return root


def test_every_file_is_recognised_and_each_stranger_is_named(folder, tmp_path):
    report = convert(Conversion("auto", folder, shards=3), tmp_path / "out", workers=1)
    assert report.samples == 2 * len(WRITERS) - 1
    assert sum(report.recognised.values()) == len(WRITERS)
    assert {what.split(":")[0] for what in report.recognised} >= {"inkml", "unipen", "inkjson", "stroke3"}
    assert all(len(what.split(": ", 1)[1]) > 5 for what in report.recognised), "no reason is given"
    assert sorted(refusal.source for refusal in report.refusals) == ["README", "empty.inkml"]
    keys = [row.sample.key for row in read_rows(tmp_path / "out")]
    assert len(set(keys)) == len(keys) == report.samples
    assert "recognised: 1 x unipen: a line begins with" in (tmp_path / "out" / "README.md").read_text()


def test_one_of_each_kind_is_read_or_named(tmp_path):
    files, others = one_of_each.ink_files(), one_of_each.strangers()
    assert {kind for kind, _ in files.values()} == set(FORMATS.names()), "a format without a file here"
    root = tmp_path / "in"
    root.mkdir()
    for name, (_, data) in [*files.items(), *others.items()]:
        (root / name.replace(".", "_")).write_bytes(data)  # no ending helps
    report = convert(Conversion("auto", root), tmp_path / "out")
    recognised = Counter(what.partition(":")[0] for what, number in report.recognised.items() for _ in range(number))
    assert recognised == Counter(kind for kind, _ in files.values())
    refused = {refusal.source: f"{refusal.where} {refusal.reason}" for refusal in report.refusals}
    for name, (what, _) in others.items():
        assert what in refused.pop(name.replace(".", "_"))
    assert set(refused) == {"n06_abs_xyp_npy", "s07_outline_plain_svg"}, refused
    read = {row.sample.source for row in read_rows(tmp_path / "out")}
    assert len(read) >= len(files) - len(refused)


def test_a_single_file(folder, tmp_path):
    file = next(path for path in (folder / "deep").iterdir() if path.name.startswith("inkml"))
    report = convert(Conversion("auto", file), tmp_path / "out")
    assert report.samples == 2
    assert [row.sample.key.startswith(file.name) for row in read_rows(tmp_path / "out")] == [True, True]


def test_a_conversion_below_the_folder_is_no_input_of_the_next(folder):
    first = convert(Conversion("auto", folder, shards=3), folder / "converted")
    again = convert(Conversion("auto", folder, shards=3), folder / "converted")
    assert again == first


def test_a_conversion_itself_is_read_as_it_was_converted(tmp_path):
    options = (("scripts", "Latn"), ("seed", "2"), ("writers", "5"))
    convert(Conversion("synthetic", Path(), options, None, shards=2), tmp_path / "converted")
    loaded = kalamos.load("auto", tmp_path / "converted")
    assert [len(list(part)) for part in (loaded.train, loaded.validation, loaded.test)] == [186, 62, 62]
    report = UnitReport()
    assert len(list(read_files(tmp_path / "converted", report))) == 310
    assert report.refusals == [], "what stands beside the shards is no ink"


def test_what_is_not_there_is_named():
    with pytest.raises(CorpusError, match="neither a file nor a folder"):
        CORPUS.units(Path("/nowhere"))
    with pytest.raises(CorpusError, match="no option colour"):
        CORPUS.units(Path(), colour="red")


def test_a_file_that_vanishes_is_a_fault_of_the_machine_and_no_refusal(tmp_path):
    report = UnitReport()
    with pytest.raises(UnreadableError, match="gone does not exist"):
        list(CORPUS.read(tmp_path, "gone", report))
    assert report.refusals == []
