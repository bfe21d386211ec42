"""Converted folders as Hugging Face sees them: real splits, a card that its own classes read."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support_exports import convert_tiny

from kalamos.datasets import CORPORA
from kalamos.datasets.conversion import Conversion, ConversionReport, Converted, ShardFile
from kalamos.datasets.convert import convert
from kalamos.datasets.hub_card import dataset_card
from kalamos.datasets.shards import Shard, shard_facts
from kalamos.errors import StoreError
from kalamos.storage.parquet import file_metadata, read_rows

hub = pytest.importorskip("huggingface_hub")
SPLITS = {"train": 186, "validation": 62, "test": 62}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return convert_tiny(tmp_path_factory.mktemp("converted") / "out", images=False, writers=12)


def test_load_dataset_shows_the_splits(tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = convert_tiny(tmp_path / "out")
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "hf"))
    assert {split: loaded[split].num_rows for split in loaded} == SPLITS
    for split, rows in loaded.items():
        assert set(rows["split"]) == {split}
    assert loaded["test"][0]["image"].size == (64, 64)


def test_each_file_holds_one_split_and_nothing_is_lost(folder):
    keys = []
    for path in folder.glob("*.parquet"):
        rows = list(read_rows(path, images=False))
        assert {row.sample.split for row in rows} == {path.name.partition("-")[0]}
        keys += [row.sample.key for row in rows]
    assert len(keys) == len(set(keys)) == 12 * 62
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {file["name"] for file in manifest["files"]} == {path.name for path in folder.glob("*.parquet")}


def test_any_number_of_workers_gives_the_same_bytes(folder, tmp_path):
    again = convert_tiny(tmp_path / "out", images=False, writers=12, workers=2)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }


def settings_of(folder):
    plan = json.loads((folder / "plan.json").read_text())
    return Conversion("synthetic", Path(), tuple(plan["options"].items()), None, shards=2)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_lost_file_is_made_anew_and_no_other_shard(folder, tmp_path, split):
    again = tmp_path / "out"
    shutil.copytree(folder, again)
    (whole,) = again.glob("test-*.parquet")  # the shard that has all three
    others = {path: path.stat().st_mtime_ns for path in again.glob("*.parquet") if path.name[-20:] != whole.name[-20:]}
    lost = whole.name.replace("test", split)
    (again / lost).unlink()
    convert(settings_of(again), again)
    assert others
    assert (again / lost).read_bytes() == (folder / lost).read_bytes()
    assert {path: path.stat().st_mtime_ns for path in others} == others


class Killed(BaseException):
    pass


@pytest.mark.parametrize("renames", [1, 2])
def test_a_run_that_ends_between_two_renames_has_not_done_the_shard(folder, tmp_path, monkeypatch, renames):
    (whole,) = folder.glob("test-*.parquet")
    replace_file, done = Path.replace, []

    def ending(self, target):
        if Path(target).name.endswith(whole.name[-20:]):
            if len(done) == renames:
                raise Killed
            done.append(target)
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", ending)
    again = tmp_path / "out"
    with pytest.raises(Killed):
        convert_tiny(again, images=False, writers=12)
    monkeypatch.undo()
    there = list(again.glob(f"*{whole.name[-20:]}"))
    assert len(there) == renames
    units = json.loads(file_metadata(there[0])["kalamos"])["units"]
    assert shard_facts(Shard(again, int(whole.name[5:10]), 2, units)) is None
    convert_tiny(again, images=False, writers=12)
    assert {path.name: path.read_bytes() for path in again.glob("*.parquet")} == {
        path.name: path.read_bytes() for path in folder.glob("*.parquet")
    }


@pytest.mark.parametrize("ends", [None, -9])
def test_a_file_of_another_split_in_the_place_of_one_is_noticed(folder, tmp_path, ends):
    again = tmp_path / "out"
    shutil.copytree(folder, again)
    (whole,) = again.glob("test-*.parquet")
    whole.write_bytes((again / whole.name.replace("test", "validation")).read_bytes()[:ends])
    with pytest.raises(StoreError, match=f"{whole.name} is damaged"):
        convert(settings_of(again), again)


def test_a_folder_of_the_former_layout_is_read_and_not_continued(folder, tmp_path):
    again = tmp_path / "out"
    shutil.copytree(folder, again)
    plan = json.loads((again / "plan.json").read_text())
    del plan["layout"]
    (again / "plan.json").write_text(json.dumps(plan))
    with pytest.raises(StoreError, match=r"other settings \(layout\)"):
        convert(settings_of(again), again)
    assert len(list(read_rows(again, images=False))) == 12 * 62


def card_of(card, files, samples=3):
    report = ConversionReport(samples, {}, {}, {}, {}, ())
    return dataset_card(Converted(Conversion(card.name, None), card, report, tuple(files)))


def shard(split, rows=1):
    return ShardFile(f"{split}-00000-of-00001.parquet", split, rows, 10, "0" * 64)


def read_card(text):
    return hub.DatasetCard(text).data


def test_the_head_is_read_by_the_hubs_own_classes(folder):
    data = hub.DatasetCard.load(folder / "README.md", repo_type="dataset").data
    assert data.license == "mit"
    assert data.size_categories == ["n<1K"]
    (config,) = data.to_dict()["configs"]
    assert [file["split"] for file in config["data_files"]] == ["train", "validation", "test"]


def test_samples_without_a_split_are_train_alone_and_unsplit_beside_others():
    card = CORPORA.load("auto").card
    one = read_card(card_of(card, [shard("part")])).to_dict()["configs"][0]["data_files"]
    assert one == [{"split": "train", "path": ["part-*.parquet"]}]
    two = read_card(card_of(card, [shard("part"), shard("test"), shard("train", 0)])).to_dict()["configs"][0]
    assert [file["split"] for file in two["data_files"]] == ["test", "unsplit"]


def test_no_text_of_a_card_breaks_the_head():
    card = replace(
        CORPORA.load("iam-ondb").card, title='A: "b"\n---\n# - {c} \u202e', licence="own: #1\n---", url="http://x/a: b"
    )
    data = read_card(card_of(card, [shard("train")]))
    assert data.pretty_name == card.title
    assert data.license == "other"
    assert data.license_link == card.url


@pytest.mark.parametrize("name", sorted(CORPORA.builtins))
def test_the_head_of_every_corpus_is_read(name):
    card = CORPORA.load(name).card
    data = read_card(card_of(card, [shard("train")]))
    assert data.pretty_name == card.title
    assert data.license


def test_an_empty_conversion_has_a_card():
    assert "configs" not in read_card(card_of(CORPORA.load("auto").card, [shard("part", 0)], 0)).to_dict()
