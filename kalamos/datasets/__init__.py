"""Online corpora: the syntax of file formats, the layout of corpora, and the built-in synthetic corpus."""

from kalamos.registry import Registry

CORPORA = Registry(
    "corpus",
    "kalamos.corpora",
    {
        "auto": "kalamos.datasets.auto:CORPUS",
        "synthetic": "kalamos.datasets.synthetic:CORPUS",
        "unipen": "kalamos.datasets.unipen:CORPUS",
        "poh-db": "kalamos.datasets.poh_db:CORPUS",
        "omniglot": "kalamos.datasets.omniglot:CORPUS",
        "omniglot-stroke3": "kalamos.datasets.omniglot_stroke3:CORPUS",
        "assamese": "kalamos.datasets.assamese:CORPUS",
        "ironoff": "kalamos.datasets.ironoff:CORPUS",
        "iam-ondb": "kalamos.datasets.iam_ondb:CORPUS",
        "imadocsen": "kalamos.datasets.imadocsen:CORPUS",
        "gw-online": "kalamos.datasets.gw_online:CORPUS",
        "ujipenchars": "kalamos.datasets.ujipenchars:CORPUS",
        "pendigits": "kalamos.datasets.pendigits:CORPUS",
        "character-trajectories": "kalamos.datasets.character_trajectories:CORPUS",
        "crohme": "kalamos.datasets.crohme:CORPUS",
        "mathwriting": "kalamos.datasets.mathwriting:CORPUS",
        "adab": "kalamos.datasets.adab:CORPUS",
        "lmca": "kalamos.datasets.lmca:CORPUS",
        "khatt": "kalamos.datasets.khatt:CORPUS",
        "calliar": "kalamos.datasets.calliar:CORPUS",
        "hpl": "kalamos.datasets.hpl:CORPUS",
        "mile": "kalamos.datasets.mile:CORPUS",
        "lipitk": "kalamos.datasets.lipitk:CORPUS",
        "mmg": "kalamos.datasets.mmg:CORPUS",
        "zhuyin": "kalamos.datasets.zhuyin:CORPUS",
        "quickdraw": "kalamos.datasets.quickdraw:CORPUS",
        "olhwdb": "kalamos.datasets.olhwdb:CORPUS",
        "kanjivg": "kalamos.datasets.kanjivg:CORPUS",
        "corrected": "kalamos.datasets.corrected:CORPUS",
    },
)
