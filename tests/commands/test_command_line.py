"""What is the same for every command: completion, --quiet, --verbose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image

from kalamos.cli import main
from kalamos.ink import Ink
from kalamos.renderers import render

COMMANDS = sorted(main.commands)


def completed(words: str) -> list[str]:
    """Return what bash is told for a line whose last word is being typed."""
    place = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_KALAMOS_COMPLETE": "bash_complete"}
    command = [sys.executable, "-m", "kalamos"]
    done = subprocess.run(command, env={**os.environ, **place}, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("kalamos conv", "plain,convert"),
        ("kalamos convert unip", "plain,unipen"),
        ("kalamos audit unip", "plain,unipen"),
        ("kalamos get unip", "plain,unipen"),
        ("kalamos bench latin-lin", "plain,latin-lines"),
        ("kalamos score x --task latin-lin", "plain,latin-lines"),
        ("kalamos bench latin-lines -m kato", "plain,kato-yasuhara"),
        ("kalamos recover --model kato", "plain,kato-yasuhara"),
        ("kalamos studio --model kato", "plain,kato-yasuhara"),
        ("kalamos convert unipen a b --style ballp", "plain,ballpoint"),
        ("kalamos bench latin-lines -m ./my", "file,./my"),
    ],
)
def test_names_complete(words: str, expected: str) -> None:
    assert completed(words) == [expected]


def test_completion_imports_no_model() -> None:
    code = (
        "import sys\nfrom kalamos.commands.list import names\n"
        "[names(kind) for kind in ('corpora', 'models', 'tasks', 'styles')]\n"
        "print([m for m in ('torch', 'onnxruntime', 'scipy.optimize', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_both_options(name: str) -> None:
    found = main.commands[name]
    options = {option for param in found.get_params(click.Context(found)) for option in param.opts}
    assert {"--quiet", "-q", "--verbose", "-v"} <= options


def run(*arguments: object, code: int = 0) -> tuple[str, str]:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def converting(folder: Path, *options: str) -> tuple[str, str]:
    out, err = run("convert", "synthetic", "-", folder, "--no-images", "--shards", 1, "-o", "writers=2", *options)
    return out.replace(str(folder), "DEST"), err


def test_quiet_and_verbose_change_standard_error_alone(tmp_path: Path) -> None:
    plain, quiet, verbose = (converting(tmp_path / f"{k}", *o) for k, o in enumerate([(), ("-q",), ("-v",)]))
    assert plain[0] == quiet[0] == verbose[0]
    assert not quiet[1]
    assert "converting: 100 % (1 of 1)" in verbose[1]
    assert "of processor time" in verbose[1]
    assert "processor time" not in plain[1]


def test_quiet_keeps_errors_and_verbose_tells_where_they_arose(tmp_path: Path) -> None:
    said = {o: run(*o, "convert", "nothing", tmp_path, tmp_path / "x", code=1)[1] for o in ((), ("-q",), ("-v",))}
    assert said[()] == said[("-q",)]
    assert "no corpus is called 'nothing'" in said[("-q",)]
    assert "Traceback" not in said[()]
    assert "Traceback" in said[("-v",)]
    assert "registry.py" in said[("-v",)]


@pytest.mark.parametrize("words", [("list", "styles", "-q", "-v"), ("-q", "list", "-v", "styles")])
def test_both_at_once_are_refused(words: tuple[str, ...]) -> None:
    assert "cannot be had together" in run(*words, code=2)[1]


def test_quiet_silences_the_word_about_compiling(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    log = logging.getLogger("kalamos")
    try:
        run("list", "styles", "-q")
        log.warning("compiling")
        assert not caplog.records
        run("list", "styles")
        log.warning("compiling")
        assert len(caplog.records) == 1
    finally:
        log.setLevel(logging.NOTSET)


@pytest.mark.parametrize("loudness", [(), ("-q",), ("-v",)])
@pytest.mark.parametrize("json", [(), ("--json",)])
def test_what_fails_in_part_says_so_on_standard_error(
    tmp_path: Path, loudness: tuple[str, ...], json: tuple[str, ...]
) -> None:
    """A batch that is watched by its standard error alone (cron, CI) ended with 1 and not a word."""
    (tmp_path / "bad.png").write_bytes(b"no picture")
    Image.fromarray(render(Ink.from_strokes([[(0, 0), (9, 9)]])).image.pixels).save(tmp_path / "good.png")
    out, err = run("recover", tmp_path, "-m", "nearest", *loudness, *json, code=1)
    assert [line for line in err.splitlines() if line.startswith("kalamos: ")] == [
        f"kalamos: {tmp_path / 'bad.png'}: this is none of PNG, JPEG, TIFF, BMP, WEBP, GIF, PDF, HEIC"
    ]
    assert "good.png" in out
    assert ("bad.png" in out) == bool(json)
    out, err = run("verify-submission", tmp_path, *loudness, *json, code=1)
    assert "no entry" in err
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "card.toml").write_text("")
    out, err = run("verify-submission", tmp_path, "--out", tmp_path / "out", *loudness, *json, code=1)
    assert f"kalamos: 1 of 1 cannot stand on a board: {tmp_path / 'entry'}" in err
    assert "wrong" in out
