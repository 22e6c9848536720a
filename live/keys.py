"""Which account is traded, and where its services are: all of it from the environment, so that no file holds a key.

APCA_API_KEY_ID, APCA_API_SECRET_KEY    of an Alpaca account; without them the demo is shown
APCA_API_BASE_URL                       trading; default the paper service
APCA_API_DATA_URL                       market data over REST
APCA_API_STREAM_URL                     market data over websockets, without the path
APCA_API_DATA_FEED                      iex (default) or sip

Set to loopback addresses they point the same program at `live.sim`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from live.errors import ConfigError

PAPER, LIVE = "https://paper-api.alpaca.markets", "https://api.alpaca.markets"
DATA, STREAM = "https://data.alpaca.markets", "wss://stream.data.alpaca.markets"
DATA_FEEDS = ("iex", "sip")
SHOWN = 4  # characters of a key that may be seen


class Keys(NamedTuple):
    """Keys and addresses of one Alpaca account.  Shown anywhere, it hides its secrets."""

    key: str
    secret: str
    trading: str = PAPER
    data: str = DATA
    stream: str = STREAM
    data_feed: str = "iex"

    @property
    def trade_updates(self) -> str:
        """Address of the websocket that tells of orders."""
        return f"{_socket(self.trading)}/stream"

    @property
    def stocks(self) -> str:
        """Address of the websocket of stocks."""
        return f"{self.stream}/v2/{self.data_feed}"

    @property
    def crypto(self) -> str:
        """Address of the websocket of crypto."""
        return f"{self.stream}/v1beta3/crypto/us"

    @property
    def real_money(self) -> bool:
        """Whether orders cost real money."""
        return urlsplit(self.trading).hostname == urlsplit(LIVE).hostname

    def __repr__(self) -> str:
        return f"Keys({self.key[:SHOWN]}…, {self.trading})"


def keys_of(environment: Mapping[str, str]) -> Keys | None:
    """The account that the environment names; None if it names none.

    Raises:
        ConfigError: if only half of it is there, or an address or feed is none.
    """
    key, secret = environment.get("APCA_API_KEY_ID", ""), environment.get("APCA_API_SECRET_KEY", "")
    if not key and not secret:
        return None
    if any(sign.isspace() for sign in key + secret):
        raise ConfigError("keys: a key holds a space or a line's end; copy it again, without")
    if not key or not secret:
        missing = "APCA_API_SECRET_KEY" if key else "APCA_API_KEY_ID"
        raise ConfigError(f"keys: {missing} is not set though its other half is; set both, or neither for the demo")
    trading, data = _address(environment, "APCA_API_BASE_URL", PAPER), _address(environment, "APCA_API_DATA_URL", DATA)
    stream = _address(environment, "APCA_API_STREAM_URL", STREAM, ("ws", "wss"))
    found = Keys(key, secret, trading, data, stream, environment.get("APCA_API_DATA_FEED", "iex").lower())
    if found.data_feed not in DATA_FEEDS:
        raise ConfigError(f"keys: APCA_API_DATA_FEED must be one of {', '.join(DATA_FEEDS)}, got {found.data_feed!r}")
    return found


def _address(
    environment: Mapping[str, str], name: str, default: str, schemes: tuple[str, ...] = ("http", "https")
) -> str:
    given = environment.get(name, default).rstrip("/").removesuffix("/v2")
    try:
        parts = urlsplit(given)
        _ = parts.port  # checked only when asked for
    except ValueError as error:
        raise ConfigError(f"keys: {name} must be an address like {default}, got {given!r} ({error})") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigError(f"keys: {name} must be an address like {default}, got {given!r}")
    return given


def _socket(address: str) -> str:
    return "ws" + address.removeprefix("http")
