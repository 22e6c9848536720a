"""The stream: whole at first, then what is new, to those alone who may look."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from scenes import scored, scoring
from seats import lived
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from live.control.acts import act
from live.control.api import served
from live.control.auth import Person
from live.control.seat import SOCKETS, Seat
from live.control.stream import Watching
from live.pulse import beat

ANN = Person("ann", "operator")
PATIENCE = 20.0  # seconds until something that must come is missed


def merged(before: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The state as a page keeps it."""
    state = dict(before)
    for message in messages:
        if message["kind"] == "state":
            news = dict(message["state"])
            pulse = {**(state.get("pulse") or {}), **news.pop("pulse")} if news.get("pulse") else state.get("pulse")
            state = {**state, **news, "pulse": pulse}
    return state


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["kind"] for message in messages]


def test_news_are_whole_at_first_and_then_only_what_changed(tmp_path):
    folder = tmp_path / "one"
    pulse = lived(folder, scoring(), scored(), 20)
    watching = Watching(Seat(folder, 1))
    first = watching.news()
    assert kinds(first)[0] == "state"
    assert kinds(first)[-1] == "tick"
    assert {"fills", "ended"} <= set(kinds(first))
    assert kinds(watching.news()) == ["tick"]
    beat(folder, pulse._replace(equity=5.0))
    (changed,) = [m for m in watching.news() if m["kind"] == "state"]
    assert changed["state"]["pulse"] == {"equity": 5.0}
    act(folder, ANN, "halt", why="to see")
    news = watching.news()
    assert kinds(news) == ["state", "audit", "tick"]
    assert [one["word"] for one in news[0]["state"]["waiting"]] == ["halt"]
    assert news[1]["entries"][-1]["why"] == "to see"


def test_who_merges_the_news_knows_what_one_who_comes_later_is_told(tmp_path):
    folder, state, told = tmp_path / "one", {}, []
    folder.mkdir()
    watching = Watching(Seat(folder, 1))
    for steps in (None, 3, 9, 10, 25):
        if steps:
            lived(folder, scoring(), scored(), steps)
        news = watching.news()
        state = merged(state, news)
        told += [fill["number"] for message in news if message["kind"] == "fills" for fill in message["fills"]]
    fresh = Watching(Seat(folder, 1)).news()
    whole = merged({}, fresh)
    assert {**state, "now": 0, "age": 0} == {**whole, "now": 0, "age": 0}
    assert told == [f["number"] for m in fresh if m["kind"] == "fills" for f in m["fills"]]
    assert told == list(range(1, len(told) + 1))


def test_a_session_begun_afresh_tells_its_fills_from_the_first(tmp_path):
    folder = tmp_path / "one"
    lived(folder, scoring(), scored(), 20)
    watching = Watching(Seat(folder, 1))
    watching.news()
    (folder / "journal").unlink()
    for name in ("snapshot", "broker/broker.journal"):
        (folder / name).unlink(missing_ok=True)
    (folder / "broker" / "broker.snapshot").unlink(missing_ok=True)
    lived(tmp_path / "other", scoring(), scored(seed=8), 20)
    (tmp_path / "other" / "journal").rename(folder / "journal")
    fills = [m for m in watching.news() if m["kind"] == "fills"]
    assert fills[0]["fills"][0]["number"] == 1


def heard(wire: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind."""
    until = time.monotonic() + PATIENCE
    while (left := until - time.monotonic()) > 0:
        message = json.loads(wire.recv(left))
        if message["kind"] == kind:
            return message
    raise TimeoutError(kind)


def token(folder: Path, role: str) -> str:
    return json.loads((folder / "tokens.json").read_text())[role]["token"]


@pytest.fixture(scope="module")
def sitting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream") / "one"
    pulse = lived(folder, scoring(), scored(), 20)
    with served(folder, 0) as address:
        yield folder, address, pulse


def closed(url: str, **named: Any) -> int:
    """The code that a websocket was closed with."""
    with connect(url, **named) as wire, pytest.raises(ConnectionClosed) as over:
        wire.recv(PATIENCE)
    return over.value.rcvd.code


def test_a_change_of_the_pulse_is_told_at_once(sitting):
    folder, address, pulse = sitting
    shown = {"Authorization": f"Bearer {token(folder, 'viewer')}"}
    with connect(f"ws{address[4:]}/api/stream", additional_headers=shown) as wire:
        assert heard(wire, "state")["state"]["pulse"]["mode"] == "ACTIVE"
        beat(folder, pulse._replace(mode="HALTED", why="by hand"))
        assert heard(wire, "state")["state"]["pulse"] == {"mode": "HALTED", "why": "by hand"}
        assert heard(wire, "tick")["age"] > 0


def test_the_stream_is_for_those_who_are_known_and_for_its_own_page(sitting):
    folder, address, _ = sitting
    url = f"ws{address[4:]}/api/stream"
    assert closed(url) == 4401
    assert closed(url, additional_headers={"Authorization": "Bearer nonsense"}) == 4401
    with httpx.Client(base_url=address) as client:
        client.post("/api/login", json={"token": token(folder, "viewer")})
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    assert closed(url, additional_headers={"Cookie": cookie}) == 4403
    assert closed(url, additional_headers={"Cookie": cookie}, origin="http://evil.example") == 4403
    with connect(url, additional_headers={"Cookie": cookie}, origin=address) as wire:
        assert heard(wire, "tick")


def test_another_host_is_not_streamed_to(sitting):
    folder, address, _ = sitting
    shown = {"Authorization": f"Bearer {token(folder, 'viewer')}"}
    there = socket.create_connection(("127.0.0.1", int(address.rsplit(":")[-1])))
    with (
        pytest.raises(InvalidStatus) as refused,
        connect("ws://evil.example/api/stream", sock=there, additional_headers=shown),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_readers_are_counted_and_one_too_many_is_turned_away(sitting):
    folder, address, _ = sitting
    url, shown = f"ws{address[4:]}/api/stream", {"Authorization": f"Bearer {token(folder, 'viewer')}"}
    with ExitStack() as open_ones:
        for _ in range(SOCKETS):
            heard(open_ones.enter_context(connect(url, additional_headers=shown)), "tick")
        assert closed(url, additional_headers=shown) == 4429


def test_another_token_in_the_file_ends_the_stream(tmp_path):
    with served(tmp_path, 0) as address:
        shown = {"Authorization": f"Bearer {token(tmp_path, 'viewer')}"}
        with connect(f"ws{address[4:]}/api/stream", additional_headers=shown) as wire:
            heard(wire, "tick")
            (tmp_path / "tokens.json").write_text(json.dumps({"new": {"role": "viewer", "token": "n" * 40}}))
            with pytest.raises(ConnectionClosed) as over:
                heard(wire, "nothing")
            assert over.value.rcvd.code == 4401
