"""Kalamos recovers how a pen moved from an offline image of handwriting.

The records are in :mod:`kalamos.ink` and :mod:`kalamos.image`; corpora in :mod:`kalamos.datasets`, images of ink in
:mod:`kalamos.renderers`, recovery in :mod:`kalamos.baselines` and :mod:`kalamos.models`, scores in
:mod:`kalamos.benchmark`.
"""

__version__ = "0.1.0"
