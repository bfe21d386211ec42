"""``kalamos push``: nothing leaves the machine unasked, nothing that a licence forbids leaves it at all."""

from __future__ import annotations

import importlib
import json
import shutil

import pytest
from commands import kalamos
from hub_stand_in import hub_stand_in
from support_exports import convert_tiny

from kalamos.commands.describe import describe_task
from kalamos.commands.push import parcel, send
from kalamos.datasets import CORPORA
from kalamos.datasets.licences import passing_on
from kalamos.errors import KalamosError, StoreError

hub_library = pytest.importorskip("huggingface_hub")
REPOSITORY = "someone/letters"
CARD = "---\nmodel-index:\n- name: x\n  results: []\n---\n# x\n"


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    return convert_tiny(tmp_path_factory.mktemp("converted") / "out")


@pytest.fixture
def folder(converted, tmp_path):
    return shutil.copytree(converted, tmp_path / "out")


@pytest.fixture
def hub(monkeypatch):
    """The stand-in, with large files sent the plain way; the way through Xet is the library's own."""
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    with hub_stand_in() as running:
        yield running


def of(folder, corpus):
    """Make a folder one of another corpus."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"corpus": corpus}))
    return folder


def test_dry_is_the_default_and_says_everything(folder, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    shown = kalamos("push", folder, REPOSITORY)
    for name in ("README.md", "croissant.json", "train-00000-of-00001.parquet", "MIT", "nothing was sent"):
        assert name in shown
    assert "stays here: plan.json" in shown
    assert ".inputs.json" not in shown
    assert hub.asked == []


def test_a_conversion_arrives_as_it_is_in_one_commit_and_private(folder, hub):
    address = send(parcel(folder, REPOSITORY), endpoint=hub.address, token=hub.token)
    (held,) = hub.files.values()
    sent = {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in ("plan.json", ".inputs.json")}
    assert held == sent
    assert len(hub.commits) == 1
    assert hub.repositories[f"datasets/{REPOSITORY}"]["visibility"] == "private"
    assert address.startswith(hub.address)
    send(parcel(folder, REPOSITORY), endpoint=hub.address, token=hub.token)  # once more: the repository is there


def test_public_is_asked_for(folder, hub):
    send(parcel(folder, REPOSITORY), public=True, endpoint=hub.address, token=hub.token)
    assert hub.repositories[f"datasets/{REPOSITORY}"]["visibility"] == "public"


def test_what_the_hub_refuses_is_an_error_in_a_line(folder, hub):
    with pytest.raises(KalamosError, match="did not take it"):
        send(parcel(folder, REPOSITORY), endpoint=hub.address, token="hf_wrong")
    hub.full = True
    with pytest.raises(KalamosError, match="did not take it"):
        send(parcel(folder, REPOSITORY), endpoint=hub.address, token=hub.token)
    assert hub.files == {}


@pytest.mark.parametrize(
    "corpus", [n for n in CORPORA.builtins if passing_on(CORPORA.load(n).card.licence) == "not allowed"]
)
def test_what_a_licence_does_not_allow_is_never_sent(folder, corpus, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    of(folder, corpus)
    for more in ([], ["--send"], ["--licence", "MIT"], ["--licence", "MIT", "--send", "--public"]):
        shown = kalamos("push", folder, REPOSITORY, *more, code=1)
        assert CORPORA.load(corpus).card.licence in shown
        assert "Nothing is sent" in shown
    assert hub.asked == []


def test_files_of_ones_own_need_a_licence_which_goes_into_the_card(folder, hub):
    of(folder, "auto")
    with pytest.raises(KalamosError, match="say under which licence"):
        parcel(folder, REPOSITORY)
    with pytest.raises(KalamosError, match="no licence 'free'"):
        parcel(folder, REPOSITORY, "free")
    before = (folder / "README.md").read_bytes()
    send(parcel(folder, REPOSITORY, "CC-BY-4.0"), endpoint=hub.address, token=hub.token)
    (held,) = hub.files.values()
    card = hub_library.DatasetCard(held["README.md"].decode())
    assert card.data.license == "cc-by-4.0"
    assert card.data.configs == hub_library.DatasetCard(before.decode()).data.configs
    assert json.loads(held["croissant.json"])["license"] == ["https://creativecommons.org/licenses/by/4.0/"]
    assert (folder / "README.md").read_bytes() == before, "the folder itself is not changed"


def test_another_licence_than_that_of_the_corpus_is_refused(folder):
    with pytest.raises(KalamosError, match="has its own licence"):
        parcel(folder, REPOSITORY, "CC0-1.0")


def test_a_conversion_that_is_not_whole_or_was_changed_is_not_sent(folder):
    shard = next(folder.glob("train-*.parquet"))
    right = shard.read_bytes()
    shard.write_bytes(right[:-1] + b"x")
    with pytest.raises(StoreError, match="is not what the conversion wrote"):
        parcel(folder, REPOSITORY)
    shard.unlink()
    with pytest.raises(StoreError, match="is not what the conversion wrote"):
        parcel(folder, REPOSITORY)
    shard.write_bytes(right)
    (folder / "croissant.json").unlink()
    with pytest.raises(StoreError, match=r"croissant\.json is missing"):
        parcel(folder, REPOSITORY)
    (folder / "manifest.json").unlink()
    with pytest.raises(StoreError, match="not whole"):
        parcel(folder, REPOSITORY)


def test_a_manifest_cannot_send_what_lies_elsewhere(folder, tmp_path):
    (tmp_path / "secret.parquet").write_bytes(b"x")
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("../secret.parquet", "/etc/passwd", ".ssh.parquet"):
        manifest["files"][0]["name"] = name
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(StoreError, match="elsewhere"):
            parcel(folder, REPOSITORY)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    (folder / ".eval_results").mkdir()
    (folder / ".eval_results" / "x.yaml").symlink_to("/etc/hostname")
    with pytest.raises(StoreError, match="is a link"):
        parcel(folder, REPOSITORY)


def test_a_report_that_names_this_machine_stays_here(folder):
    assert "report.json" in [file.name for file in parcel(folder, REPOSITORY).files]
    report = json.loads((folder / "report.json").read_text())
    report["refusals"] = [{"source": "a", "where": "", "reason": "/home/ada/corpus/a.dat cannot be read"}]
    (folder / "report.json").write_text(json.dumps(report))
    packed = parcel(folder, REPOSITORY)
    assert "report.json" not in [file.name for file in packed.files]
    assert any("names folders of this machine" in name for name in packed.left)


def test_strangers_in_the_folder_stay_here(folder):
    (folder / "diary.txt").write_text("mine")
    (folder / ".env").write_text("HF_TOKEN=hf_x")
    packed = parcel(folder, REPOSITORY)
    assert not {"diary.txt", ".env"} & {file.name for file in packed.files}
    assert "diary.txt" in packed.left


def test_a_task_and_a_model_card_are_sent_too(tmp_path, hub):
    describe_task("latin-words", tmp_path / "task")
    packed = parcel(tmp_path / "task", "someone/latin-words-v2")
    assert packed.kind == "dataset"
    send(packed, endpoint=hub.address, token=hub.token)
    assert {"samples.csv", "latin-words.toml", "eval.yaml", "croissant.json", "README.md"} == set(
        hub.files["datasets/someone/latin-words-v2"]
    )
    (tmp_path / "model" / ".eval_results").mkdir(parents=True)
    (tmp_path / "model" / "README.md").write_text(CARD)
    (tmp_path / "model" / ".eval_results" / "latin-words-v2.yaml").write_text("- {}\n")
    packed = parcel(tmp_path / "model", "someone/model")
    assert packed.kind == "model"
    send(packed, endpoint=hub.address, token=hub.token)
    assert set(hub.files["models/someone/model"]) == {"README.md", ".eval_results/latin-words-v2.yaml"}


def test_of_a_task_only_what_is_described_is_sent(tmp_path):
    describe_task("latin-words", tmp_path)
    (tmp_path / "secrets.toml").write_text("token = 1")
    packed = parcel(tmp_path, REPOSITORY)
    assert "secrets.toml" in packed.left
    assert "secrets.toml" not in [file.name for file in packed.files]
    (tmp_path / "samples.csv").write_text("key\n")
    with pytest.raises(StoreError, match="is not what is described"):
        parcel(tmp_path, REPOSITORY)
    (tmp_path / "croissant.json").write_text('{"distribution": [{"@id": "../x.toml", "sha256": "0"}]}')
    with pytest.raises(StoreError, match="is not what is described"):
        parcel(tmp_path, REPOSITORY)


def test_any_other_folder_is_not_sent(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(KalamosError, match="nothing else is sent"):
        parcel(tmp_path, REPOSITORY)


@pytest.mark.parametrize("name", ["letters", "a/b/c", "../x", "a/..", "a b/c", "/x", "x/", "a/" + "b" * 300])
def test_a_name_that_is_none_is_refused(folder, name):
    with pytest.raises(KalamosError, match="OWNER/NAME"):
        parcel(folder, name)
