"""Clients of the data websockets for tests: the real ones on a thread, and a bare socket that shows every frame."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import msgpack
from alpaca.data.live import CryptoDataStream, StockDataStream
from websockets.sync.client import ClientConnection, connect
from wiring import until

from live.sim.server import Loopback

PACKED = {"Content-Type": "application/msgpack"}
Stream = StockDataStream | CryptoDataStream


def stocks(alpaca: Loopback, raw: bool = True) -> StockDataStream:
    """The real client, pointed here."""
    return StockDataStream(alpaca.keys.key, alpaca.keys.secret, raw_data=raw, url_override=alpaca.keys.stocks)


def coins(alpaca: Loopback, raw: bool = True) -> CryptoDataStream:
    """The real client, pointed here."""
    return CryptoDataStream(alpaca.keys.key, alpaca.keys.secret, raw_data=raw, url_override=alpaca.keys.crypto)


@contextlib.contextmanager
def running(stream: Stream, alpaca: Loopback) -> Iterator[None]:
    """The client runs while inside, and is subscribed when it begins; the service ends on the way out."""
    thread = threading.Thread(target=stream.run)
    thread.start()
    try:
        until(lambda: bool(subscribed(alpaca)))
        yield
    finally:
        stream.stop()
        alpaca.close()  # a client that waits for the next message hears of it
        thread.join()


def subscribed(alpaca: Loopback) -> list[Any]:
    """Clients that have asked for something."""
    return [one for one in list(alpaca.data.listeners) if any(one.subscription.wanted.values())]


def collector(heard: list[Any]) -> Any:
    """A handler that keeps what it gets."""

    async def hear(message: Any) -> None:
        heard.append(message)

    return hear


def step(alpaca: Loopback) -> None:
    """One timestamp, matched and told."""
    alpaca.match()
    alpaca.publish()


@contextlib.contextmanager
def socket(alpaca: Loopback, path: str = "/v2/iex", **named: Any) -> Iterator[ClientConnection]:
    """A bare websocket that asks for msgpack."""
    url = f"{alpaca.keys.stream}{path}"
    with connect(url, **({"additional_headers": PACKED, "open_timeout": 5, "close_timeout": 1} | named)) as line:
        yield line


def told(line: ClientConnection, timeout: float = 5.0) -> list[dict[str, Any]]:
    """The next frame."""
    return msgpack.unpackb(line.recv(timeout=timeout))


def ask(line: ClientConnection, **message: Any) -> list[dict[str, Any]]:
    """Send a message; the next frame."""
    line.send(msgpack.packb(message))
    return told(line)


@contextlib.contextmanager
def authenticated(alpaca: Loopback, path: str = "/v2/iex", **named: Any) -> Iterator[ClientConnection]:
    """A bare websocket that has shown its keys."""
    with socket(alpaca, path, **named) as line:
        assert told(line) == [{"T": "success", "msg": "connected"}]
        said = ask(line, action="auth", key=alpaca.keys.key, secret=alpaca.keys.secret)
        assert said == [{"T": "success", "msg": "authenticated"}]
        yield line
