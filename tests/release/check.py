"""What a release must pass: wheel and source archive, each alone in an empty environment, outside of this folder.

    python tests/release/check.py [--tag v0.1.0] [--sizes]

Builds both (the wheel out of the source archive), looks at what is in them, installs each with pip into a new
environment, and runs the main jobs there. `make release-check` runs it here, `.github/workflows/release.yml` on three
systems.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = (
    "kalamos/py.typed",
    "kalamos/benchmark/result.schema.json",
    "kalamos/benchmark/tasks/latin-characters.pins",
    "kalamos/benchmark/tasks/synthetic-3scripts.parquet",
    "kalamos/benchmark/tasks/synthetic-3scripts.controls.parquet",
    "kalamos/benchmark/board/site/page.html",
    "kalamos/commands/templates/plug-in/model.py.template",
    "kalamos/models/weights/kalamos/",
    "kalamos/models/weights/rabhi2020/",
    "kalamos/models/weights/rabhi2023/",
)
STRANGE = re.compile(r"(^|/)(tests|docs|\.git|__pycache__|runs)/|\.(pyc|nbi|nbc)$")
_SIZES = """
import importlib.metadata, json
found = {}
for one in importlib.metadata.distributions():
    paths = {file.locate() for file in one.files or ()}
    found[one.name] = sum(path.stat().st_size for path in paths if path.is_file())
print(json.dumps(found))
"""
_PLACE = "import kalamos, sys; print(kalamos.__file__); sys.exit('torch' in sys.modules)"
_RECOVER = """
import kalamos
made = kalamos.render(kalamos.Ink.from_strokes([[(0, 0), (6, 0), (2, 10)]]))
found = kalamos.recover(made.image)
assert found.method == "kalamos", found.method
assert kalamos.score(found, made.truth, metrics=["lcss"])["lcss"] > 0.5
"""
_KNOWN = """
from pathlib import Path
from kalamos.benchmark.known_scores import KnownScores
from kalamos.benchmark.task import shipped
known = KnownScores("synthetic-3scripts", shipped("synthetic-3scripts", ".parquet"), Path("nowhere"))
assert known.find("truth"), "scores of other code ship: run python -m kalamos.benchmark.make_known"
"""


def main() -> None:
    """Run all of it; exit with 1 at the first thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tag", help="the tag that is released; it must be the version's, and the CHANGELOG's")
    parser.add_argument("--sizes", action="store_true", help="print what takes the room of an installation")
    parser.add_argument("--dist", type=Path, help="keep the archives in this folder")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        dist = chosen.dist or home / "dist"
        run(home, sys.executable, "-m", "build", "--outdir", dist, ROOT)
        [wheel], [source] = list(dist.glob("*.whl")), list(dist.glob("*.tar.gz"))
        check_contents(wheel, source)
        check_version(wheel, chosen.tag)
        run(home, sys.executable, "-m", "twine", "check", "--strict", wheel, source)
        for archive in (wheel, source):
            programs = installed(archive, home)
            smoke(programs, home / archive.name.replace(".", "-"))
            print(f"{archive.name}: {archive.stat().st_size / 1e6:.1f} MB, installs and runs")
            if chosen.sizes and archive == wheel:
                print_sizes(programs, home)


def run(cwd: Path, *command: object) -> str:
    """Run a command in a folder that is not the repository, without its paths; return what it printed."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "KALAMOS_CORPORA", "KALAMOS_CORPUS_ROOT")
    place = {name: value for name, value in os.environ.items() if name not in dropped}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=place, capture_output=True, text=True, check=False, timeout=1800
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def check_contents(wheel: Path, source: Path) -> None:
    """Exit where an archive lacks what the package reads at run time, or carries what is of no use to anybody."""
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
    with tarfile.open(source) as packed:
        sources = [name.partition("/")[2] for name in packed.getnames()]
    for needed in NEEDED:
        for where, names in ((wheel.name, inside), (source.name, sources)):
            if not any(name.startswith(needed) for name in names):
                sys.exit(f"{where} lacks {needed}")
    if strange := [name for name in inside if STRANGE.search(name)]:
        sys.exit(f"{wheel.name} holds {strange[:5]}, which nobody needs there")
    for name in ("LICENSE", "CHANGELOG.md", "README.md", "tests/test_wheel.py"):
        if name not in sources:
            sys.exit(f"{source.name} lacks {name}: it must be enough to build, read and test")
    if not any(name.endswith("/LICENSE") for name in inside):
        sys.exit(f"{wheel.name} lacks the licence")


def check_version(wheel: Path, tag: str | None) -> None:
    """Exit where a tag is not that of the version, or the CHANGELOG has no section for it."""
    version = wheel.name.split("-")[1]
    if tag is None:
        return
    if tag != f"v{version}":
        sys.exit(f"the tag {tag} is not v{version}, the version in kalamos/__init__.py")
    if not re.search(rf"^## \[?{re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE):
        sys.exit(f"CHANGELOG.md has no section for {version}")


def installed(archive: Path, home: Path) -> Path:
    """Install an archive, with what it needs and nothing else, into a new environment; return its programs' folder."""
    place = home / f"env-{archive.suffix[1:]}"
    venv.create(place, with_pip=True)
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    run(home, programs / "python", "-m", "pip", "install", "--quiet", archive)
    run(home, programs / "python", "-m", "pip", "check")
    return programs


def smoke(programs: Path, folder: Path) -> None:
    """Run the main jobs: list, convert, recover, bench and its page, and a new plug-in that is installed and found."""
    folder.mkdir()
    kalamos, python = programs / "kalamos", programs / "python"
    place = run(folder, python, "-c", _PLACE).strip()
    if ROOT in Path(place).parents or not Path(place).is_relative_to(programs.parent):
        sys.exit(f"{place} is not what was installed")
    run(folder, kalamos, "--version")
    run(folder, python, "-m", "kalamos", "list", "corpora")
    run(folder, kalamos, "convert", "synthetic", "-", "converted", "--shards", "2", "-o", "writers=1")
    run(folder, python, "-c", _RECOVER)
    run(folder, python, "-c", _KNOWN)
    run(folder, kalamos, "bench", "synthetic-3scripts", "-m", "nearest", "--limit", "12", "--cache", "cache", "-q")
    run(folder, kalamos, "leaderboard", "runs", "--html", "board.html", "-q")
    run(folder, kalamos, "new", "plug-in", "left-to-right", "-q")
    run(folder, python, "-m", "pip", "install", "--quiet", "./left-to-right")
    if "left-to-right" not in run(folder, kalamos, "list", "models"):
        sys.exit("a plug-in that was installed is not listed")


def print_sizes(programs: Path, home: Path) -> None:
    """Print a Markdown table of the installation's packages by size, the plug-in and pip left out."""
    sizes: dict[str, int] = json.loads(run(home, programs / "python", "-c", _SIZES))
    kept = {name: size for name, size in sizes.items() if name not in ("pip", "setuptools", "left-to-right")}
    print("| package | MB |\n|---|--:|")
    rest = 0
    for name, size in sorted(kept.items(), key=lambda item: -item[1]):
        if size < 2e6:
            rest += size
        else:
            print(f"| {name} | {size / 1e6:.0f} |")
    print(f"| {sum(size < 2e6 for size in kept.values())} others | {rest / 1e6:.0f} |")
    print(f"| **all** | **{sum(kept.values()) / 1e6:.0f}** |")


if __name__ == "__main__":
    main()
