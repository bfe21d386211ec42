"""Start the studio on a free port of this machine, and say where it is."""

from __future__ import annotations

import secrets
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from kalamos.errors import KalamosError
from kalamos.recoverer import load_recoverer
from kalamos.studio.drawer import Drawer
from kalamos.studio.recoveries import Recoveries
from kalamos.studio.server import Studio, app_of

ADDRESS = "127.0.0.1"


def serve(
    folder: Path, *, model: str | None = None, port: int = 0, opened: bool = True, say: Callable[[str], object] = print
) -> None:
    """Serve a folder until Ctrl+C.

    Args:
        folder: with pictures.
        model: what recovers pictures that have no ink yet; None for the best that is installed.
        port: 0 for any that is free.
        opened: open the page in the browser.
        say: is told the address.

    Raises:
        KalamosError: where the folder cannot be written to, is open in another studio, the port is taken, or there is
            no such model.
    """
    if model is not None:
        load_recoverer(model)  # what is wrong with it is told now, not once a picture
    drawer = Drawer(folder)
    try:
        with socket.socket() as bound:
            _bind(bound, port)
            host = f"{ADDRESS}:{bound.getsockname()[1]}"
            token = secrets.token_urlsafe(24)
            recoveries = Recoveries(drawer, model)
            app = app_of(Studio(drawer, recoveries), token, (host, host.replace(ADDRESS, "localhost")))
            recoveries.start()
            address = f"http://{host}/{token}/"
            say(f"the studio of {drawer.root} is at\n\n  {address}\n\nfor this machine alone; Ctrl+C ends it")
            if opened:
                webbrowser.open(address)
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False))
            try:
                with suppress(KeyboardInterrupt):  # how it is meant to end
                    server.run(sockets=[bound])
            finally:
                recoveries.close()
    finally:
        drawer.close()


def _bind(bound: socket.socket, port: int) -> None:
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((ADDRESS, port))
        bound.listen(128)
    except OSError as error:
        raise KalamosError(f"port {port} cannot be used: {error.strerror or error}; leave --port out") from error
