"""Imports go one way: the order of rooms is the table in docs/architecture.md; the imports are read from the source."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kalamos"
DOCUMENT = ROOT / "docs" / "architecture.md"

Imports = list[tuple[str, str]]
CALLS = frozenset({"import_module", "__import__", "load_object"})
"""What imports a module that is named by a text; a text that is no literal is the user's, or a registry's."""
DRAWN = frozenset((f"kalamos.{record}", "kalamos.replay.still") for record in ("ink", "recovery"))
"""The two imports that go up: a record draws itself in a notebook."""


@cache
def _walked(path: Path, _changed_ns: int) -> tuple[ast.Module, list[ast.AST]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.Import, ast.ImportFrom, ast.Call, ast.Attribute)
    return tree, [node for node in ast.walk(tree) if isinstance(node, kinds) and _says_import(node)]


def _says_import(node: ast.AST) -> bool:
    """Say whether a node is an import, a call that imports, or takes something from the package itself."""
    if isinstance(node, ast.Call):
        return getattr(node.func, "attr", getattr(node.func, "id", None)) in CALLS
    return not isinstance(node, ast.Attribute) or (isinstance(node.value, ast.Name) and node.value.id == "kalamos")


def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file; it is read once for as long as the file stays the same."""
    return _walked(path, path.stat().st_mtime_ns)[0]


def imports_in(path: Path) -> list[ast.AST]:
    """Return the nodes of a file that import, late or not, and those that take something from the package itself."""
    return _walked(path, path.stat().st_mtime_ns)[1]


def modules_of(package: Path) -> dict[str, Path]:
    """Return dotted name -> file of every module below a package."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(package: Path, *, lazy: bool = True) -> Imports:
    """Return (importing module, imported module) for every import of the package's own, those in functions too."""
    modules = modules_of(package)
    return [
        (name, target)
        for name, path in modules.items()
        for node in (imports_in(path) if lazy else _at_import(tree_of(path)))
        for target in targets_of(node, name, path.name == "__init__.py", modules)
        if target in modules and target != name
    ]


def _at_import(tree: ast.Module) -> list[ast.AST]:
    """Return the nodes that run at import: outside functions and of no type check."""
    found, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        checked = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not checked and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
    return found


def targets_of(node: ast.AST, name: str, is_package: bool, modules: dict[str, Path]) -> list[str]:
    """Return the modules that a node in the module ``name`` imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        inside = name.split(".") if is_package else name.split(".")[:-1]
        above = inside[: len(inside) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        return [full if (full := f"{base}.{alias.name}") in modules else base for alias in node.names]
    if isinstance(node, ast.Call) and node.args:
        text = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        return [text.partition(":")[0]] if isinstance(text, str) else []
    return []


def room_of(module: str) -> str:
    """Return the room of a module: the name below the package, ``kalamos`` for the front door itself."""
    return module.split(".")[1] if "." in module else module


def floors() -> dict[str, int]:
    """Return room -> its floor, counted from the ground, as the table of the document has it."""
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return {room: int(floor) for floor, cell in rows for room in re.findall(r"`(\w+)(?:\.py|/)?`", cell)}


def wrong_way(imports: Imports, floor: dict[str, int]) -> list[str]:
    """Return the imports that do not go down to a lower floor."""
    return [
        f"{importer} imports {imported}: {room_of(imported)} is not below {room_of(importer)}"
        for importer, imported in imports
        if room_of(importer) != room_of(imported) != "kalamos" and floor[room_of(imported)] >= floor[room_of(importer)]
    ]


def circle(imports: Imports) -> list[str]:
    """Return the modules of one circle of imports, empty where there is none."""
    graph: dict[str, set[str]] = {}
    for importer, imported in imports:
        graph.setdefault(importer, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_room_has_a_floor_in_the_document():
    assert {room_of(name) for name in modules_of(PACKAGE)} == set(floors())


def test_imports_go_down_only():
    found = imports_of(PACKAGE)
    assert set(found) >= DRAWN
    assert wrong_way([one for one in found if one not in DRAWN], floors()) == []


def test_no_circle_of_modules():
    """Also within a room. A package's ``__init__`` that imports its own modules counts; what imports late does not."""
    assert circle(imports_of(PACKAGE, lazy=False)) == []


def test_the_package_itself_is_imported_for_its_version_and_place_only():
    """``import kalamos`` below the front door must not come back through it to a higher floor."""
    modules = modules_of(PACKAGE)
    for name, path in modules.items():
        if room_of(name) in {"kalamos", "__main__", "cli"}:
            continue
        nodes = imports_in(path)
        taken = {node.attr for node in nodes if isinstance(node, ast.Attribute)} | {
            alias.name
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module == "kalamos"
            for alias in node.names
            if f"kalamos.{alias.name}" not in modules
        }
        assert taken <= {"__version__", "__file__"}, name


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("click", {"cli"}),
        ("torch", {"models", "recognition", "training", "renderers"}),
        ("matplotlib", {"training", "benchmark"}),
    ],
)
def test_a_library_stays_in_its_rooms(library: str, rooms: set[str]):
    """Modules that are programs (``python -m``) may parse a command line with click."""
    users = set()
    for name, path in modules_of(PACKAGE).items():
        text = path.read_text(encoding="utf-8")
        imported = {
            target.split(".")[0]
            for node in imports_in(path)
            for target in targets_of(node, name, path.name == "__init__.py", {})
        }
        if library in imported and not (library == "click" and '__name__ == "__main__"' in text):
            users.add(room_of(name))
    assert users <= rooms


@pytest.mark.parametrize("blind", ["baselines", "models", "scans", "skeleton"])
def test_who_recovers_sees_no_truth(blind: str):
    """A method is given pictures; it must not be able to reach corpora, file formats or the benchmark."""
    seen = {room_of(imported) for importer, imported in imports_of(PACKAGE) if room_of(importer) == blind}
    assert not seen & {"datasets", "formats", "benchmark", "training"}


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """A package of two rooms in which everything goes down."""
    house = tmp_path / "kalamos"
    for name, text in {
        "__init__.py": "",
        "ink.py": "",
        "metrics/__init__.py": "",
        "metrics/dtw.py": "from kalamos.ink import Ink\n",
        "models/__init__.py": "",
        "models/net.py": "def f():\n    from kalamos import metrics\n",
    }.items():
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_text(text)
    return house


WRONG = {
    "at the top": "from kalamos.models.net import f\n",
    "by the package": "from kalamos import models\n",
    "relative": "from ..models import net\n",
    "in a function": "def g():\n    import kalamos.models.net\n",
    "by a string": "import importlib\nm = importlib.import_module('kalamos.models.net')\n",
    "by another string": "m = __import__('kalamos.models.net')\n",
    "by its object": "from kalamos import ink\ndef g():\n    return load_object('kalamos.models.net:f')\n",
}


@pytest.mark.parametrize("way", WRONG)
def test_a_wrong_way_import_is_found(small_house: Path, way: str):
    floor = {"kalamos": 9, "ink": 1, "metrics": 2, "models": 3}
    assert wrong_way(imports_of(small_house), floor) == []
    (small_house / "metrics" / "dtw.py").write_text(WRONG[way])
    assert len(wrong_way(imports_of(small_house), floor)) == 1


def test_two_rooms_of_one_floor_are_apart(small_house: Path):
    assert len(wrong_way(imports_of(small_house), {"kalamos": 9, "ink": 1, "metrics": 2, "models": 2})) == 1


def test_a_circle_within_a_room_is_found(small_house: Path):
    assert circle(imports_of(small_house, lazy=False)) == []
    (small_house / "models" / "net.py").write_text("from kalamos.models import head\n")
    (small_house / "models" / "head.py").write_text("if True:\n    from kalamos.models.net import f\n")
    assert set(circle(imports_of(small_house, lazy=False))) == {"kalamos.models.net", "kalamos.models.head"}


def test_one_room_compiles():
    """Kernels are made by ``kalamos.machinery.kernels`` alone, so that all are cached, listened to and warmed up."""
    importers = {
        name
        for name, path in modules_of(PACKAGE).items()
        for node in imports_in(path)
        for module in ([node.module] if isinstance(node, ast.ImportFrom) else _names(node))
        if (module or "").split(".")[0] == "numba"
    }
    assert {room_of(name) for name in importers} == {"machinery"}


def _names(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
