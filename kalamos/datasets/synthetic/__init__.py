"""The built-in corpus: simulated writers of Latin, Arabic, Devanagari and Tamil, with no download.

Letter plans (``plans/*.toml``, read by :mod:`.plans` and :mod:`.curves`) say which way the pen goes; :mod:`.layout`
makes words of them; :mod:`.writers` says how one hand differs from another; :mod:`.kinematics` is the sigma-lognormal
model of how a hand moves; :mod:`.writing` brings these together; :mod:`.corpus` is the corpus.
"""

from kalamos.datasets.synthetic.corpus import CORPUS
from kalamos.datasets.synthetic.glyphs import SCRIPTS, letters, words
from kalamos.datasets.synthetic.writers import Writer
from kalamos.datasets.synthetic.writing import synthesise

__all__ = ["CORPUS", "SCRIPTS", "Writer", "letters", "synthesise", "words"]
