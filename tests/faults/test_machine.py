"""An error of the machine is not a fault of a file: drives that vanish, files that change, folders of other runs."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import makers
import pytest
from commands import contents, kalamos

from kalamos.datasets import convert as conversions
from kalamos.datasets.convert import Conversion, convert
from kalamos.errors import StoreError, UnreadableError
from kalamos.formats import reading


@pytest.fixture
def corpus(tmp_path):
    """Return a folder of 40 UNIPEN files, each with ink of its own below ``include``."""
    root = tmp_path / "corpus"
    for k in range(40):
        ink, data = root / "include" / f"{k}.dat", root / f"{k:02d}.dat"
        ink.parent.mkdir(parents=True, exist_ok=True)
        ink.write_bytes(b".COORD X Y\n.PEN_DOWN\n%d 0\n5 5\n.PEN_UP\n" % k)
        data.write_bytes(b'.VERSION 1.0\n.INCLUDE %d.dat\n.SEGMENT CHARACTER 0 ? "a"\n' % k)
    shutil.move(root / "include", tmp_path / "include")
    shutil.copytree(tmp_path / "include", root / "include")
    shutil.rmtree(tmp_path / "include")
    return root


def run(corpus: Path, out: Path, **changes: object) -> int:
    return convert(Conversion("auto", corpus, shards=8, **changes), out).samples


@pytest.mark.parametrize("when", ["whole", "include"])
def test_a_drive_that_vanishes_and_comes_back_loses_nothing(corpus, tmp_path, monkeypatch, when):
    """Move the folder away in the midst of the third shard, and bring it back for the same command."""
    expected = run(corpus, tmp_path / "undisturbed")
    away, shards, write = tmp_path / "away", [], conversions.write_shard

    def blinking(shard, rows, facts):
        def slowly():
            for number, row in enumerate(rows):
                if len(shards) == 3 and number == 1:
                    corpus.rename(away)
                yield row

        shards.append(shard)
        return write(shard, slowly(), facts)

    monkeypatch.setattr(conversions, "write_shard", blinking)
    out = tmp_path / "out"
    with pytest.raises(UnreadableError, match="the same command goes on"):
        run(corpus, out)
    assert 2 <= len(list(out.glob("*.parquet"))) < 8
    away.rename(corpus)
    monkeypatch.undo()
    assert run(corpus, out) == expected
    assert contents(out) == contents(tmp_path / "undisturbed")


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOMEM, errno.EMFILE])
def test_a_failing_disk_is_no_refusal(corpus, tmp_path, monkeypatch, code):
    class Failing:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def fileno(self):
            return 0

        def read(self, size):
            raise OSError(code, os.strerror(code))

    opened = Path.open
    monkeypatch.setattr(
        reading.Path, "open", lambda self, *a, **k: Failing() if self.name == "07.dat" else opened(self, *a, **k)
    )
    with pytest.raises(UnreadableError, match=r"07\.dat"):
        run(corpus, tmp_path / "out")


def test_a_link_to_nothing_is_a_refusal_and_no_end(corpus, tmp_path):
    (corpus / "loop1").symlink_to("loop2")
    (corpus / "loop2").symlink_to("loop1")
    report = convert(Conversion("auto", corpus, shards=2), tmp_path / "out")
    assert [refusal.source for refusal in report.refusals if "link" in refusal.where] == ["loop1", "loop2"]


def test_changed_inputs_are_not_mixed_into_old_shards(corpus, tmp_path):
    run(corpus, tmp_path / "out")
    victim = next(iter(sorted((tmp_path / "out").glob("*.parquet"))))
    victim.unlink()
    (corpus / "00.dat").write_bytes((corpus / "01.dat").read_bytes() + b"\n")
    with pytest.raises(StoreError, match="not what they were"):
        run(corpus, tmp_path / "out")


def test_a_file_that_changes_while_it_is_read_is_noticed(corpus, tmp_path, monkeypatch):
    state_of, seen = conversions.state_of, set()

    def later(root, unit):
        again = unit in seen
        seen.add(unit)
        return state_of(root, unit) + ("-later" if again and unit.startswith("03") else "")

    monkeypatch.setattr(conversions, "state_of", later)
    with pytest.raises(UnreadableError, match=r"03\.dat is gone, or has changed"):
        run(corpus, tmp_path / "out")


def test_a_shard_copied_over_another_is_noticed(corpus, tmp_path):
    run(corpus, tmp_path / "out")
    first, second = sorted((tmp_path / "out").glob("*.parquet"))[:2]
    shutil.copyfile(first, second)
    with pytest.raises(StoreError, match=f"{second.name} is damaged, or no shard"):
        run(corpus, tmp_path / "out")


def test_two_conversions_begun_together_do_not_both_end_well(corpus, tmp_path, monkeypatch):
    """Let another conversion begin in the folder at the very moment between looking for a plan and writing one."""
    write, others = conversions.write_text, []

    def interrupted(path, text, **options):
        if path.name == "plan.json" and not others:
            others.append(1)
            run(corpus, tmp_path / "out", seed=7)
        return write(path, text, **options)

    monkeypatch.setattr(conversions, "write_text", interrupted)
    with pytest.raises(StoreError, match="other settings"):
        run(corpus, tmp_path / "out")


@pytest.mark.parametrize("content", ["null", "[]", "3", '"x"', "{", ""])
@pytest.mark.parametrize("name", ["plan.json", ".inputs.json"])
def test_files_of_a_conversion_that_hold_anything_else_are_named(corpus, tmp_path, name, content):
    run(corpus, tmp_path / "out")
    (tmp_path / "out" / name).write_text(content)
    with pytest.raises(StoreError, match=name.replace(".", r"\.")):
        run(corpus, tmp_path / "out")


def test_a_conversion_of_nothing_fails(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes").write_text("hello")
    assert "no sample was written" in kalamos("convert", "auto", tmp_path / "in", tmp_path / "out", code=1)
    assert "no sample was written" in kalamos("convert", "auto", tmp_path / "in", tmp_path / "out", code=1)


def test_strict_fails_on_a_finished_folder_with_refusals_too(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes").write_text("hello")
    (tmp_path / "in" / "good").write_bytes(makers.UNIPEN)
    kalamos("convert", "auto", tmp_path / "in", tmp_path / "out")
    assert "strict" in kalamos("convert", "auto", tmp_path / "in", tmp_path / "out", "--strict", code=1)
