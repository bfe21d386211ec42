"""Which licences a card's words name, and whether what was made of a corpus may be passed on.

A card states the licence as the authors of the corpus do. Nothing is read into it: only a licence that stands there by
its name counts, and only those that let anyone pass on what was made of the data are in the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Licence:
    """A licence under which data made of other data may be passed on.

    Attributes:
        spdx: its identifier in the list of SPDX.
        url: its text.
    """

    spdx: str
    url: str

    @property
    def hub(self) -> str:
        """Return its name on the Hugging Face hub: that of SPDX in small letters."""
        return self.spdx.lower()


LICENCES = {
    "MIT": Licence("MIT", "https://spdx.org/licenses/MIT.html"),
    "CC0": Licence("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "CC BY 4.0": Licence("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC BY-SA 3.0": Licence("CC-BY-SA-3.0", "https://creativecommons.org/licenses/by-sa/3.0/"),
    "CC BY-SA 4.0": Licence("CC-BY-SA-4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "CC BY-NC 4.0": Licence("CC-BY-NC-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "CC BY-NC-SA 3.0": Licence("CC-BY-NC-SA-3.0", "https://creativecommons.org/licenses/by-nc-sa/3.0/"),
    "CC BY-NC-SA 4.0": Licence("CC-BY-NC-SA-4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    "AGPL-3.0": Licence("AGPL-3.0", "https://www.gnu.org/licenses/agpl-3.0.html"),
}
"""How a card names a licence -> the licence."""

PassingOn = Literal["allowed", "the user's", "not allowed"]
_OF_THE_FILES = ("that of the files", "as ")
"""How the card of a corpus begins that has no licence of its own: the files are whoever's they are."""
_NAMED = re.compile(
    "|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in sorted(LICENCES, key=len, reverse=True))
)


def licences_in(text: str) -> tuple[Licence, ...]:
    """Return the licences that a card's words name, each once, in their order."""
    return tuple(dict.fromkeys(LICENCES[name] for name in _NAMED.findall(text)))


def passing_on(text: str) -> PassingOn:
    """Say whether what is made of a corpus may be passed on, by the words of its card.

    ``the user's`` where the licence is that of the user's own files. What names no licence that allows it is not
    allowed: "free for research" gives nobody the right to publish a copy.
    """
    if licences_in(text):
        return "allowed"
    return "the user's" if text.startswith(_OF_THE_FILES) else "not allowed"
