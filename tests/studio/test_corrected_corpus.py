"""Corrected pages as a corpus: loaded, converted, benched on their real pictures, and taken by training."""

import json

import pytest
from studio_pages import make_page, recovered

pytest.importorskip("starlette")

import kalamos
from kalamos.benchmark.run import bench
from kalamos.datasets.convert import Conversion, convert
from kalamos.datasets.corrected import FACTS
from kalamos.renderers import preset
from kalamos.storage.parquet import read_rows
from kalamos.studio.drawer import Drawer
from kalamos.studio.recoveries import Recoveries
from kalamos.studio.sessions import Session
from kalamos.studio.sheet import sheet_of
from kalamos.studio.stored import read_stored, write_stored

TASK = 'name = "own"\nversion = 1\ntitle = "own"\ncorpus = "corrected"\nsplit = "all"\nlevel = "word"\n'


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pages"
    root.mkdir()
    for name in ("a", "b"):
        make_page(root, name)
    drawer = Drawer(root)
    drawer.set_facts({"writer": "Ada", "script": "Latn", "licence": "CC0"})
    for item in drawer.items():
        Recoveries(drawer).take(item)
        session = Session(drawer, item)
        session.act({"do": "reverse", "part": 0, "strokes": [0]}, 0)
        session.save(1)
    drawer.close()
    return root


def test_load_tells_whose_it_is(folder):
    samples = list(kalamos.load("corrected", folder))
    assert len(samples) == 6
    assert {(s.writer, s.script, s.provenance, s.corpus) for s in samples} == {
        ("Ada", "Latn", "corrected", "corrected")
    }
    assert samples[0].ink.xy[0].tolist() == [160, 60]  # as it was put right


def test_convert_keeps_the_real_picture(folder, tmp_path):
    report = convert(Conversion("corrected", folder, style=preset("clean")), tmp_path / "out")
    assert (report.samples, report.refusals) == (6, ())
    rows = [row for path in sorted((tmp_path / "out").glob("*.parquet")) for row in read_rows(path)]
    assert {row.style for row in rows} == {"scan"}
    for row in rows:
        ink = row.truth()
        at = row.image.pixels[ink.xy[:, 1].astype(int), ink.xy[:, 0].astype(int)]
        assert row.image.height_px == 64
        assert (at < 128).mean() > 0.9


def test_a_page_that_was_put_right_is_scored_by_bench(folder, tmp_path):
    (tmp_path / "own.toml").write_text(TASK)
    results = bench(str(tmp_path / "own.toml"), ("nearest",), folder, tmp_path / "runs", cache=tmp_path / "cache")
    scores = {result.entry: result for result in results}
    assert scores["nearest"].samples == 6
    assert scores["nearest"].coverage == 1.0
    assert scores["truth"].scores().column("lcss").to_pylist() == pytest.approx([1.0] * 6)


def test_a_folder_without_a_licence_is_refused(folder):
    (folder / FACTS).write_text(json.dumps({"writer": "Ada", "script": "Latn"}))
    with pytest.raises(kalamos.errors.CorpusError, match="licence"):
        kalamos.load("corrected", folder)


def test_the_other_paths_of_a_piece_are_kept(tmp_path):
    from dataclasses import replace

    from kalamos.geometry import reverse
    from kalamos.recovery import Alternative, RecoveredLine

    page = recovered("page.png")
    line = page.recovery.lines[0]
    other = Alternative(reverse(line.pieces[0].ink), -1.0)
    first = replace(line.pieces[0], alternatives=(other,))
    lines = (RecoveredLine((first, *line.pieces[1:])), *page.recovery.lines[1:])
    write_stored(tmp_path / "recovery.json", replace(page, recovery=replace(page.recovery, lines=lines)))
    sheet = sheet_of(read_stored(tmp_path / "recovery.json"))
    from kalamos.studio.actions import apply

    chosen = apply(sheet, {"do": "choose", "part": 0, "path": 1})
    assert chosen.parts[0].strokes[0].xy.tolist() == next(other.ink.strokes()).tolist()
    assert apply(chosen, {"do": "choose", "part": 0, "path": 0}).parts[0].strokes is sheet.parts[0].paths[0]
