"""kalamos export: every format that is written is read back by content, whatever its name."""

import numpy as np
import pytest
from click.testing import CliRunner

from kalamos.cli import main
from kalamos.commands.export import TARGETS, export
from kalamos.errors import FormatError
from kalamos.formats import read_samples, recognise
from kalamos.formats.export import write_json
from kalamos.ink import Ink, Sample
from kalamos.storage.png import decode_png


@pytest.fixture
def source(tmp_path):
    inks = [Ink.from_strokes([[(0, 0), (3, 9), (4, 1)], [(7, k), (8, 2)]]) for k in range(3)]
    path = tmp_path / "ink"
    write_json((Sample(f"w/{k}", ink, label="ab") for k, ink in enumerate(inks)), path)
    return path


@pytest.mark.parametrize("to", [name for name in TARGETS if name not in ("png", "rm")])
def test_what_is_exported_is_recognised_and_read_back(source, tmp_path, to):
    made = tmp_path / "new" / "file-without-ending.bin"
    result = CliRunner().invoke(main, ["export", str(source), str(made), "--to", to])
    assert result.exit_code == 0, result.output
    made = made if made.exists() else next(made.parent.iterdir())
    expected = "inkjson" if to == "json" else {"svg": "kanjivg", "xopp": "xournal"}.get(to, to)
    assert recognise(made)[0] == expected
    for before, after in zip(read_samples(source), read_samples(made), strict=True):
        assert after.ink.offsets.tolist() == before.ink.offsets.tolist()
        low, low_before = after.ink.xy.min(axis=0), before.ink.xy.min(axis=0)
        # units that nobody knows are made to fit a page of Xournal++; the other formats keep them
        scale = np.ptp(after.ink.xy[:, 1]) / np.ptp(before.ink.xy[:, 1]) if to == "xopp" else 1.0
        assert np.allclose((after.ink.xy - low) / scale, before.ink.xy - low_before, atol=1e-4 if to == "xopp" else 0)


def test_images_are_drawn_into_a_folder(source, tmp_path):
    result = CliRunner().invoke(main, ["export", str(source), str(tmp_path / "png"), "--to", "png", "--limit", "2"])
    assert result.exit_code == 0, result.output
    files = sorted((tmp_path / "png").iterdir())
    assert len(files) == 2
    assert decode_png(files[0].read_bytes()).min() < 64


def test_no_ink_is_an_error_and_bad_files_are_named(source, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(FormatError, match="in no known format"):
        export(tmp_path / "notes.txt", tmp_path / "out", "inkml")
    count, report = export(tmp_path, tmp_path.parent / "both.inkml", "inkml")
    assert count == 3
    assert [refusal.source for refusal in report.refusals] == ["notes.txt"]
    result = CliRunner().invoke(main, ["export", str(source), str(source / "below" / "a"), "--to", "inkml"])
    assert result.exit_code == 1
    assert "cannot be made" in result.output


def test_a_page_of_remarkable_is_one_sample(source, tmp_path):
    made = tmp_path / "page.rm"
    several = CliRunner().invoke(main, ["export", str(source), str(made), "--to", "rm"])
    assert several.exit_code == 1
    assert "one page" in several.output
    assert not made.exists()
    one = CliRunner().invoke(main, ["export", str(source), str(made), "--to", "rm", "--limit", "1"])
    assert one.exit_code == 0, one.output
    assert recognise(made)[0] == "remarkable"
