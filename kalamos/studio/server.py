"""The web page of the studio: what its addresses answer. All that can be asked for is in :data:`ROUTES`."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import kalamos
from kalamos.errors import KalamosError, StoreError
from kalamos.machinery.files import utf8
from kalamos.studio.actions import ActionError
from kalamos.studio.drawer import Drawer, Item
from kalamos.studio.guard import Guard
from kalamos.studio.history import RESERVED
from kalamos.studio.recoveries import LOG, Recoveries, has_recovery
from kalamos.studio.sessions import ConflictError, Session, Sessions
from kalamos.studio.tiles import TILE_PX, Tiles, thumbnail

_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "studio.css": ("studio.css", "text/css; charset=utf-8"),
    "favicon.svg": ("favicon.svg", "image/svg+xml"),
    **{
        f"{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("main", "cards", "stage", "editor", "player", "server")
    },
}


class Studio:
    """What answers: a folder, its open pages and the queue of recoveries."""

    def __init__(self, drawer: Drawer, recoveries: Recoveries) -> None:
        self.drawer, self.recoveries = drawer, recoveries
        self.sessions, self.tiles = Sessions(drawer), Tiles()

    def cards(self, ask: _Ask) -> Response:
        """Return all pictures with what is known of each."""
        items = []
        for item in self.drawer.items():
            try:
                card = self.drawer.card(item)
            except (KalamosError, OSError):
                continue  # it went away while it was looked at
            said = {"state": card.state, "covered": card.covered, "confidence": card.confidence}
            said |= {"strokes": card.strokes, "warnings": card.warnings, "error": card.error}
            items.append({"key": item.key, "name": item.name, "page": item.page, "pages": item.pages, **said})
        return _Json(
            {
                "folder": self.drawer.root.name,
                "version": kalamos.__version__,
                "facts": self.drawer.facts(),
                "now": self.recoveries.now,
                "items": items,
            }
        )

    def thumb(self, ask: _Ask) -> Response:
        """Return a small picture."""
        item = self._item(ask)
        data = thumbnail(self.drawer.picture(item), item.page, self.drawer.own(item) / "thumb.jpg")
        return Response(data, media_type="image/jpeg")

    def open_page(self, ask: _Ask) -> Response:
        """Return a page: its size and its ink, or that it is still to be recovered."""
        item = self._item(ask)
        path = self.drawer.picture(item)
        width, height, scale = self.tiles.size(path, item.page)
        said: dict[str, Any] = {"key": item.key, "width": width, "height": height, "scale": scale, "tile": TILE_PX}
        said["picture"] = f"{path.stat().st_mtime_ns}-{path.stat().st_size}"
        card = self.drawer.card(item)
        if card.state == "failed":
            return _Json({**said, "state": "failed", "error": card.error})
        if card.state == "waiting" or not has_recovery(self.drawer.own(item)):
            self.recoveries.ask(item)
            return _Json({**said, "state": "waiting", "error": ""})
        return _Json({**said, "state": card.state, **self.sessions.get(item).said()})

    def tile(self, ask: _Ask) -> Response:
        """Return a part of the picture."""
        item = self._item(ask)
        try:
            place = [int(ask.query.get(name, "")) for name in ("level", "x", "y")]
            data = self.tiles.tile(self.drawer.picture(item), item.page, *place)
        except (ValueError, KeyError) as error:
            raise _MissingError from error
        return Response(data, media_type="image/jpeg")

    def act(self, ask: _Ask) -> Response:
        """Do an action, and return what became of the page."""
        session = self._session(ask)
        action = ask.body.get("action")
        if not isinstance(action, dict) or not isinstance(action.get("do"), str) or action["do"] in RESERVED:
            raise ActionError("an action is an object that says what to do")
        have = ask.body.get("have")
        session.act(action, ask.body.get("version"))
        known = {n for n in have if isinstance(n, int)} if isinstance(have, list) else set()
        return _Json(session.said(known))

    def save(self, ask: _Ask) -> Response:
        """Write the corrected page beside its picture."""
        session = self._session(ask)
        target = session.save(ask.body.get("version"))
        return _Json({**session.said(), "file": target.relative_to(self.drawer.root).as_posix()})

    def set_facts(self, ask: _Ask) -> Response:
        """Take down writer, script and licence of the folder."""
        self.drawer.set_facts(ask.body)
        return _Json(self.drawer.facts())

    def recover(self, ask: _Ask) -> Response:
        """Recover a page again; only where nobody has changed anything on it."""
        item = self._item(ask)
        card = self.drawer.card(item)
        if card.state in {"begun", "saved"} or (self.drawer.own(item) / LOG).exists():
            raise ConflictError("this page has corrections; they belong to its present recovery")
        self.sessions.forget(item)
        self.recoveries.ask_again(item)
        return _Json({"state": "waiting"})

    def _session(self, ask: _Ask) -> Session:
        item = self._item(ask)
        if not has_recovery(self.drawer.own(item)):
            raise ConflictError("the picture has changed on the disk since it was opened; this is the new one")
        return self.sessions.get(item)

    def _item(self, ask: _Ask) -> Item:
        try:
            return self.drawer.item(str(ask.query.get("key", ask.body.get("key", ""))))
        except KeyError as error:
            raise _MissingError from error


class _Json(JSONResponse):
    """An answer as JSON; names of files may hold what UTF-8 cannot."""

    def render(self, content: Any) -> bytes:
        return utf8(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


class _MissingError(Exception):
    """There is nothing of that name."""


class _Ask:
    """A request: its query, and what it brings along."""

    def __init__(self, query: dict[str, str], body: dict[str, Any]) -> None:
        self.query, self.body = query, body


def app_of(studio: Studio, token: str, hosts: tuple[str, ...]) -> Guard:
    """Return the studio as an ASGI application, guarded."""
    routes = [Route(f"/{name}", _file(*kind)) for name, kind in _FILES.items()]
    routes += [
        Route("/api/cards", _answers(studio.cards)),
        Route("/api/thumb", _answers(studio.thumb)),
        Route("/api/page", _answers(studio.open_page)),
        Route("/api/tile", _answers(studio.tile)),
        Route("/api/act", _answers(studio.act), methods=["POST"]),
        Route("/api/save", _answers(studio.save), methods=["POST"]),
        Route("/api/facts", _answers(studio.set_facts), methods=["POST"]),
        Route("/api/recover", _answers(studio.recover), methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes), token, hosts)


def _file(name: str, media_type: str) -> Callable[[Request], Response]:
    site = resources.files("kalamos.studio") / "site"

    def answer(request: Request) -> Response:
        return Response((site / name).read_bytes(), media_type=media_type)

    return answer


def _answers(work: Callable[[_Ask], Response]) -> Callable[[Request], Any]:
    """Return what runs in a thread of its own, and turns errors into answers that the page can show."""

    async def answer(request: Request) -> Response:
        body: Any = {}
        if request.method == "POST":
            try:
                body = json.loads(await request.body())
            except (ValueError, RecursionError):
                return _error(400, "this is no JSON")
            if not isinstance(body, dict):
                return _error(400, "this is no JSON object")
        return await run_in_threadpool(_guarded, work, _Ask(dict(request.query_params), body))

    return answer


def _guarded(work: Callable[[_Ask], Response], ask: _Ask) -> Response:
    try:
        return work(ask)
    except _MissingError:
        return _error(404, "there is no such picture here")
    except ConflictError as error:
        return _error(409, str(error))
    except StoreError as error:
        return _error(507, str(error))
    except (KalamosError, OSError) as error:
        return _error(400, str(error))


def _error(status: int, text: str) -> Response:
    return _Json({"error": text}, status)
