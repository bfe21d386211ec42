"""The wheel in an empty environment outside the repository, and a new plug-in beside it."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def run(*command, **settings):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the folder of programs of a new environment with the wheel in it, and a folder to work in."""
    home = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", home / "dist", ROOT)
    venv.create(home / "env", with_pip=True)
    programs = home / "env" / "bin"
    run(programs / "pip", "install", "--quiet", next((home / "dist").glob("*.whl")), cwd=home)
    return programs, home


def clean_environment(home):
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "XDG_CACHE_HOME": str(home / "cache")}


def test_the_wheel_runs_the_demo_and_finds_its_data(environment):
    programs, home = environment
    command = (programs / "kalamos", "demo", "--out", home / "demo", "--limit", "30")
    text = run(*command, cwd=home, env=clean_environment(home))
    assert "good-continuation" in text
    assert (home / "demo" / "leaderboard.html").stat().st_size > 100_000
    place = run(programs / "python", "-c", "import kalamos; print(kalamos.__file__)", cwd=home).strip()
    assert str(home) in place


def test_without_the_extra_a_model_says_what_to_install(environment):
    programs, home = environment
    command = [programs / "kalamos", "bench", "synthetic-3scripts", "-m", "rabhi2020", "--limit", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 1
    assert "pip install 'kalamos[models]'" in done.stderr


def test_the_plug_in_template_installs_and_benches(environment, tmp_path):
    programs, home = environment
    run(programs / "kalamos", "new", "plug-in", "left-to-right", cwd=tmp_path)
    run(programs / "pip", "install", "--quiet", tmp_path / "left-to-right")
    assert "left-to-right" in run(programs / "kalamos", "list", "models", cwd=home)
    text = run(
        programs / "kalamos",
        *("bench", "synthetic-3scripts", "-m", "left-to-right", "--limit", "20", "--no-controls"),
        cwd=home,
        env=clean_environment(home),
    )
    assert "left-to-right" in text
