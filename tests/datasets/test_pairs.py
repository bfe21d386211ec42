"""Corpora of pairs: SigComp2009 in its own layout, and the pairs that Kalamos makes itself."""

import numpy as np
import pytest
from signature_pairs import RATE_HZ, hwr_text, scan_pixels, signature, write_pair

import kalamos
from kalamos.benchmark.run import bench
from kalamos.datasets.convert import Conversion, convert
from kalamos.datasets.corpus import Pictured, UnitReport
from kalamos.datasets.made_pairs import CORPUS as MADE
from kalamos.datasets.sigcomp2009 import CORPUS, PX_A_UNIT, writer_of
from kalamos.errors import CorpusError
from kalamos.renderers import preset
from kalamos.storage.parquet import read_rows
from kalamos.storage.png import encode_png

OWN_TASK = 'name = "own"\nversion = 1\ntitle = "own"\ncorpus = "sigcomp2009"\nsplit = "all"\n'


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Write two genuine signatures, a forgery's file with another's scan, and a recording without a scan."""
    root = tmp_path_factory.mktemp("sigcomp")
    write_pair(root / "genuine", "NISDCC-001_001_001_6g", 1)
    write_pair(root / "genuine", "NISDCC-007_007_002_6g", 7)
    write_pair(root / "forged", "NISDCC-021_004_002_6g", 9, scanned=4)
    (root / "forged" / "NISDCC-021_004_003_6g.hwr").write_text(hwr_text(signature(3), "x"))
    return root


def everything(root):
    report = UnitReport()
    return [sample for unit in CORPUS.units(root) for sample in CORPUS.read(root, unit, report)], report


def test_a_signature_lies_on_its_scan_with_the_times_of_the_tablet(root):
    samples, _ = everything(root)
    assert [sample.writer for sample in samples] == ["NISDCC-001", "NISDCC-007"]
    first = samples[0]
    assert (first.units, first.time_source, first.provenance, first.level) == ("px", "rate", "recorded", "word")
    steps = np.diff(first.ink.t) * RATE_HZ
    assert np.allclose(steps, steps.round(), atol=1e-6)  # what the pen did in the air still takes its time
    assert steps.max() > 2
    assert first.points_per_mm == pytest.approx(600 / 25.4, rel=0.01)
    truth = scan_pixels(signature(1), 2.0, "NISDCC-001_001_001_6g")
    at = first.ink.xy.astype(int)
    assert (truth[at[:, 1], at[:, 0]] < 160).mean() > 0.97


def test_what_does_not_fit_and_what_has_no_scan_is_refused(root):
    _, report = everything(root)
    reasons = {refusal.source: refusal.reason for refusal in report.refusals}
    assert "does not fit its scan" in reasons["forged/NISDCC-021_004_002_6g.hwr"]
    assert "no scan has the name" in reasons["forged/NISDCC-021_004_003_6g.hwr"]


def test_a_scan_of_another_resolution_is_refused_with_the_remedy(tmp_path):
    ink = signature(1)
    (tmp_path / "a.hwr").write_text(hwr_text(ink, "a"))
    (tmp_path / "a.png").write_bytes(encode_png(np.ascontiguousarray(scan_pixels(ink)[::2, ::2])))
    report = UnitReport()
    assert list(CORPUS.read(tmp_path, "a.hwr", report)) == []
    assert "kalamos align" in report.refusals[0].reason
    assert f"{PX_A_UNIT:.4f}" in report.refusals[0].reason


def test_files_that_are_cut_off_are_refused_and_the_rest_is_read(tmp_path):
    write_pair(tmp_path, "good", 1)
    whole = (tmp_path / "good.hwr").read_text()
    (tmp_path / "cut.hwr").write_text(whole[: len(whole) // 2])
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes())
    (tmp_path / "torn.hwr").write_text(whole)
    (tmp_path / "torn.png").write_bytes((tmp_path / "good.png").read_bytes()[:500])
    report = UnitReport()
    found = [s.source for unit in CORPUS.units(tmp_path) for s in CORPUS.read(tmp_path, unit, report)]
    assert found == ["good.hwr"]
    assert len(report.refusals) == 2


def test_recordings_and_scans_may_lie_in_folders_of_their_own(tmp_path):
    write_pair(tmp_path / "online", "a", 1)
    (tmp_path / "offline").mkdir()
    (tmp_path / "online" / "a.png").rename(tmp_path / "offline" / "A.PNG")
    report = UnitReport()
    assert len(list(CORPUS.read(tmp_path, "online/a.hwr", report))) == 1
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.png").write_bytes((tmp_path / "offline" / "A.PNG").read_bytes())
    fresh = tmp_path.rename(tmp_path.with_name("two"))
    assert list(CORPUS.read(fresh, "online/a.hwr", report)) == []
    assert "2 scans have its name" in report.refusals[0].reason


@pytest.mark.parametrize(
    ("stem", "writer"),
    [
        ("NISDCC-021_004_002_6g", "NISDCC-004"),
        ("nisdcc-001_001_001", "NISDCC-001"),
        ("NFI-00602023", "NFI-023"),
        ("signature", ""),
    ],
)
def test_a_forgery_carries_the_name_of_whom_it_imitates(stem, writer):
    assert writer_of(stem) == writer


def test_pictures_are_the_scans_own_in_conversion_and_in_bench(root, tmp_path):
    assert isinstance(CORPUS, Pictured)
    report = convert(Conversion("sigcomp2009", root, style=preset("clean")), tmp_path / "out")
    assert report.samples == 2
    rows = [row for path in sorted((tmp_path / "out").glob("*.parquet")) for row in read_rows(path)]
    assert {row.style for row in rows} == {"scan"}
    for row in rows:
        at = row.truth().xy.astype(int)
        assert row.image.height_px == 64
        assert (row.image.pixels[at[:, 1], at[:, 0]] < 160).mean() > 0.9
    task = tmp_path / "own.toml"
    task.write_text(OWN_TASK)
    results = {result.entry for result in bench(str(task), ("nearest",), root, tmp_path / "r", cache=tmp_path / "c")}
    assert {"nearest", "truth"} <= results


def test_an_empty_folder_says_what_it_should_hold(tmp_path):
    with pytest.raises(CorpusError, match=r"NAME\.hwr"):
        CORPUS.units(tmp_path)


# made pairs


def test_made_pairs_have_a_known_truth_and_one_that_was_laid(tmp_path):
    known, laid, report = {}, {}, UnitReport()
    for truth, found in (("known", known), ("laid", laid)):
        [unit] = MADE.units(tmp_path, pairs="4", seed="5", truth=truth)
        found.update({sample.key: sample for sample in MADE.read(tmp_path, unit, report)})
    assert len(known) == 4
    assert set(laid) <= set(known)
    assert len(laid) + len(report.refusals) == 4
    for key, sample in laid.items():
        image, placement = MADE.image(tmp_path, sample)
        gap = np.hypot(*(placement.to_pixels(sample.ink).xy - placement.to_pixels(known[key].ink).xy).T)
        assert image.height_px == 64
        assert gap.mean() < 0.8
        assert (sample.provenance, sample.time_source, sample.units) == ("synthetic", "synthetic", "px")
        assert np.array_equal(sample.ink.t, known[key].ink.t)


def test_made_pairs_load_without_a_folder_and_split_by_hand():
    samples = list(kalamos.load("made-pairs", ".", pairs="12", seed="5"))
    assert len(samples) == len({sample.writer for sample in samples}) == 12
    assert {sample.split for sample in samples} <= {"train", "validation", "test"}


@pytest.mark.parametrize("options", [{"truth": "felt"}, {"pairs": "0"}, {"pairs": "x"}, {"seed": "-1"}, {"hands": "2"}])
def test_options_without_meaning_are_refused(tmp_path, options):
    with pytest.raises(CorpusError):
        MADE.units(tmp_path, **options)


@pytest.mark.parametrize("unit", ["pairs/1", "writers/0000-0009", "pairs/a-b#seed=0", "pairs/0-1#seed"])
def test_what_is_no_unit_is_refused(tmp_path, unit):
    with pytest.raises(CorpusError, match="is not a unit"):
        list(MADE.read(tmp_path, unit, UnitReport()))
