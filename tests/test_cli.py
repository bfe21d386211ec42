import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from kalamos import geometry
from kalamos.cli import main
from kalamos.datasets.synthetic import CORPUS
from kalamos.formats import read_samples
from kalamos.formats.report import UnitReport
from kalamos.renderers import Style, render
from kalamos.storage.png import encode_png


def kalamos(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_help_is_light_and_names_every_command():
    command = [sys.executable, "-m", "kalamos.cli", "--help"]
    used = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    for name in (
        "convert",
        "render",
        "recover",
        "bench",
        "score",
        "leaderboard",
        "show",
        "inspect",
        "demo",
        "list",
        "compare",
        "cite",
    ):
        assert f"\n  {name}" in text
    assert min(used) < 0.4, "kalamos --help imports something heavy"


def test_help_imports_neither_numpy_nor_torch():
    code = (
        "import sys; import kalamos.cli; print([m for m in ('numpy', 'torch', 'numba', 'pyarrow') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("kind", ["corpora", "formats", "models", "metrics", "tasks", "styles"])
def test_list(kind):
    lines = kalamos("list", kind).splitlines()
    entries = json.loads(kalamos("list", kind, "--json"))
    assert len(lines) == len(entries) > 2
    assert all(entry["name"] and entry["about"] for entry in entries)
    assert not [line for line in lines if "not available" in line and "torch" not in line]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("convert", "unipenn", "src", "dest"), 1, "did you mean unipen"),
        (("convert", "unipen", "nowhere", "dest"), 1, "nowhere"),
        (("convert", "synthetic", "-", "dest", "-o", "writers"), 2, "is not NAME=VALUE"),
        (("convert", "synthetic", "-", "dest", "-o", "colour=red"), 1, "has no option 'colour'"),
        (("convert", "synthetic", "-", "dest", "--style", "ballpont"), 1, "ballpoint"),
        (("bench", "latin"), 1, "no task is called 'latin'"),
        (("leaderboard", "."), 1, "no result.json"),
        (("list", "colours"), 2, "is not one of"),
        (("recover",), 2, "Missing argument"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_mistakes_are_named_with_their_exit_code(arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in kalamos(*arguments, code=code)


def test_convert_render_inspect_show(tmp_path):
    out = tmp_path / "out"
    text = kalamos("convert", "synthetic", "-", out, "-o", "scripts=Latn", "-o", "writers=2", "--shards", "2")
    assert "124 samples" in text
    assert "refused: 0" in text
    again = json.loads(
        kalamos("convert", "synthetic", "-", out, "-o", "scripts=Latn", "-o", "writers=2", "--shards", "2", "--json")
    )
    assert again["samples"] == 124
    shard = next(out.glob("*.parquet"))
    seen = json.loads(kalamos("inspect", shard, "--json", "--png", tmp_path / "a.png"))
    assert seen["format"] == "parquet"
    assert seen["channels"] == ["t"]
    assert seen["rate_hz"] > 20
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "recognised by" in kalamos("inspect", shard)
    assert "images in" in kalamos("render", shard, tmp_path / "png", "--limit", "5")
    assert len(list((tmp_path / "png").glob("*.png"))) == 5
    kalamos("show", shard, "--svg", tmp_path / "a.svg", "--gif", tmp_path / "a.gif")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF8")


def test_inspect_names_what_it_cannot_read(tmp_path):
    for name, content in [("empty", b""), ("noise", bytes(range(256)))]:
        (tmp_path / name).write_bytes(content)
        assert name in kalamos("inspect", tmp_path / name, code=1)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """Return an image file of two written letters side by side, larger than any model's input."""
    samples = CORPUS.read(Path(), CORPUS.units(Path(), scripts="Latn")[0], UnitReport())
    letters = [next(samples).ink for _ in range(2)]
    pages = [render(ink, Style(image_width_px=200, image_height_px=200, width_px=6.0)).image.pixels for ink in letters]
    path = tmp_path_factory.mktemp("scan") / "two letters.png"
    path.write_bytes(encode_png(np.hstack(pages)))
    return path


def test_recover_writes_ink_that_lies_on_the_scan(scan, tmp_path):
    text = kalamos(
        "recover",
        scan,
        "--model",
        "good-continuation",
        "--out",
        tmp_path,
        "--to",
        "inkml",
        "--to",
        "replay",
        "--to",
        "svg",
    )
    assert "two letters.inkml" in text
    ink = next(read_samples(tmp_path / "two letters.inkml")).ink
    box = geometry.bounds(ink)
    assert 0 < box.x0 < box.x1 < 400
    assert box.width > 100
    assert "<svg" in (tmp_path / "two letters.replay.svg").read_text()


def test_recover_goes_on_after_a_bad_file(scan, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no image")
    (tmp_path / "good.png").write_bytes(scan.read_bytes())
    (tmp_path / "blank.png").write_bytes(encode_png(np.full((50, 50), 255, np.uint8)))
    result = CliRunner().invoke(main, ["recover", str(tmp_path), "-m", "good-continuation", "--json"])
    assert result.exit_code == 1
    done = json.loads(result.stdout)
    assert [bool(item["error"]) for item in done] == [True, True, False]
    assert "no ink found" in done[1]["error"]


def test_recover_says_as_json_how_sure_it_is_of_every_piece_and_stroke(scan):
    done = json.loads(kalamos("recover", scan, "-m", "kalamos", "--to", "inkml", "--n-best", "3", "--json"))
    [page] = done
    assert len(page["said"]) == page["pieces"] > 0
    assert sum(piece["strokes"] for piece in page["said"]) == page["strokes"]
    for piece in page["said"]:
        assert piece["line"] == 1
        assert len(piece["stroke_confidence"]) == piece["strokes"]
        assert all(0 <= share <= 1 for share in [piece["confidence"], piece["covered"], *piece["stroke_confidence"]])
        assert piece["log_probabilities"] == sorted(piece["log_probabilities"], reverse=True)
        assert len(piece["log_probabilities"]) > 1
    [page] = json.loads(kalamos("recover", scan, "-m", "nearest", "--to", "strokes", "--overwrite", "--json"))
    assert page["said"][0]["confidence"] is page["said"][0]["stroke_confidence"] is None
    assert page["said"][0]["log_probabilities"] == [None]


def test_demo_ends_with_a_table_and_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr("kalamos.recoverer.SHOWN", ("nearest",))
    text = kalamos("demo", "--out", tmp_path / "demo", "--limit", "20")
    assert "nearest" in text
    page = Path(text.strip().splitlines()[-1].partition(": ")[2])
    assert page.read_text().startswith("<!doctype html>")


WITHOUT_TORCH = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Blocked())
"""


def test_a_model_without_its_extra_says_what_to_install(tmp_path):
    options = ["bench", "synthetic-3scripts", "-m", "rabhi2020", "--limit", "5", "--out", str(tmp_path)]
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "kalamos.cli", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 1
    assert "pip install 'kalamos[models]'" in done.stderr
