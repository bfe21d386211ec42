"""Croissant 1.1 with the fields of its extension for responsible AI: what a conversion, or a task, is, for machines.

Every fact comes from the corpus' card, from the report of the conversion or from the task; where these say nothing, the
field is left out. So there is no ``datePublished``: no card knows the day on which a corpus was published.
Specifications: http://mlcommons.org/croissant/1.1 and http://mlcommons.org/croissant/RAI/1.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import kalamos
from kalamos.datasets.conversion import Converted, ShardFile
from kalamos.datasets.corpus import Card
from kalamos.datasets.licences import licences_in

NAME = "croissant.json"
HOME = "https://github.com/kalamos/kalamos"
KEYWORDS = ("handwriting", "online handwriting", "pen trajectory", "trajectory recovery")

_VERSIONS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_STROKES = {"isArray": True, "arrayShape": "-1,-1"}
_Column = tuple[str, str, dict[str, Any], str]
_COLUMNS: tuple[_Column, ...] = (
    ("key", "sc:Text", {}, "unique in the corpus and stable"),
    ("label", "sc:Text", {}, "what was written, Unicode in NFC; empty where unknown"),
    ("level", "sc:Text", {}, "character, word, line or page"),
    ("script", "sc:Text", {}, "ISO 15924 code; Zyyy for what scripts share"),
    ("writer", "sc:Text", {}, "who wrote it, by the corpus' own identifier; empty where unknown"),
    ("corpus", "sc:Text", {}, "registered name of the corpus"),
    ("split", "sc:Text", {}, "train, validation or test, by writer; null where the corpus has none"),
    ("units", "sc:Text", {}, "what one unit of x and y is: px, mm or device"),
    ("time_source", "sc:Text", {}, "where the times come from; none where there are none"),
    ("source", "sc:Text", {}, "file of the corpus, and the place in it"),
    ("provenance", "sc:Text", {}, "where the ink comes from: recorded, authored, traced, synthetic ..."),
    ("points_per_mm", "sc:Float", {}, "units a millimetre, where known"),
    ("x", "cr:Float32", _STROKES, "a list of strokes, each a list of positions, to the right"),
    ("y", "cr:Float32", _STROKES, "the same, downwards"),
    ("t", "cr:Float64", _STROKES, "seconds; null where the corpus has no times"),
    ("pressure", "cr:Float32", _STROKES, "0 to 1; null where the corpus has none"),
)
_PICTURED: tuple[_Column, ...] = (("style", "sc:Text", {}, "hash of the style that the image was rendered with"),)
_OURSELVES = {"@type": "sc:Organization", "name": "The Kalamos authors"}
_COLLECTED = {"recorded": "Direct measurement"}
"""Provenance of ink -> the word of the extension for it; for all other provenances it has none but Others."""
_SPLIT_URLS = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
_WRITER = re.compile(r"(?:[A-Z]\.[- ]?)+(?:(?:van|von|den|de|del|der|El) )*[A-Z][\w'-]+(?: [A-Z][\w'-]+)?")


def of_conversion(converted: Converted) -> str:
    """Return the text of ``croissant.json`` for a conversion: its files with their hashes, and its columns."""
    card, report = converted.card, converted.report
    description = f"{card.title}, converted by Kalamos {kalamos.__version__}: ink" + (
        " and images" if converted.conversion.style else ""
    )
    return _text(
        {
            **_head(f"{card.name}-kalamos", f"{description}. {report.samples} samples of: {card.size}."),
            "version": kalamos.__version__,
            **_of_corpus(card),
            "keywords": [*KEYWORDS, *sorted(report.counts.get("script", {}))],
            "prov:wasGeneratedBy": {
                "@type": "prov:Activity",
                "prov:label": f"kalamos convert {card.name}, plan: {json.dumps(converted.conversion.plan())}",
            },
            **_responsible(converted),
            "distribution": _distribution(converted.splits()),
            "recordSet": _record_sets(converted),
        }
    )


def of_task(
    *, name: str, title: str, version: int, identity: str, card: Card, facts: Iterable[str], files: Mapping[str, str]
) -> str:
    """Return the text of ``croissant.json`` for a task: which samples, rendered how; never the corpus itself.

    Args:
        name: of the task.
        title: of the task.
        version: of the task.
        identity: its hash.
        card: of its corpus.
        facts: sentences on its samples and style.
        files: name -> SHA-256 of ``<name>.toml`` and, where its samples are pinned, ``samples.csv`` beside this text.
    """
    media = {"toml": "application/toml", "csv": "text/csv"}
    objects = [
        _file_object(file, media[file.rpartition(".")[2]], sha256, None) for file, sha256 in sorted(files.items())
    ]
    columns = {
        "key": "the sample's key in the corpus",
        "unit": "the unit of the corpus that it is read from",
        "image": "16 hex digits of the SHA-256 of height, width and pixels; - where it is not pinned",
        "truth": "checksum of the true ink in pixels, or a sketch of it (~points,strokes,seconds,x,y,...)",
    }
    fields = [
        _field("samples", column, "sc:Text", {}, about, {"fileObject": {"@id": "samples.csv"}})
        for column, about in columns.items()
    ]
    pinned = [_record_set("samples", "which samples the task has", "key", fields)] if "samples.csv" in files else []
    return _text(
        {
            **_head(f"{name}-v{version}", f"Benchmark task {name}, version {version} (hash {identity}): {title}."),
            "version": f"{version}.0.0",
            "license": [licence.url for licence in licences_in("MIT")],
            "url": HOME,
            "creator": [_OURSELVES],
            "citeAs": card.citation,
            "usageInfo": f"The samples are those of {card.title}, under its own licence: {card.licence}",
            "keywords": [*KEYWORDS, "benchmark"],
            **({"prov:wasDerivedFrom": {"@id": card.url}} if card.url else {}),
            "rai:dataCollection": _collection(card),
            "rai:dataPreprocessingProtocol": list(facts),
            "rai:dataLimitations": [f"Verified: {card.verified}"],
            "rai:dataUseCases": ["Evaluation of the recovery of pen movement from images of handwriting"],
            "rai:personalSensitiveInformation": [_sensitive(card.name)],
            "distribution": objects,
            **({"recordSet": pinned} if pinned else {}),
        }
    )


def creators(citation: str) -> tuple[str, ...]:
    """Return the authors that a card's citation names before its first colon; none where one is not plainly a name."""
    names = re.split(r", | et al\.", citation.partition(": ")[0])
    names = [name for name in names if name]
    return tuple(names) if names and all(_WRITER.fullmatch(name) for name in names) else ()


def _head(name: str, description: str) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": description,
        "conformsTo": list(_VERSIONS),
    }


def _of_corpus(card: Card) -> dict[str, Any]:
    return {
        "license": [licence.url for licence in licences_in(card.licence)] or [_in_words(card)],
        "usageInfo": f"Licence of the corpus, as its card states it: {card.licence}",
        "citeAs": card.citation,
        **_creator(card),
        **({"url": _home(card)} if _home(card) else {}),
        **({"prov:wasDerivedFrom": {"@id": card.url}} if card.url else {}),
    }


def _creator(card: Card) -> dict[str, Any]:
    if card.citation.startswith(_OURSELVES["name"]):
        return {"creator": [_OURSELVES]}
    named = creators(card.citation)
    return {"creator": [{"@type": "sc:Person", "name": name} for name in named]} if named else {}


def _in_words(card: Card) -> dict[str, str]:
    """Return a licence that has no address of its own: what the card says, and where more is to be read."""
    told = {"@type": "sc:CreativeWork", "name": card.licence}
    return told | ({"url": card.url} if card.url else {})


def _home(card: Card) -> str:
    return card.url or (HOME if card.citation.startswith(_OURSELVES["name"]) else "")


def _responsible(converted: Converted) -> dict[str, Any]:
    card, report, conversion = converted.card, converted.report, converted.conversion
    origins = report.counts.get("provenance", {})
    missing = [f"{number} pieces refused: {reason}" for reason, number in report.reasons().most_common(12)]
    announced = [f"{number} announced by the files as {what}" for what, number in report.expected.items()]
    steps = [f"{number} pieces mended by the rule {rule}" for rule, number in report.mendings.items()]
    if conversion.style is not None:
        steps.append(f"Images rendered with the style {conversion.style.hash}, seed {conversion.seed}")
    shares = [
        f"Samples by {facet}: " + ", ".join(f"{name} {number}" for name, number in numbers.items())
        for facet, numbers in report.counts.items()
        if numbers
    ]
    kinds = dict.fromkeys(_COLLECTED.get(origin, "Others") for origin in origins)
    return {
        "rai:dataCollection": _collection(card),
        **({"rai:dataCollectionType": list(kinds)} if kinds else {}),
        "rai:dataCollectionMissingData": "; ".join([*announced, f"{report.samples} converted", *missing]),
        **({"rai:dataPreprocessingProtocol": steps} if steps else {}),
        "rai:dataBiases": shares,
        "rai:dataLimitations": [f"Verified: {card.verified}"],
        "rai:dataUseCases": ["Training and evaluation of the recovery of pen movement from images of handwriting"],
        "rai:personalSensitiveInformation": [
            _sensitive(card.name) if set(origins) != {"synthetic"} else "None: the ink is computed, nobody wrote it."
        ],
    }


def _collection(card: Card) -> str:
    return f"{card.title}: {card.size}. To obtain it: {card.obtain.rstrip('.')}."


def _sensitive(corpus: str) -> str:
    return (
        f"How a person writes is biometric; writers carry the identifiers that the corpus {corpus} gives them, and "
        "nothing else about them is stored."
    )


def _distribution(splits: Mapping[str, tuple[ShardFile, ...]]) -> list[dict[str, Any]]:
    parquet = "application/x-parquet"
    objects = [_file_object(file.name, parquet, file.sha256, file.bytes) for files in splits.values() for file in files]
    sets = [
        {
            "@type": "cr:FileSet",
            "@id": f"{split}-files",
            "name": f"{split}-files",
            "description": f"{sum(file.rows for file in files)} samples",
            "encodingFormat": parquet,
            "includes": f"{files[0].split}-*.parquet",
        }
        for split, files in splits.items()
    ]
    return [*objects, *sets]


def _file_object(name: str, media: str, sha256: str, size: int | None) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        **({} if size is None else {"contentSize": f"{size} B"}),
        "encodingFormat": media,
        "sha256": sha256,
    }


def _record_sets(converted: Converted) -> list[dict[str, Any]]:
    splits = converted.splits()
    columns = (*_COLUMNS, *(_PICTURED if converted.conversion.style else ()))
    sets = []
    for split in splits:
        source = {"fileSet": {"@id": f"{split}-files"}}
        fields = [_field(split, name, kind, more, about, source) for name, kind, more, about in columns]
        if converted.conversion.style:
            fields += [_image_field(split, source), _placement_field(split, source)]
        sets.append(_record_set(split, f"the samples of the split {split}, a record a sample", "key", fields))
    return [_splits(splits), *sets] if splits else []


def _splits(names: Iterable[str]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"},
        {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": ["sc:URL", "cr:Split"]},
    ]
    known = [{"splits/name": name, "splits/url": _SPLIT_URLS.get(name, "cr:Split")} for name in names]
    return {
        **_record_set("splits", "the splits; each is a record set of its own", "name", fields),
        "dataType": "cr:Split",
        "data": known,
    }


def _record_set(name: str, about: str, key: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": about,
        "key": {"@id": f"{name}/{key}"},
        "field": fields,
    }


def _field(
    record: str, column: str, kind: str, more: Mapping[str, Any], about: str, source: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{record}/{column}",
        "name": column,
        "description": about,
        "dataType": kind,
        **more,
        "source": {**source, "extract": {"column": column}},
    }


def _image_field(record: str, source: Mapping[str, Any]) -> dict[str, Any]:
    image = _field(record, "image", "sc:ImageObject", {}, "the image, PNG, grey, paper 255", source)
    image["source"]["transform"] = {"jsonPath": "bytes"}
    return image


def _placement_field(record: str, source: Mapping[str, Any]) -> dict[str, Any]:
    about = "where the ink lies on the image: px = scale * xy + (dx, dy)"
    parts = []
    for part in ("scale", "dx", "dy"):
        field = _field(record, "placement", "sc:Float", {}, part, source)
        field |= {"@id": f"{record}/placement/{part}", "name": part}
        field["source"]["transform"] = {"jsonPath": part}
        parts.append(field)
    return {
        "@type": "cr:Field",
        "@id": f"{record}/placement",
        "name": "placement",
        "description": about,
        "subField": parts,
    }


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
