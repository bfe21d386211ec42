"""`kalamos align`: a pair, folders of pairs, what is refused, and what a user may hand in instead."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from kalamos.cli import main
from kalamos.datasets.made_pairs import made_pair, signed_again
from kalamos.formats import read_samples
from kalamos.formats.export import WRITERS
from kalamos.geometry import transform
from kalamos.ink import Ink, Sample

SEED = 5


@pytest.fixture(scope="module")
def pairs():
    return [made_pair(number, SEED) for number in range(1, 4)]


def write_scan(folder, name, pair):
    folder.mkdir(exist_ok=True)
    Image.fromarray(pair.image.pixels).save(folder / f"{name}.png")


def write_ink(folder, name, ink, **fields):
    folder.mkdir(exist_ok=True)
    WRITERS["inkml"]([Sample(name, ink, units="mm", **{"time_source": "recorded", **fields})], folder / f"{name}.inkml")


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["align", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_a_pair_gives_its_recording_in_the_pixels_of_the_scan(tmp_path, pairs):
    write_scan(tmp_path, "a", pairs[0])
    write_ink(tmp_path, "a", pairs[0].ink, label="Ada", writer="w1", script="Latn")
    said = run(tmp_path / "a.png", tmp_path / "a.inkml")
    assert "fits" in said
    assert not (tmp_path / "a.aligned.png").exists()
    [found] = read_samples(tmp_path / "a.aligned.inkml")
    assert np.hypot(*(found.ink.xy - pairs[0].truth).T).mean() * 64 / pairs[0].height_px < 0.5
    assert (found.units, found.provenance, found.time_source) == ("px", "recorded", "recorded")
    assert (found.label, found.writer, found.script) == ("Ada", "w1", "Latn")
    assert np.allclose(np.diff(found.ink.t), np.diff(pairs[0].ink.t), atol=1e-5)
    assert "is there already" in run(tmp_path / "a.png", tmp_path / "a.inkml", code=1)
    before = (tmp_path / "a.aligned.inkml").read_bytes()
    run(tmp_path / "a.png", tmp_path / "a.inkml", "--overwrite", "--picture")
    assert (tmp_path / "a.aligned.inkml").read_bytes() == before
    assert (tmp_path / "a.aligned.png").exists()


def test_what_does_not_fit_gives_a_picture_and_no_ink(tmp_path, pairs):
    write_scan(tmp_path, "a", pairs[0])
    write_ink(tmp_path, "a", pairs[1].ink)
    result = CliRunner().invoke(main, ["align", str(tmp_path / "a.png"), str(tmp_path / "a.inkml"), "--json"])
    assert result.exit_code == 1
    assert "does not fit" in result.stderr
    [said] = json.loads(result.stdout)
    assert said["verdict"] == "does not fit"
    assert any("lies on ink" in reason for reason in said["reasons"])
    assert [name.rsplit("/", 1)[1] for name in said["written"]] == ["a.aligned.png"]
    assert not (tmp_path / "a.aligned.inkml").exists()


def test_what_is_in_doubt_is_written_only_where_that_is_asked_for(tmp_path, pairs):
    write_scan(tmp_path, "a", pairs[0])
    write_ink(tmp_path, "a", signed_again(1, SEED))
    assert "in doubt" in run(tmp_path / "a.png", tmp_path / "a.inkml", code=1)
    assert sorted(path.name for path in tmp_path.glob("*aligned*")) == ["a.aligned.png"]
    run(tmp_path / "a.png", tmp_path / "a.inkml", "--doubtful", "--overwrite")
    [found] = read_samples(tmp_path / "a.aligned.inkml")
    assert "in doubt" in found.source


def test_folders_are_paired_by_stem_and_every_file_is_accounted_for(tmp_path, pairs):
    scans, inks = tmp_path / "scans", tmp_path / "inks"
    for name, pair in zip("abc", pairs, strict=True):
        write_scan(scans, name, pair)
    write_ink(inks, "a", pairs[0].ink)
    write_ink(inks, "b", pairs[2].ink)
    write_ink(inks, "alone", pairs[0].ink)
    (inks / "notes.txt").write_text("where they were recorded, and when")
    (scans / "broken.png").write_bytes(b"no picture")
    (inks / "broken.inkml").write_text("<ink/>")
    said = run(scans, inks, "--out", tmp_path / "out", code=1)
    assert "6 pairs" not in said
    assert "1 fits, 0 in doubt, 1 does not fit, 3 not compared" in said
    assert "no scan has the name alone" in said
    assert "c.png: no recording has its name" in said
    assert "notes" not in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.aligned.inkml", "b.aligned.png"]


def test_one_folder_of_both_can_be_run_again(tmp_path, pairs):
    folder = tmp_path / "pairs"
    write_scan(folder, "a", pairs[0])
    write_ink(folder, "a", pairs[0].ink)
    run(folder, folder, "--picture")
    run(folder, folder, "--picture", "--overwrite")  # its own outputs are no pairs
    assert sorted(path.name for path in folder.iterdir()) == ["a.aligned.inkml", "a.aligned.png", "a.inkml", "a.png"]


def test_two_recordings_of_one_stem_are_no_pair(tmp_path, pairs):
    write_scan(tmp_path / "x", "a", pairs[0])
    write_ink(tmp_path / "x", "a", pairs[0].ink)
    WRITERS["unipen"]([Sample("a", pairs[1].ink, time_source="recorded")], tmp_path / "x" / "a.unp")
    said = run(tmp_path / "x", tmp_path / "x", code=1)
    assert "two recordings have its name" in said
    assert not list((tmp_path / "x").glob("*.aligned.*"))


def test_ink_that_was_read_off_a_picture_is_no_recording(tmp_path, pairs):
    write_scan(tmp_path, "a", pairs[0])
    write_ink(tmp_path, "a", pairs[0].ink, provenance="estimated", time_source="estimated")
    assert "no recording of a pen" in run(tmp_path / "a.png", tmp_path / "a.inkml", code=1)


def test_several_recordings_in_a_file_are_named_or_joined(tmp_path, pairs):
    write_scan(tmp_path, "a", pairs[0])
    strokes = list(pairs[0].ink.strokes())
    parts = [Ink.from_strokes(strokes[:1]), Ink.from_strokes(strokes[1:])] if len(strokes) > 1 else []
    other = [Sample("one", pairs[0].ink, time_source="recorded"), Sample("two", pairs[1].ink, time_source="recorded")]
    WRITERS["inkml"](other, tmp_path / "many.inkml")
    assert "--key" in run(tmp_path / "a.png", tmp_path / "many.inkml", code=1)
    assert "no recording in it is called" in run(tmp_path / "a.png", tmp_path / "many.inkml", "--key", "six", code=1)
    run(tmp_path / "a.png", tmp_path / "many.inkml", "--key", "one")
    if parts:
        WRITERS["inkml"]([Sample(f"p{k}", part) for k, part in enumerate(parts)], tmp_path / "parts.inkml")
        run(tmp_path / "a.png", tmp_path / "parts.inkml", "--joined", "--overwrite")
        [found] = read_samples(tmp_path / "a.aligned.inkml")
        assert found.ink.n_strokes == len(strokes)


def test_a_page_of_several_is_named(tmp_path, pairs):
    sheets = [Image.fromarray(pair.image.pixels) for pair in pairs[:2]]
    sheets[0].save(tmp_path / "a.tif", save_all=True, append_images=sheets[1:])
    write_ink(tmp_path, "a", pairs[1].ink)
    assert "2 pages" in run(tmp_path / "a.tif", tmp_path / "a.inkml", code=1)
    assert "no page 3" in run(tmp_path / "a.tif", tmp_path / "a.inkml", "--page", 3, code=1)
    run(tmp_path / "a.tif", tmp_path / "a.inkml", "--page", 2)


def test_what_cannot_be_a_pair_is_said(tmp_path, pairs):
    write_scan(tmp_path / "x", "a", pairs[0])
    write_ink(tmp_path / "x", "a", pairs[0].ink)
    (tmp_path / "empty").mkdir()
    assert "two folders" in run(tmp_path / "x", tmp_path / "x" / "a.inkml", code=1)
    assert "holds no scan" in run(tmp_path / "empty", tmp_path / "x", code=1)
    assert "no recording in" in run(tmp_path / "x", tmp_path / "empty", code=1)
    write_ink(tmp_path, "empty-ink", transform(pairs[0].ink, scale=0.0))
    assert "no line" in run(tmp_path / "x" / "a.png", tmp_path / "empty-ink.inkml", code=1)
    white = tmp_path / "white.png"
    Image.new("L", (300, 200), 255).save(white)
    assert "no ink on the scan" in run(white, tmp_path / "x" / "a.inkml", code=1)
    box = ("--box", 5000, 5000, 5100, 5100)
    assert "is not on the scan" in run(tmp_path / "x" / "a.png", tmp_path / "x" / "a.inkml", *box, code=1)


@pytest.mark.parametrize("box", [(0, 0, "nan", 10), ("-inf", 0, 10, 10), (0, 0, 10, 1e999)])
def test_a_box_that_is_no_box_is_refused(tmp_path, pairs, box):
    write_scan(tmp_path, "a", pairs[0])
    write_ink(tmp_path, "a", pairs[0].ink)
    assert "finite" in run(tmp_path / "a.png", tmp_path / "a.inkml", "--box", *box, code=1)


def test_scan_and_recording_exchanged_are_told(tmp_path, pairs):
    write_scan(tmp_path, "a", pairs[0])
    write_ink(tmp_path, "a", pairs[0].ink)
    assert "the scan comes first" in run(tmp_path / "a.inkml", tmp_path / "a.png", code=1)


def test_a_result_that_is_there_costs_no_work(tmp_path, pairs, monkeypatch):
    write_scan(tmp_path, "a", pairs[0])
    write_ink(tmp_path, "a", pairs[0].ink)
    (tmp_path / "a.aligned.inkml").write_text("mine")
    monkeypatch.setattr("kalamos.commands.align.lay", lambda *given, **more: pytest.fail("laid in vain"))
    assert "is there already" in run(tmp_path / "a.png", tmp_path / "a.inkml", code=1)
    assert (tmp_path / "a.aligned.inkml").read_text() == "mine"


def test_a_scan_upside_down_is_refused_with_the_option_for_it(tmp_path, pairs):
    Image.fromarray(pairs[0].image.pixels[::-1, ::-1]).save(tmp_path / "a.png")
    write_ink(tmp_path, "a", pairs[0].ink)
    assert "--any-turn" in run(tmp_path / "a.png", tmp_path / "a.inkml", code=1)
    assert "fits" in run(tmp_path / "a.png", tmp_path / "a.inkml", "--any-turn", "--overwrite")
