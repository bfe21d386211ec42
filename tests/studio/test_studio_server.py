"""The studio's server: who may ask, what may be asked for, and two windows on one picture."""

import json
import os
import shutil

import pytest
from PIL import Image
from studio_pages import make_page, picture, recovered

pytest.importorskip("httpx")
pytest.importorskip("starlette")
from starlette.testclient import TestClient

from kalamos.datasets.corpus import UnitReport
from kalamos.datasets.corrected import CORPUS
from kalamos.errors import CorpusError, FormatError, KalamosError, StoreError
from kalamos.scans import read as reading
from kalamos.studio.drawer import HIDDEN, Drawer
from kalamos.studio.recoveries import Recoveries
from kalamos.studio.serve import serve
from kalamos.studio.server import Studio, app_of

HOST = "127.0.0.1:5000"
FACTS = {"writer": "Ada", "script": "Latn", "licence": "CC0"}
REVERSE = {"do": "reverse", "part": 0, "strokes": [0]}


class Client:
    """A window: it knows the token, and comes from the right origin unless told otherwise."""

    def __init__(self, root):
        self.drawer = Drawer(root)
        self.recoveries = Recoveries(self.drawer)
        self.studio = Studio(self.drawer, self.recoveries)
        self.http = TestClient(app_of(self.studio, "secret", (HOST,)), base_url=f"http://{HOST}")

    def get(self, path, token="secret", **headers):
        return self.http.get(f"/{token}/{path}", headers=headers)

    def post(self, path, body, **headers):
        said = {"origin": f"http://{HOST}", "content-type": "application/json", **headers}
        return self.http.post(f"/secret/{path}", content=json.dumps(body), headers=said)

    def recover(self):
        """Take the ink that lies beside the pictures, as the queue does."""
        for item in self.drawer.items():
            self.recoveries.take(item)


@pytest.fixture
def client(tmp_path):
    make_page(tmp_path)
    made = Client(tmp_path)
    made.recover()
    yield made
    made.drawer.close()


def test_a_page_is_opened_changed_and_saved(client, tmp_path):
    before = (tmp_path / "page.inkml").read_bytes()
    said = client.get("api/page?key=page.png%231").json()
    assert (said["version"], len(said["parts"]), said["state"]) == (0, 3, "recovered")
    after = client.post("api/act", {"key": "page.png#1", "version": 0, "have": [1, 2, 3], "action": REVERSE}).json()
    assert after["version"] == 1
    assert ["strokes" in part for part in after["parts"]] == [True, False, False]
    refused = client.post("api/save", {"key": "page.png#1", "version": 1})
    assert refused.status_code == 400
    assert "licence" in refused.json()["error"]
    assert client.post("api/facts", {**FACTS, "script": "Xxxx"}).status_code == 400
    assert client.post("api/facts", {**FACTS, "script": "latn"}).json() == FACTS
    assert client.post("api/save", {"key": "page.png#1", "version": 1}).json()["file"] == "page.corrected.inkml"
    assert (tmp_path / "page.inkml").read_bytes() == before
    assert client.get("api/cards").json()["items"][0]["state"] == "saved"
    samples = list(CORPUS.read(tmp_path, "page.corrected.inkml", UnitReport()))
    assert {(s.writer, s.script, s.provenance, s.level) for s in samples} == {("Ada", "Latn", "corrected", "word")}
    image, placement = CORPUS.image(tmp_path, samples[0])
    ink = placement.to_pixels(samples[0].ink)
    at = image.pixels[ink.xy[:, 1].astype(int), ink.xy[:, 0].astype(int)]
    assert (at < 128).mean() > 0.9  # the truth lies on the ink of the real picture


def test_two_windows_do_not_overwrite_each_other(client):
    assert client.post("api/act", {"key": "page.png#1", "version": 0, "action": REVERSE}).status_code == 200
    late = client.post("api/act", {"key": "page.png#1", "version": 0, "action": {**REVERSE, "do": "delete"}})
    assert late.status_code == 409
    for version in (True, 1.5, "1", None, [1]):
        body = {"key": "page.png#1", "version": version, "action": REVERSE}
        assert client.post("api/act", body).status_code == 409
    assert client.post("api/save", {"key": "page.png#1", "version": 0}).status_code == 409
    assert client.get("api/page?key=page.png%231").json()["version"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"host": "evil.example"},
        {"host": "127.0.0.1:5001"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_strangers_page_can_change_nothing(client, headers):
    answer = client.post("api/act", {"key": "page.png#1", "version": 0, "action": REVERSE}, **headers)
    assert answer.status_code in {403, 415}
    assert client.get("api/page?key=page.png%231").json()["version"] == 0


def test_nothing_without_the_token_and_every_answer_carries_the_policy(client):
    for token in ("", "wrong", "secre", "secret2", "%73ecret2"):
        assert client.get("", token=token).status_code in {403, 404}
        assert client.get("api/cards", token=token).status_code in {403, 404}
    assert client.get("api/cards", host="rebound.example").status_code == 403
    for path in ("", "main.js", "studio.css", "api/cards", "api/page?key=nothing", "nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert client.get("", token="wrong").headers["x-content-type-options"] == "nosniff"


def test_too_much_is_refused(client):
    answer = client.post("api/act", {"key": "page.png#1", "version": 0, "action": {"do": "x" * 3_000_000}})
    assert answer.status_code == 413
    deep = client.http.post(
        "/secret/api/act",
        content="[" * 100_000,
        headers={"origin": f"http://{HOST}", "content-type": "application/json"},
    )
    assert deep.status_code == 400


def test_no_path_leads_out_of_the_folder(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    picture().save(outside / "secret.png")
    make_page(inside)
    (inside / "link.png").symlink_to(outside / "secret.png")
    (inside / "folder").symlink_to(outside)
    client = Client(inside)
    assert [item["name"] for item in client.get("api/cards").json()["items"]] == ["page.png"]
    for key in ("../outside/secret.png#1", "link.png#1", "folder/secret.png#1", str(outside / "secret.png") + "#1", ""):
        for what in ("page", "thumb", "tile"):
            answer = client.http.get(f"/secret/api/{what}", params={"key": key, "level": 0, "x": 0, "y": 0})
            assert answer.status_code == 404, key
    (inside / "page.png").unlink()  # a picture that becomes a link while it is known
    (inside / "page.png").symlink_to(outside / "secret.png")
    assert client.get("api/thumb?key=page.png%231").status_code in {400, 404}
    client.drawer.close()


def test_a_picture_that_changes_while_it_is_open(client, tmp_path):
    client.post("api/act", {"key": "page.png#1", "version": 0, "action": REVERSE})
    picture().transpose(1).save(tmp_path / "page.png")
    assert client.post("api/act", {"key": "page.png#1", "version": 1, "action": REVERSE}).status_code == 409
    assert client.post("api/save", {"key": "page.png#1", "version": 1}).status_code == 409
    said = client.get("api/page?key=page.png%231").json()
    assert said["state"] == "waiting"
    aside = [path.name for path in (tmp_path / HIDDEN).iterdir() if ".of-" in path.name]
    assert len(aside) == 1
    assert (tmp_path / HIDDEN / aside[0] / "actions.log").is_file()


def test_a_saved_page_of_another_picture_is_no_truth(client, tmp_path):
    client.post("api/facts", FACTS)
    client.post("api/save", {"key": "page.png#1", "version": 0})
    picture().transpose(1).save(tmp_path / "page.png")
    report = UnitReport()
    assert list(CORPUS.read(tmp_path, "page.corrected.inkml", report)) == []
    assert "changed" in report.refusals[0].reason


def test_a_folder_that_does_not_say_whose_it_is_is_no_corpus(tmp_path):
    with pytest.raises(CorpusError, match="licence"):
        CORPUS.units(tmp_path)


def test_names_are_text_whatever_they_hold(tmp_path):
    name = "<script>alert(1)</script>"[:20].replace("/", "_") + " &\"'#1"
    make_page(tmp_path, name)
    client = Client(tmp_path)
    client.recover()
    key = client.get("api/cards").json()["items"][0]["key"]
    assert client.http.get("/secret/api/page", params={"key": key}).json()["state"] == "recovered"
    client.drawer.close()


def test_one_studio_a_folder_and_a_killed_one_does_not_lock_it(tmp_path):
    drawer = Drawer(tmp_path)
    with pytest.raises(StoreError, match="another studio"):
        Drawer(tmp_path)
    drawer.close()
    (tmp_path / HIDDEN / "lock").write_text("999999999 0.0")
    Drawer(tmp_path).close()


def test_a_picture_that_is_none_is_told_and_the_rest_goes_on(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    client = Client(tmp_path)
    assert client.get("api/page?key=broken.png%231").status_code == 400
    assert client.get("api/thumb?key=empty.jpg%231").status_code == 400
    client.drawer.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError):
        Drawer(tmp_path)
    tmp_path.chmod(0o700)


def test_a_name_that_is_no_utf8_breaks_nothing(client, tmp_path):
    picture().save(tmp_path / "bad\udcff.png")
    (tmp_path / "worse\udcff.png").write_bytes(b"no picture")
    keys = {item["key"] for item in client.get("api/cards").json()["items"]}
    assert keys == {"page.png#1", "bad\\xff.png#1", "worse\\xff.png#1"}
    assert client.http.get("/secret/api/thumb", params={"key": "bad\\xff.png#1"}).status_code == 200
    assert "none of" in client.http.get("/secret/api/page", params={"key": "worse\\xff.png#1"}).json()["error"]


def test_no_two_pictures_share_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    long = "x" * 200
    for name in ("a/b.png", "a+b.png", "q?1.png", "q_1.png", "q:1.png", f"{long}1.png", f"{long}2.png"):
        picture().save(tmp_path / name)
    drawer = Drawer(tmp_path)
    items = drawer.items()
    assert len({drawer.own(item) for item in items}) == len(items) == 7
    drawer.close()


def test_ink_of_another_picture_beside_is_not_taken(tmp_path, monkeypatch):
    path = make_page(tmp_path)
    client = Client(tmp_path)
    (item,) = client.drawer.items()
    answers = []
    monkeypatch.setattr(client.recoveries, "_computed", lambda *job: answers.append(job) or recovered("page.png"))
    client.recover()
    assert answers == []  # the ink beside it is its own
    client.post("api/act", {"key": item.key, "version": 0, "action": REVERSE})
    picture().transpose(1).save(path)  # of the same size
    client.recover()
    assert len(answers) == 1
    picture().resize((300, 200)).save(tmp_path / "other.png")
    (tmp_path / "other.inkml").write_bytes((tmp_path / "page.inkml").read_bytes())
    client.recover()
    assert len(answers) == 2
    client.drawer.close()


def test_picture_and_ink_that_were_renamed_belong_together(tmp_path):
    make_page(tmp_path).rename(tmp_path / "renamed.png")
    (tmp_path / "page.inkml").rename(tmp_path / "renamed.inkml")
    client = Client(tmp_path)
    client.recover()
    client.post("api/facts", FACTS)
    assert client.post("api/save", {"key": "renamed.png#1", "version": 0}).status_code == 200
    assert len(list(CORPUS.read(tmp_path, "renamed.corrected.inkml", UnitReport()))) == 3
    client.drawer.close()


def test_a_late_page_of_a_file_does_not_read_those_before_it(tmp_path, monkeypatch):
    picture().save(tmp_path / "many.tif", save_all=True, append_images=[picture()] * 4)
    read = []
    monkeypatch.setattr(reading, "_pixels", lambda *given, was=reading._pixels: read.append(1) or was(*given))
    assert reading.numbered_page(tmp_path / "many.tif", 5).number == 5
    assert len(read) == 1
    with pytest.raises(FormatError, match="no page 6"):
        reading.numbered_page(tmp_path / "many.tif", 6)


@pytest.mark.parametrize("turn", [1, 6, 8])
def test_the_size_of_a_page_is_that_of_its_pixels(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    picture().save(tmp_path / "page.jpg", exif=exif)
    assert reading.size_of(tmp_path / "page.jpg", 1) == reading.numbered_page(tmp_path / "page.jpg", 1).size


def own(client):
    (item,) = client.drawer.items()
    return client.drawer.own(item)


@pytest.mark.parametrize("data", [b"", b"\xff\x00", b"null", b"{}", b"[" * 100_000, b"1e999"])
def test_damaged_files_of_the_studio_lose_no_correction(tmp_path, data, monkeypatch):
    picture().save(tmp_path / "page.png")
    client = Client(tmp_path)
    monkeypatch.setattr(client.recoveries, "_computed", lambda *job: recovered("page.png"))
    client.recover()
    client.post("api/act", {"key": "page.png#1", "version": 0, "action": REVERSE})
    (own(client) / "card.json").write_bytes(data)
    (own(client) / "thumb.jpg").write_bytes(data)
    client.recover()
    said = client.get("api/page?key=page.png%231").json()
    assert (said["version"], said["state"]) == (1, "begun")
    assert client.get("api/thumb?key=page.png%231").content.startswith(b"\xff\xd8")
    (own(client) / "recovery.json").write_bytes(data)
    client.studio.sessions.forget(client.drawer.items()[0])
    refused = client.get("api/page?key=page.png%231")
    assert refused.status_code == 400
    assert "delete it, and it is made anew" in refused.json()["error"]
    (own(client) / "recovery.json").unlink()  # as was said
    assert client.get("api/page?key=page.png%231").json()["state"] == "waiting"
    client.recover()
    assert (
        "Move it away" in client.get("api/page?key=page.png%231").json()["error"]
    )  # its actions fit no other recovery
    (own(client) / "actions.log").unlink()
    assert client.get("api/page?key=page.png%231").json()["version"] == 0
    client.drawer.close()


def test_a_full_disk_still_shows_the_pictures(client, monkeypatch):
    def full(*given, **more):
        raise StoreError("the disk is full")

    monkeypatch.setattr("kalamos.studio.tiles.write_bytes", full)
    assert client.get("api/thumb?key=page.png%231").status_code == 200


def test_what_failed_is_tried_again_at_the_next_start_and_an_interrupted_page_did_not_fail(tmp_path, monkeypatch):
    picture().save(tmp_path / "page.png")
    client = Client(tmp_path)
    (item,) = client.drawer.items()
    client.drawer.note(item, state="failed", error="no memory")
    assert client.recoveries._next() == item
    monkeypatch.setattr(client.recoveries, "_computed", lambda *job: recovered("page.png"))
    client.recoveries.take(item)
    assert client.drawer.card(item).state == "recovered"
    assert client.recoveries._next() is None
    client.drawer.note(item, state="waiting")
    client.recoveries.close()
    client.recoveries._failed(item, "the process ended")
    assert client.drawer.card(item).state == "waiting"
    client.drawer.close()


def test_a_model_that_is_none_is_told_at_the_start(tmp_path):
    with pytest.raises(KalamosError, match="nonsense"):
        serve(tmp_path, model="nonsense", opened=False, say=pytest.fail)


DRAW = '"do":"draw","part":0,"xy":[[1,1],[2,2]]'


@pytest.mark.parametrize(
    "action",
    [
        '"do":"reverse","part":0,"strokes":[0],"x":NaN',
        '"do":"draw","part":0,"xy":[[1' + "0" * 400 + ",1]]",
        '"do":["saved"]',
        '"do":{}',
        '"do":"saved"',
        f'{DRAW},"t":[0,1e308]',
        f'{DRAW},"t":[-1e308,1e308]',
        f'{DRAW},"t":[0,1{"0" * 400}]',
        f'{DRAW},"t":[0,NaN]',
    ],
)
def test_an_action_that_is_none_is_refused_and_no_fault_of_the_server(client, action):
    answer = client.http.post(
        "/secret/api/act",
        content=f'{{"key":"page.png#1","version":0,"action":{{{action}}}}}',
        headers={"origin": f"http://{HOST}", "content-type": "application/json"},
    )
    assert answer.status_code == 400
    assert client.get("api/page?key=page.png%231").json()["version"] == 0


def test_what_was_put_right_goes_on_where_the_studios_own_folder_did_not_come_along(client, tmp_path):
    client.post("api/facts", FACTS)
    client.post("api/act", {"key": "page.png#1", "version": 0, "action": REVERSE})
    client.post("api/act", {"key": "page.png#1", "version": 1, "action": {"do": "label", "part": 0, "text": "A"}})
    client.post("api/save", {"key": "page.png#1", "version": 2})
    before = client.get("api/page?key=page.png%231").json()["parts"]
    client.drawer.close()
    shutil.rmtree(tmp_path / HIDDEN)  # as `cp folder/* elsewhere` leaves it behind
    again = Client(tmp_path)
    again.recover()
    assert again.get("api/cards").json()["items"][0]["state"] == "saved"
    after = again.get("api/page?key=page.png%231").json()["parts"]
    assert [part["label"] for part in after] == ["A", "", ""]
    for part, old in zip(after, before, strict=True):
        for stroke, known in zip(part["strokes"], old["strokes"], strict=True):
            assert stroke["xy"] == pytest.approx(known["xy"], abs=0.02)
    again.post("api/act", {"key": "page.png#1", "version": 0, "action": {**REVERSE, "part": 1}})
    assert again.post("api/save", {"key": "page.png#1", "version": 1}).status_code == 200
    samples = list(CORPUS.read(tmp_path, "page.corrected.inkml", UnitReport()))
    assert [sample.label for sample in samples] == ["A", "", ""]
    again.drawer.close()
