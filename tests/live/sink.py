"""A small HTTP service on this machine that keeps what is posted to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any


class Posted:
    """What was posted; `refuse` counts how many of the next posts are answered with 500."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.refuse = 0
        self.address = ""
        self.changed = Condition()

    def take(self, body: dict[str, Any]) -> int:
        with self.changed:
            if self.refuse:
                self.refuse -= 1
                return 500
            self.bodies.append(body)
            self.changed.notify_all()
            return 200

    def wait(self, count: int, patience: float = 20.0) -> list[dict[str, Any]]:
        """What was posted, once there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.bodies) >= count, patience), self.bodies
            return list(self.bodies)


@contextmanager
def sink() -> Iterator[Posted]:
    posted = Posted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(posted.take(body))
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    posted.address = f"json://127.0.0.1:{server.server_port}/alerts"
    try:
        yield posted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
