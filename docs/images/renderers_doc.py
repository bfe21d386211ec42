"""Write the table of parameters of docs/renderers.md between its two markers, from the parameters themselves.

python docs/images/renderers_doc.py docs/renderers.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from kalamos.renderers import Style

START, END = "<!-- parameters: start -->", "<!-- parameters: end -->"


def table() -> str:
    """Return a section a group, a row a parameter with its strip."""
    lines: list[str] = []
    group = ""
    for name, item in Style.parameters().items():
        if item["group"] != group:
            group = item["group"]
            lines += [
                "",
                f"### {group.capitalize()}",
                "",
                "| parameter | unit, range | default | strip |",
                "|---|---|---|---|",
            ]
        if "choices" in item:
            span = ", ".join(f"`{choice}`" for choice in item["choices"])
        else:
            span = f"{item['unit']}, {item['low']:g} to {item['high']:g}"
        default = item["default"] if isinstance(item["default"], str) else f"{item['default']:g}"
        strip = f"![{name}](images/renderers/{name}.png)"
        lines.append(f"| `{name}`<br>{item['meaning']} | {span} | {default} | {strip} |")
    return "\n".join(lines[1:]) + "\n"


def main() -> None:
    """Replace what stands between the markers of the file named on the command line."""
    path = Path(sys.argv[1])
    text = path.read_text()
    before, rest = text.split(START)
    path.write_text(f"{before}{START}\n\n{table()}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
