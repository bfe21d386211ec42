"""The documentation: the site builds without a broken link, and every command that a page shows exists."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kalamos.cli import main

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SCRIPTS = sorted((ROOT / "docs").rglob("*.py"))
_BLOCK = re.compile(r"^```(?:console|sh|bash)?\n(.*?)^```|((?:^    .*\n)+)", re.MULTILINE | re.DOTALL)


def commands_of(text: str) -> list[list[str]]:
    """Return the words of every line of a code block that calls ``kalamos``."""
    found = []
    for block in _BLOCK.finditer(text):
        for line in (block[1] or block[2]).replace("\\\n", " ").splitlines():
            parts = line.strip().removeprefix("$ ").split(" && ")
            found += [shlex.split(part, comments=True)[1:] for part in parts if part.strip().startswith("kalamos ")]
    return found


def check(words: list[str]) -> None:
    """Fail where the command, one of its options, or the number of its arguments is not what the command line takes.

    Raises:
        click.ClickException: likewise.
    """
    command = main.commands[words[0]]
    for param in command.params:  # a page's folders and files are made up
        if isinstance(param.type, click.Path):
            param.type = click.UNPROCESSED
    with command.make_context(words[0], words[1:], resilient_parsing=False):
        pass


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_that_makes_a_figure_finds_what_it_imports(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location(f"script_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_is_taken(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in main.commands.values():
        for param in command.params:
            monkeypatch.setattr(param, "type", param.type)
    for words in commands_of(page.read_text(encoding="utf-8")):
        if words[0].startswith("-"):
            continue
        try:
            check([word.strip("[]") for word in words if word != "..."])
        except (click.ClickException, KeyError) as error:
            pytest.fail(f"{page.name}: kalamos {shlex.join(words)}: {error}")


def test_a_command_that_does_not_exist_is_found() -> None:
    text = "```\nkalamos bench latin-words --no-such-option   # why\n$ kalamos x && kalamos list tasks\n```\n"
    first, second, third = commands_of(text)
    with pytest.raises(click.NoSuchOption):
        check(first)
    with pytest.raises(KeyError):
        check(second)
    check(third)


# Not quiet: MkDocs then does not see its own warnings, and --strict has nothing to stop at.
def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(site)]
    place = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=place)


@pytest.mark.slow
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    done = build(ROOT / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    pages = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")}
    loaded = re.compile(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"[^>]*>')
    assert not [found[0] for text in pages.values() for found in loaded.finditer(text) if "canonical" not in found[0]]
    assert not list((tmp_path / "site").rglob("*.py"))
    assert 'id="kalamos.front.recover"' in pages[tmp_path / "site" / "api" / "front.html"]
    assert pages[tmp_path / "site" / "metrics.html"].count("<math") > 50


@pytest.mark.slow
def test_a_broken_link_and_a_broken_anchor_stop_the_site(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    text = (tmp_path / "mkdocs.yml").read_text(encoding="utf-8")
    text = re.sub(r"^nav:\n(?:[ -].*\n)+", "", text, flags=re.MULTILINE)
    (tmp_path / "mkdocs.yml").write_text(text, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "site_hooks.py", tmp_path / "docs")
    page = tmp_path / "docs" / "index.md"
    page.write_text("# Sound\n\n[here](#sound)\n", encoding="utf-8")
    assert build(tmp_path / "mkdocs.yml", tmp_path / "site").returncode == 0
    for broken in ("[x](none.md)", "[x](#nowhere)", "![x](none.png)"):
        page.write_text(f"# Sound\n\n{broken}\n", encoding="utf-8")
        assert build(tmp_path / "mkdocs.yml", tmp_path / "site").returncode == 1, broken
