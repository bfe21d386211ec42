"""The sizes of the package at some commits, as the table in docs/architecture.md has them.

    python docs/sizes.py f9e8bbb HEAD

A line is any line; a function's lines are those from ``def`` to its end; its arguments are all but ``self`` and ``cls``;
a comment is a token, not a docstring. A repeated line is one of a run of six or more lines, blank ones and imports left
out, that stands letter by letter in more than one place.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tarfile
import tokenize
from collections import defaultdict
from collections.abc import Callable
from statistics import median

RUN = 6


def sources(commit: str) -> dict[str, str]:
    """Return the package's modules at a commit, path -> text."""
    archive = subprocess.run(["git", "archive", commit, "kalamos"], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {
            member.name: files.extractfile(member).read().decode()
            for member in files
            if member.isfile() and member.name.endswith(".py")
        }


def functions(text: str) -> list[tuple[int, int]]:
    """Return lines and arguments of each function."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            some = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = [one.arg for one in some if one.arg not in ("self", "cls")]
            found.append((node.end_lineno - node.lineno + 1, len(names)))
    return found


def comments(text: str) -> int:
    """Return the number of comments."""
    return sum(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(io.StringIO(text).readline))


def repeated(texts: dict[str, str]) -> int:
    """Return how many lines stand in a run that stands elsewhere too."""
    places = defaultdict(list)
    for name, text in texts.items():
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith(("import ", "from "))]
        for k in range(len(lines) - RUN + 1):
            places[tuple(lines[k : k + RUN])].append((name, k))
    hit = {(name, k + j) for found in places.values() if len(found) > 1 for name, k in found for j in range(RUN)}
    return len(hit)


def sizes(texts: dict[str, str]) -> dict[str, str]:
    """Return the rows of the table."""
    lines = sorted(len(text.splitlines()) for text in texts.values())
    found = [one for text in texts.values() for one in functions(text)]
    long = sorted(length for length, _ in found)
    total = sum(lines)

    def three(values: list[int]) -> str:
        return f"{median(values):.0f}, {values[int(0.9 * len(values))]}, {values[-1]}"

    return {
        "files": f"{len(texts)}",
        "lines": f"{total:,}",
        "lines a file: median, nine of ten below, most": three(lines),
        "functions": f"{len(found):,}",
        "lines a function: median, nine of ten below, most": three(long),
        "functions of more than five arguments": f"{sum(arguments > 5 for _, arguments in found)}",
        "the same, a hundred functions": f"{100 * sum(arguments > 5 for _, arguments in found) / len(found):.1f}",
        "comments a hundred lines": f"{100 * sum(map(comments, texts.values())) / total:.2f}",
        "lines of runs of six that stand twice, a thousand": f"{1000 * repeated(texts) / total:.1f}",
    }


def main(write: Callable[[str], object] = sys.stdout.write) -> None:
    """Write the table of the commits that are named."""
    columns = {commit: sizes(sources(commit)) for commit in sys.argv[1:] or ["HEAD"]}
    write("| | " + " | ".join(columns) + " |\n|---|" + "--:|" * len(columns) + "\n")
    for row in next(iter(columns.values())):
        write(f"| {row} | " + " | ".join(column[row] for column in columns.values()) + " |\n")


if __name__ == "__main__":
    main()
