"""What ``kalamos recover`` does with a folder of pictures, called as the command calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from kalamos.commands.recover import recover_files
from kalamos.formats import read_samples
from kalamos.formats.recovered.reading import read_page
from kalamos.formats.report import UnitReport

MODEL = '''
from kalamos.baselines.nearest import Nearest
from kalamos.ink import Ink
from kalamos.recovery import Alternative, Recovery, in_lines, RecoveredPiece

class Model(Nearest):
    """Has a second answer for every piece, and spins on a wide picture."""

    def recover_many(self, groups, n_best):
        made = []
        for group in groups:
            while any(image.width_px > 300 for image in group):
                pass
            inks = self.recover(group)
            other = lambda ink: (Alternative(Ink.from_strokes([s[::-1] for s in ink.strokes()]), -2.0),)[: n_best - 1]
            boxes = [(0.0, 0.0, float(image.width_px), float(image.height_px)) for image in group]
            pieces = [RecoveredPiece(ink, box, alternatives=other(ink)) for ink, box in zip(inks, boxes)]
            made.append(Recovery(in_lines(pieces), "two"))
        return made
'''


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "model.py").write_text(MODEL)
    return f"{tmp_path}/model.py:Model"


def sheet(width: int = 200) -> Image.Image:
    picture = Image.new("L", (max(width, 200), 120), 255)
    zigzag = [(x, 30 + 60 * (k % 2)) for k, x in enumerate(range(20, width - 20, 40))]
    ImageDraw.Draw(picture).line(zigzag, fill=0, width=4)
    return picture


def test_every_other_path_comes_into_the_inkml(model, tmp_path):
    sheet().save(tmp_path / "a.png")
    [done] = recover_files([tmp_path / "a.png"], model=model, kinds=["inkml", "xopp", "rm"], n_best=2)
    assert [Path(name).suffix for name in done.written] == [".inkml", ".xopp", ".rm"]
    [piece] = read_page(tmp_path / "a.inkml").recovery.pieces
    [other] = piece.alternatives
    assert other.log_probability == -2.0
    assert other.ink.xy[0].tolist() == pytest.approx(next(piece.ink.strokes())[-1].tolist(), abs=1e-3)
    for name in ("a.xopp", "a.rm"):
        [sample] = read_samples(tmp_path / name, UnitReport())
        assert sample.ink.n_strokes == piece.ink.n_strokes


def test_a_page_that_takes_too_long_is_given_up_and_the_next_one_comes(model, tmp_path):
    pages = [sheet(), sheet(1200), sheet()]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    sheet().save(tmp_path / "b.png")
    done = recover_files([tmp_path], model=model, kinds=["inkml"], file_timeout_s=1.5)
    assert [bool(item.error) for item in done] == [False, True, False, False]
    assert "took more than 1.5 s of processor time without giving the ink of a page" in done[1].error
    assert done[1].page == 2
    assert sorted(path.name for path in tmp_path.glob("*.inkml")) == ["a.p1.inkml", "a.p3.inkml", "b.inkml"]
