"""A small stand-in of the hub's API on this machine: repositories, commits, large files; nothing leaves the machine."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hub:
    """What the stand-in was asked and given."""

    token: str = "hf_made_up"
    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    full: bool = False
    address: str = ""


@contextmanager
def hub_stand_in() -> Iterator[Hub]:
    """Run the stand-in; ``address`` says where."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, status: int, told: object = None) -> None:
            body = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def read(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def allowed(self) -> bool:
            if self.headers.get("Authorization") == f"Bearer {hub.token}":
                return True
            self.answer(401, {"error": "Invalid credentials"})
            return False

        def do_GET(self) -> None:
            hub.asked.append(f"GET {self.path}")
            name = self.path.removeprefix("/api/").partition("/revision/")[0]
            if name not in hub.repositories:
                self.answer(404, {"error": "not found"})
                return
            self.answer(200, {"id": name.partition("/")[2], "sha": "0" * 40, "siblings": []})

        def do_HEAD(self) -> None:
            self.answer(404)

        def do_PUT(self) -> None:
            data, oid = self.read(), self.path.rpartition("/")[2]
            assert hashlib.sha256(data).hexdigest() == oid
            hub.large[oid] = data
            self.answer(200)

        def do_POST(self) -> None:
            body = self.read()
            hub.asked.append(f"POST {self.path}")
            if self.path == "/api/validate-yaml":
                self.answer(200, {"errors": [], "warnings": []})
            elif not self.allowed():
                return
            elif self.path == "/api/repos/create":
                self.create(json.loads(body))
            elif "/preupload/" in self.path:
                told = json.loads(body)["files"]
                modes = [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                        "shouldIgnore": False,
                    }
                    for file in told
                ]
                self.answer(200, {"files": modes})
            elif self.path.endswith("/info/lfs/objects/batch"):
                self.batch(json.loads(body))
            elif "/commit/" in self.path:
                self.commit(body)
            else:
                self.answer(404, {"error": "not found"})

        def create(self, told: dict[str, Any]) -> None:
            name = f"{told.get('type', 'model')}s/{told['organization']}/{told['name']}"
            status = 409 if name in hub.repositories else 200
            hub.repositories.setdefault(name, told)
            self.answer(status, {"url": f"{hub.address}/{name}", "error": "exists"})

        def batch(self, told: dict[str, Any]) -> None:
            objects = [
                {
                    "oid": item["oid"],
                    "size": item["size"],
                    "actions": {"upload": {"href": f"{hub.address}/put/{item['oid']}", "header": {}}},
                }
                for item in told["objects"]
            ]
            self.answer(200, {"transfer": "basic", "objects": objects})

        def commit(self, body: bytes) -> None:
            if hub.full:
                self.answer(403, {"error": "storage is full"})
                return
            name = self.path.removeprefix("/api/").partition("/commit/")[0]
            held = hub.files.setdefault(name, {})
            for line in body.splitlines():
                item = json.loads(line)
                value = item["value"]
                if item["key"] == "header":
                    hub.commits.append(value["summary"])
                elif item["key"] == "file":
                    held[value["path"]] = base64.b64decode(value["content"])
                elif item["key"] == "lfsFile":
                    held[value["path"]] = hub.large[value["oid"]]
            url = f"{hub.address}/{name}/commit/{'0' * 40}"
            self.answer(200, {"success": True, "commitOid": "0" * 40, "commitUrl": url, "hookOutput": ""})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    running = threading.Thread(target=server.serve_forever, daemon=True)
    running.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
