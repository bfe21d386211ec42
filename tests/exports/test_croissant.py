"""Croissant 1.1, by the validator of its authors: conversions and tasks pass, a broken field does not."""

from __future__ import annotations

import csv
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from support_exports import SAMPLES, convert_tiny

from kalamos.benchmark.task import task_names
from kalamos.commands.describe import describe_task
from kalamos.datasets import CORPORA
from kalamos.datasets.conversion import Conversion, ConversionReport, Converted, ShardFile
from kalamos.datasets.croissant import creators, of_conversion
from kalamos.datasets.licences import licences_in, passing_on
from kalamos.machinery.files import sha256_of
from kalamos.renderers import preset

mlcroissant = pytest.importorskip("mlcroissant")
REQUIRED = {"@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "distribution"}
"""What the specification asks for and the validator lets pass; for datePublished see below."""
MAY_BE_MISSING = "datePublished"
"""No card knows the day on which a corpus was published, and none is made up."""


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("absl").setLevel(logging.ERROR)


def validated(document):
    """Return what the validator read, and its warnings but the one that is expected."""
    found = mlcroissant.Dataset(jsonld=document)
    warnings = [line for line in found.metadata.ctx.issues.warnings if MAY_BE_MISSING not in line]
    return found, warnings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return convert_tiny(tmp_path_factory.mktemp("converted") / "out")


def test_a_conversion_passes_and_its_records_are_its_rows(folder):
    found, warnings = validated(folder / "croissant.json")
    assert warnings == []
    manifest = json.loads((folder / "manifest.json").read_text())
    for split in ("train", "validation", "test"):
        records = list(found.records(split))
        assert len(records) == sum(file["rows"] for file in manifest["files"] if file["split"] == split) > 0
        first = records[0]
        assert first[f"{split}/split"] == split.encode()
        assert first[f"{split}/image"].size == (64, 64)
        strokes = [len(first[f"{split}/{axis}"]) for axis in "xyt"]
        assert strokes[0] >= 1
        assert len(set(strokes)) == 1
        assert set(first[f"{split}/placement"]) == {f"{split}/placement/{name}" for name in ("scale", "dx", "dy")}
    assert found.metadata.ctx.conforms_to.value.endswith("/1.1")
    for said in (
        "data_collection",
        "data_biases",
        "data_limitations",
        "data_use_cases",
        "personal_sensitive_information",
    ):
        assert getattr(found.metadata, said), f"the responsible-AI field {said} is not read: its name is wrong"
    assert found.metadata.data_collection_missing_data.startswith(f"{SAMPLES} announced")
    assert [creator.name for creator in found.metadata.creators] == ["The Kalamos authors"]


def test_every_file_stands_there_with_its_own_hash(folder):
    said = json.loads((folder / "croissant.json").read_text())["distribution"]
    files = {item["@id"]: item["sha256"] for item in said if item["@type"] == "cr:FileObject"}
    assert files == {path.name: sha256_of(path) for path in folder.glob("*.parquet")}


def test_what_the_specification_requires_is_there(folder, tmp_path):
    assert json.loads((folder / "croissant.json").read_text()).keys() >= REQUIRED
    describe_task("latin-words", tmp_path)
    assert json.loads((tmp_path / "croissant.json").read_text()).keys() >= REQUIRED


def without(document, *path):
    *way, last = path
    for step in way:
        document = document[step]
    del document[last]


BREAKS = {
    "a field without a type": lambda d: without(d, "recordSet", 1, "field", 0, "dataType"),
    "a field of a column of nothing": lambda d: d["recordSet"][1]["field"][0]["source"].update(
        fileSet={"@id": "no-such-files"}
    ),
    "a file without a hash": lambda d: without(d, "distribution", 0, "sha256"),
    "a file set without a pattern": lambda d: without(d, "distribution", -1, "includes"),
    "a licence that is a number": lambda d: d.update(license=[7]),
    "two things of one name": lambda d: d["recordSet"][2].update({"@id": "train"}),
    "a stroke shape of an array that is none": lambda d: without(d, "recordSet", 1, "field", 12, "isArray"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_does_not_pass(folder, what):
    document = json.loads((folder / "croissant.json").read_text())
    BREAKS[what](document)
    with pytest.raises((mlcroissant.ValidationError, ValueError, KeyError)):
        mlcroissant.Dataset(jsonld=document)


def test_ink_alone_has_no_image(tmp_path):
    folder = convert_tiny(tmp_path / "out", images=False)
    found, warnings = validated(folder / "croissant.json")
    assert warnings == []
    assert not any("image" in name or "style" in name for name in next(iter(found.records("test"))))


@pytest.mark.parametrize("name", [*task_names(), "latin-characters@1"])
def test_every_task_passes(name, tmp_path):
    describe_task(name, tmp_path)
    found, warnings = validated(tmp_path / "croissant.json")
    assert warnings == []
    assert found.metadata.license == ["https://spdx.org/licenses/MIT.html"]
    if name == "latin-characters":
        records = list(found.records("samples"))
        with (tmp_path / "samples.csv").open() as file:
            assert [record["samples/key"].decode() for record in records] == [
                row["key"] for row in csv.DictReader(file)
            ]


def test_the_same_task_gives_the_same_bytes_and_no_file_is_replaced_unasked(tmp_path):
    from kalamos.errors import StoreError

    first, second = (describe_task("latin-words", tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    with pytest.raises(StoreError, match="there already"):
        describe_task("latin-words", tmp_path / "a")
    describe_task("latin-words", tmp_path / "a", overwrite=True)


def test_a_task_cannot_name_a_file_elsewhere(tmp_path):
    from kalamos.errors import TaskError

    mine = tmp_path / "mine.toml"
    mine.write_text('name = "../../x"\nversion = 1\ntitle = "t"\ncorpus = "synthetic"\n')
    with pytest.raises(TaskError, match="cannot be called"):
        describe_task(str(mine), tmp_path / "out")
    mine.write_text(mine.read_text().replace("../../x", "x"))
    found, warnings = (describe_task(str(mine), tmp_path / "out"), validated(tmp_path / "out" / "croissant.json")[1])
    assert {path.name for path in found} == {"croissant.json", "README.md", "eval.yaml", "x.toml"}
    assert warnings == []


def test_creators_are_those_of_the_citation_or_nobody():
    assert creators("A. de Bruin, J.-P. Sartre, H. El Abed et al.: Title. 2011") == (
        "A. de Bruin",
        "J.-P. Sartre",
        "H. El Abed",
    )
    for citation in ("that of the files", "A Laboratory, A University: Title", "A. Name, and others: Title", ""):
        assert creators(citation) == ()
    for name in CORPORA.builtins:
        for person in creators(CORPORA.load(name).card.citation):
            assert person in CORPORA.load(name).card.citation


def test_a_licence_counts_only_where_its_name_stands():
    card = CORPORA.load("assamese").card
    assert [licence.spdx for licence in licences_in(card.licence)] == ["MIT", "CC-BY-4.0"]
    assert [licence.spdx for licence in licences_in("CC BY-NC-SA 4.0")] == ["CC-BY-NC-SA-4.0"]
    for text in ("free for research, on request", "CC BY-ND 4.0", "SUMMIT", "PERMIT", "MIT-like", ""):
        assert passing_on(text) == "not allowed", text
    assert passing_on(CORPORA.load("auto").card.licence) == "the user's"
    assert passing_on(CORPORA.load("corrected").card.licence) == "the user's"
    assert passing_on(CORPORA.load("iam-ondb").card.licence) == "not allowed"
    assert passing_on(replace(card, licence="CC BY 4.0").licence) == "allowed"


@pytest.mark.parametrize("name", sorted(CORPORA.builtins))
def test_the_description_of_every_corpus_passes(name):
    card = CORPORA.load(name).card
    report = ConversionReport(2, {"script": {"Latn": 2}, "provenance": {"recorded": 2}}, {}, {"rule": 1}, {}, ())
    files = tuple(ShardFile(f"{split}-00000-of-00001.parquet", split, 1, 9, "0" * 64) for split in ("train", "test"))
    document = json.loads(of_conversion(Converted(Conversion(name, Path(), (), preset("clean")), card, report, files)))
    found, warnings = validated(document)
    assert warnings == []
    assert found.metadata.license
    assert document["usageInfo"].endswith(card.licence)
    assert {"creator", "url"} - document.keys() == {
        *(set() if creators(card.citation) or card.citation.startswith("The Kalamos") else {"creator"}),
        *(set() if card.url or card.citation.startswith("The Kalamos") else {"url"}),
    }


@pytest.mark.corpora
@pytest.mark.parametrize("corpus", ["pendigits", "omniglot"])
def test_a_real_corpus_passes(corpora, corpus, tmp_path):
    from kalamos.datasets.convert import Conversion, convert

    convert(Conversion(corpus, Path(corpora) / corpus), tmp_path)
    found, warnings = validated(tmp_path / "croissant.json")
    assert warnings == []
    assert found.metadata.creators
    assert next(iter(found.records("train")))
