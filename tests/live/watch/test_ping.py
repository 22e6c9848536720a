"""The broker's clock is asked over HTTP, and every way not to answer is told without the keys."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from pulses import NOON, SECOND

from live.errors import Refused, Unanswered
from live.keys import Keys
from live.watch.ping import asked, ping

TIME = '{"timestamp":"2026-11-20T12:00:00.000000000-05:00","is_open":true}'  # NOON


@contextmanager
def broker(status: int, body: str) -> Iterator[tuple[Keys, list[dict]]]:
    heads: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heads.append(dict(self.headers) | {"path": self.path})
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Keys("PKKEY", "S3CRET", f"http://127.0.0.1:{server.server_port}"), heads
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_skew_is_taken_in_the_middle_of_the_answer():
    clock = iter([NOON + 2 * SECOND, NOON + 4 * SECOND])
    with broker(200, TIME) as (keys, heads):
        seen = ping(keys, clock=lambda: next(clock))
    assert (seen.seconds, seen.skew, seen.trouble) == (2.0, 3.0, "")
    (head,) = heads
    assert head["path"] == "/v2/clock"
    assert (head["Apca-Api-Key-Id"], head["Apca-Api-Secret-Key"]) == ("PKKEY", "S3CRET")


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (401, '{"message":"request is not authorized"}', Refused, "answered 401"),
        (302, "", Refused, "answered 302"),
        (429, "{}", Unanswered, "answered 429"),
        (504, "<html>gateway</html>", Unanswered, "answered 504 <html>"),
        (200, "<html>", Unanswered, "no JSON"),
    ],
)
def test_an_answer_that_is_none_says_what_it_was(status, body, kind, told):
    with broker(status, body) as (keys, heads):
        with pytest.raises(kind, match=told) as error:
            asked(keys, "/v2/clock")
        assert "S3CRET" not in str(error.value)
        assert told in ping(keys).trouble
    assert {head["path"] for head in heads} == {"/v2/clock"}


@pytest.mark.parametrize("body", ["{}", "[]", json.dumps({"timestamp": "soon"})])
def test_a_clock_without_a_time_is_trouble(body):
    with broker(200, body) as (keys, _):
        assert ping(keys).trouble


def test_trouble_counts_from_its_first_moment():
    with broker(200, TIME) as (keys, _):
        pass
    first = ping(keys, clock=lambda: 100, timeout=1)
    second = ping(keys, first, clock=lambda: 200, timeout=1)
    assert "does not answer" in second.trouble
    assert (first.failing, second.at, second.failing) == (100, 200, 100)
    with broker(200, TIME) as (keys, _):
        third = ping(keys, second)
    assert (third.trouble, third.failing) == ("", 0)
