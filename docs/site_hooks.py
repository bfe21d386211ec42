"""What MkDocs is told beside mkdocs.yml: formulas become MathML, which browsers draw without a script."""

import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r"`[^`\n]*`|(?<![\\$\w])\$(?!\s)([^$\n]+?)(?<!\s)\$(?![\w$])")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Write every ``$formula$`` outside of code as MathML."""
    done, at = [], 0
    for fence in _FENCE.finditer(markdown):
        done += [_with_formulas(markdown[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*done, _with_formulas(markdown[at:])])


def _with_formulas(text: str) -> str:
    return _FORMULA.sub(lambda found: convert(found[1]) if found[1] else found[0], text)
