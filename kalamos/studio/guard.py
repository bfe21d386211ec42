"""What keeps the studio to the person in front of this machine: every request passes here first.

The address holds a token that nobody can guess, so that no cookie travels by itself; ``Host`` must be this very
server, so that no name of another site can be pointed at it (DNS rebinding); what changes anything must come from the
studio's own page (``Origin``), as JSON, and be small. Answers carry a policy by which the page runs its own files and
nothing else, and fetches from nowhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 2_000_000
"""Of what a request brings along."""
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware around the studio.

    Args:
        app: what answers requests that pass; it sees the path without the token.
        token: the first part of every path.
        hosts: ``name:port`` that the browser may have called the server by.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: tuple[str, ...]) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        _, _, rest = scope["path"].removeprefix("/").partition("/")
        inner = {**scope, "path": f"/{rest}", "raw_path": None, "root_path": ""}
        body = await _body(receive) if scope["method"] == "POST" else b""
        if body is None:
            await _said(413, f"more than {MOST_BYTES} bytes")(scope, receive, _with_headers(send))
            return
        await self._app(inner, _replayed(body, receive), _with_headers(send))

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> PlainTextResponse | None:
        if headers.get("host", "") not in self._hosts:
            return _said(403, "this is not the name of the studio")
        token, slash, _ = scope["path"].removeprefix("/").partition("/")
        if not slash or not secrets.compare_digest(token.encode(), self._token.encode()):
            return _said(403, "the address needs the token that `kalamos studio` printed")
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return _said(403, "another site asks")
        if scope["method"] in {"GET", "HEAD"}:
            return None
        if scope["method"] != "POST":
            return _said(405, "GET or POST")
        if headers.get("origin", "") != f"http://{headers['host']}":
            return _said(403, "another site asks")
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _said(415, "JSON, please")
        if not headers.get("content-length", "0").isdigit() or int(headers.get("content-length", "0")) > MOST_BYTES:
            return _said(413, f"more than {MOST_BYTES} bytes")
        return None


def _said(status: int, text: str) -> PlainTextResponse:
    return PlainTextResponse(text + "\n", status)


async def _body(receive: Receive) -> bytes | None:
    """Return all that a request brings along; None where it is too much."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            kept = [pair for pair in message.get("headers", ()) if pair[0].decode().lower() not in _HEADERS]
            message = {**message, "headers": [*kept, *own]}
        await send(message)

    return sending
