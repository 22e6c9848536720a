"""A proxy that the environment names is used for orders too, though it is looked up only once."""

from __future__ import annotations

import socket

import pytest

from live.brokers.rest import Rest
from live.errors import BrokerError
from live.sim.server import Loopback
from tests.live.scenes import scored


@pytest.fixture
def nowhere():
    """The address of a proxy that is not there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_calls_go_through_the_proxy_of_the_environment_unless_it_says_not_for_this_address(monkeypatch, nowhere):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", nowhere)
    with Loopback(scored(5)) as alpaca:
        through = Rest(alpaca.keys)
        with pytest.raises(BrokerError, match="connection"):
            through.send("delete", "/orders")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        past = Rest(alpaca.keys)
        assert past.send("delete", "/orders").ok
        for rest in (through, past):
            rest.close()
