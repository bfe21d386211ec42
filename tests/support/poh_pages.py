"""Write a small POH-Db in its true layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MAPPING = """    <mapping xml:id="m1" type="mathml">
      <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><ceiling /><ci>v</ci></apply></math>
    </mapping>
"""
CHANNELS = """      <channel name="X" units="dev">
        <mapping type="mathml" mappingRef="#m1"><bind target="X" /></mapping>
      </channel>
      <channel name="Y" units="dev" />
      <channel name="F" default="0.5" min="0" max="1" units="dev" />
      <channel name="T" min="0" respectTo="#ts1" units="ms" />
      <channel name="TangentialF" min="-1" max="1" units="dev" />
      <channel name="BW" default="1" units="dev" />
      <channel name="BH" default="1" units="dev" />
      <channel name="OTx" min="-90" max="90" units="deg" />
      <channel name="OTy" min="-90" max="90" units="deg" />
      <channel name="OR" type="integer" min="0" max="359" units="deg" />
"""


def word(x: float, y: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Return a body and a dot near a place, ``(k, 2)`` each."""
    u = np.linspace(0, 1, 12)
    body = np.stack([x + 60 * (1 - u), y + 12 * np.sin(9 * u) + rng.normal(0, 1, 12)], axis=1)
    return [body, np.array([[x + 30.0, y - 20.0], [x + 31.0, y - 20.0]])]


def page(
    strokes: list[np.ndarray], *, kind: str, truth: int, writer: str, pressure: str = "real", first_ms: float = 0.0
) -> str:
    """Return the InkML of a page; pressure is real, or the text of a constant."""
    traces, begin = [], first_ms
    for number, stroke in enumerate(strokes):
        rows = []
        for k, (px, py) in enumerate(stroke.tolist()):
            force = 0 if k == len(stroke) - 1 else (round(0.3 + 0.01 * k, 5) if pressure == "real" else pressure)
            rows.append(f"{px:.5g} {py:.5g} {force} {8 * k} 0 1 1 {10 + k} 0 0")
        traces.append(f'    <trace xml:id="t{number}" timeOffset="{begin:g}">{", ".join(rows)}</trace>\n')
        begin += 8 * len(stroke) + 100
    return f"""\ufeff<?xml version="1.0" encoding="utf-8"?>
<ink xmlns="http://www.w3.org/2003/InkML" documentID="1">
  <definitions>
{MAPPING}    <timestamp xml:id="ts1" time="1635191375400.5" />
    <traceFormat xml:id="tf1">
{CHANNELS}    </traceFormat>
    <canvas xml:id="c1" traceFormatRef="#tf1" />
    <context xml:id="ctx1" canvasRef="#c1" traceFormatRef="#tf1" timestampRef="#ts1" />
  </definitions>
  <annotationXML>
    <writerId xmlns="">urn:uuid:{writer}</writerId>
    <input xmlns="">Pen</input>
    <type xmlns="">{kind}</type>
    <hand xmlns="">Right</hand>
    <truthId xmlns="">{truth}</truthId>
  </annotationXML>
  <traceGroup contextRef="ctx1">
{"".join(traces)}  </traceGroup>
</ink>"""


def truths(kind: str, texts: dict[int, list[str] | str]) -> str:
    """Return the XML of ground truths: lines, or running text."""
    items = []
    for number, text in texts.items():
        inner = text if isinstance(text, str) else "".join(f"<line>{line}</line>" for line in text)
        items.append(f'<text id="{number}"><content>{inner}</content></text>')
    return (
        f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n<textCollection type="{kind}">{"".join(items)}</textCollection>'
    )


def write_corpus(root: Path) -> None:
    """Write two pages of words, one of them with a word left out, one of numbers and one of running text."""
    rng = np.random.default_rng(0)
    words = ["شدت", "کم", "خوراک", "ذرات"]
    lines = [word(100, 50 + 80 * k, rng) for k in range(4)]
    pages = {
        "WordGroup/1": page([s for line in lines for s in line], kind="WordGroup", truth=7, writer="w-a"),
        "WordGroup/2": page(
            [s for line in lines[:3] for s in line], kind="WordGroup", truth=7, writer="w-b", pressure="1"
        ),
        "NumberGroup/3": page(
            [s for line in lines for s in line], kind="NumberGroup", truth=8, writer="w-a", pressure="0.5"
        ),
        "Text/4": page(lines[0] + lines[1], kind="Text", truth=9, writer="w-c"),
        "Text/5": page([], kind="Text", truth=9, writer="w-c"),
        "Text/6": page(lines[0], kind="Text", truth=999, writer="w-c"),
    }
    for name, text in pages.items():
        file = root / "Writepads" / f"{name}.inkml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    collections: dict[str, dict[int, list[str] | str]] = {
        "WordGroup": {7: words},
        "NumberGroup": {8: ["۱۲", "۳", "۴", "۵"]},
        "Text": {9: "متن کوتاه"},
    }
    for kind, texts in collections.items():
        file = root / "GroundTruths" / kind / "0.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(truths(kind, texts), encoding="utf-8")
    (root / "Writers").mkdir()
    (root / "Writers" / "w-a.xml").write_text("<writer><sex>secret</sex></writer>")
