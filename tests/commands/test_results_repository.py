"""A results repository, with git and the commands of its own workflow: a wrong, a cheating and a good entry."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from submission_cards import OWN, TASK

from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.predictions import write_predictions
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.submission.changed import changed_since
from kalamos.benchmark.task import load_task
from kalamos.commands.new import new_results_repository
from kalamos.commands.verify import is_wrong, verify_folder
from kalamos.errors import KalamosError
from kalamos.ink import Ink
from kalamos.recoverer import load_recoverer
from kalamos.storage.parquet import read_rows

ROOT = Path(__file__).parents[2]


class Repository:
    """A new results repository under git, with a small task of its own, and who works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "board"
        new_results_repository("board", self.folder)
        (self.folder / "tasks" / "small.toml").write_text(TASK)
        self.cache = folder / "cache" / "kalamos" / "tasks"
        self.git("init", "-q", "-b", "main")
        self.commit("A results repository")
        rows = list(read_rows(prepare(load_task(str(self.folder / "tasks" / "small.toml")), None, self.cache)))
        found = load_recoverer("nearest").recover([row.image for row in rows if row.image is not None])
        self.honest = {row.sample.key: ink for row, ink in zip(rows, found, strict=True)}
        self.truth = {row.sample.key: row.truth() for row in rows}

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *who, "-C", str(self.folder), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def branch(self, name: str, inks: dict[str, Ink], **changes: str) -> None:
        """Commit an entry on a branch of its own, as who sends it does."""
        self.git("switch", "-q", "-c", name, "main")
        home = self.folder / "entries" / "small" / name
        home.mkdir(parents=True)
        write_predictions(home / "predictions.parquet", [(key, Answer(ink)) for key, ink in inks.items()], {})
        card = (self.folder / "card.example.toml").read_text()
        for example, own in OWN.items():
            card = card.replace(example, own)
        for field, value in ({"entry": f'"{name}"', "task": '"small"', "task_version": "1"} | changes).items():
            card = re.sub(rf"(?m)^{field} = .*$", f"{field} = {value}", card)
        (home / "card.toml").write_text(card)
        self.commit(f"{name} on small")

    def job(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run the commands of a job of the workflow, in order, but for the installation."""
        yaml = pytest.importorskip("yaml")
        job = yaml.safe_load((self.folder / ".github" / "workflows" / "entries.yml").read_text())["jobs"][name]
        steps = [step["run"] for step in job["steps"] if "run" in step and step.get("name") != "Install"]
        assert steps
        place = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.cache.parents[1]), "BASE": "main"}
        place["PATH"] = f"{self.folder.parent}{os.pathsep}{place['PATH']}"
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(steps)]
        return subprocess.run(command, cwd=self.folder, env=place, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("world")
    (folder / "kalamos").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kalamos "$@"\n')
    (folder / "kalamos").chmod(0o755)
    return Repository(folder)


def test_three_pull_requests_of_which_one_comes_onto_the_board(repository: Repository) -> None:
    """What the workflow lets through is merged, as a person would, and the board of main has the good entry alone."""
    wrong = dict(list(repository.honest.items())[2:])
    repository.branch("wrong", wrong, task_version="3")
    repository.branch("cheating", repository.truth)
    repository.branch("good", repository.honest)
    for name in ("wrong", "cheating", "good"):
        repository.git("switch", "-q", name)
        done = repository.job("verify")
        assert (done.returncode == 0) == (name == "good"), done.stdout + done.stderr
        if name == "wrong":
            assert "wrong: task version" in done.stdout
        if name == "cheating":
            assert "wrong: the truth itself" in done.stdout
            assert not (repository.folder / "results" / "small" / "cheating" / "result.json").exists()
        if done.returncode == 0:
            repository.git("switch", "-q", "main")
            repository.git("merge", "-q", "--no-ff", "-m", f"Merge {name}", name)
    repository.git("switch", "-q", "main")
    (repository.folder / "attacks" / "small").mkdir()
    attack = repository.folder / "attacks" / "small" / "seer.parquet"
    write_predictions(attack, [(key, Answer(ink)) for key, ink in repository.truth.items()], {})
    repository.commit("An attack")
    rows = repository.folder / "results" / "small"
    shutil.copytree(rows / "good", rows / "taken-back")  # kept from an earlier run
    scored = (rows / "good" / "result.json").stat().st_mtime_ns
    done = repository.job("board")
    assert done.returncode == 0, done.stdout + done.stderr
    site = repository.folder / "site"
    assert "seer on small v1, against good" in done.stdout
    assert {path.name for path in rows.iterdir()} == {"good", "seer", "task.parquet"}
    assert (rows / "good" / "result.json").stat().st_mtime_ns == scored
    assert "too few writers" in done.stdout
    kinds = {row["kind"]: row for row in json.loads((site / "results.json").read_text())}
    assert (kinds["attack"]["entry"], kinds["attack"]["submission"], len(kinds)) == ("seer", {}, 2)
    row = kinds["submission"]
    assert (row["entry"], row["kind"], row["submission"]["relation"]) == ("good", "submission", "first_party")
    text = (site / "board.md").read_text()
    assert "| run by | trained on this corpus? |" in text
    assert text.index("**First party**") < text.index("**Attacks**") < text.index("*seer*")
    assert "A. Reader, University of Somewhere" in text
    assert "A. Reader" in (site / "board.tex").read_text()
    assert '"said":["A. Reader, University of Somewhere","no"]' in (site / "index.html").read_text()
    assert repository.git("status", "--porcelain") == ""  # what is made is ignored


def test_an_entry_that_changes_more_than_its_folder_is_wrong(repository: Repository) -> None:
    repository.branch("greedy", repository.honest)
    (repository.folder / "tasks" / "small.toml").write_text(TASK.replace("10", "9"))
    repository.commit("An easier task")
    done = verify_folder(
        repository.folder / "entries",
        root=None,
        out=repository.folder / "results",
        tasks=repository.folder / "tasks",
        cache=repository.cache,
        since="main",
    )
    assert is_wrong(done)
    assert ("wrong", "other files") in {(finding.level, finding.what) for one in done for finding in one.findings}
    changed = changed_since(repository.folder / "entries", "main")
    assert [path.name for path in changed.entries] == ["greedy"]
    assert changed.others == ("tasks/small.toml",)
    repository.git("switch", "-q", "-c", "removed", "main")
    (repository.folder / "README.md").write_text("changed by those who keep the board\n")
    repository.commit("Words")
    assert not verify_folder(repository.folder / "entries", root=None, out=repository.folder / "results", since="main")
    (repository.folder / "entries" / "small").mkdir(exist_ok=True)
    (repository.folder / "entries" / "small" / "link").symlink_to("/etc")
    repository.commit("An entry that is none")
    assert changed_since(repository.folder / "entries", "main").astray == ("entries/small/link",)
    assert is_wrong(verify_folder(repository.folder / "entries", root=None, out=repository.folder / "r", since="main"))
    with pytest.raises(KalamosError, match="git merge-base"):
        changed_since(repository.folder / "entries", "--output=x")


def test_an_empty_board_is_published_too_and_rows_hold_no_number_of_the_card(tmp_path: Path) -> None:
    new_results_repository("empty", tmp_path / "empty")
    text = (tmp_path / "empty" / ".github" / "workflows" / "entries.yml").read_text()
    assert "compgen -G 'entries/*/*/card.toml'" in text
    assert "<title>empty</title>" in text
    for name in ("README.md", "CONTRIBUTING.md", "requirements.txt"):
        assert not re.search(r"\b(NAME|VERSION)\b", (tmp_path / "empty" / name).read_text())
