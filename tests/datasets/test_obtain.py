import hashlib
import io
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kalamos.datasets import CORPORA, obtain
from kalamos.errors import CorpusError


@pytest.fixture
def served(tmp_path):
    """Serve a zip archive on the loopback address; give its download."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("strokes/a.txt", "hello")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a.zip").write_bytes(buffer.getvalue())

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "web")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/a.zip"
    yield obtain.Download(url, hashlib.sha256(buffer.getvalue()).hexdigest(), unpack=True)
    server.shutdown()


def test_an_open_corpus_is_fetched_checked_and_unpacked(served, tmp_path, monkeypatch):
    monkeypatch.setitem(obtain.DOWNLOADS, "omniglot", (served,))
    text = obtain.obtain("omniglot", tmp_path / "out")
    assert (tmp_path / "out" / "strokes" / "a.txt").read_text() == "hello"
    assert "licence: MIT" in text


def test_another_content_is_refused(served, tmp_path, monkeypatch):
    monkeypatch.setitem(obtain.DOWNLOADS, "omniglot", (obtain.Download(served.url, "0" * 64),))
    with pytest.raises(CorpusError, match="is not the file whose checksum is known"):
        obtain.obtain("omniglot", tmp_path / "out")


def test_a_network_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(obtain.DOWNLOADS, "omniglot", (obtain.Download("http://127.0.0.1:9/a.zip", "0" * 64),))
    with pytest.raises(CorpusError, match="cannot be downloaded"):
        obtain.obtain("omniglot", tmp_path / "out")


@pytest.mark.parametrize("name", [name for name in CORPORA.names() if name not in obtain.DOWNLOADS])
def test_every_other_corpus_says_how_to_obtain_it(name, tmp_path):
    text = obtain.obtain(name, tmp_path)
    card = CORPORA.load(name).card
    assert card.obtain in text
    assert card.layout in text
    assert card.citation
    assert card.verified
