"""Run commands as a user does, and look at what they leave behind."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from kalamos.cli import main


def kalamos(*arguments: object, code: int = 0) -> str:
    """Run a command in this process; return what it printed, and check that it ended as it should, without a trace."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    assert "Traceback" not in done.output
    assert "an error of Kalamos itself" not in done.output
    return done.output


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files below a folder by their names."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def tiny_task(folder: Path) -> Path:
    """Write a task of forty samples of the built-in corpus."""
    lines = ['name = "tiny"', "version = 1", 'title = "t"', 'corpus = "synthetic"', "limit = 40", 'split = "train"']
    path = folder / "tiny.toml"
    path.write_text("\n".join([*lines, "[options]", 'writers = "8"', 'scripts = "Latn"']) + "\n")
    return path
