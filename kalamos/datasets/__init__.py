"""Online corpora: the syntax of file formats, the layout of corpora, and the built-in synthetic corpus."""

from kalamos.registry import Registry

CORPORA = Registry(
    "corpus",
    "kalamos.corpora",
    {
        "synthetic": "kalamos.datasets.synthetic:CORPUS",
        "unipen": "kalamos.datasets.unipen:CORPUS",
        "poh-db": "kalamos.datasets.poh_db:CORPUS",
        "omniglot": "kalamos.datasets.omniglot:CORPUS",
    },
)
