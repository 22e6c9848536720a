"""The account that is traded: what the broker says of it before a session begins, and the lock that keeps it to one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from live.brokers.rest import Rest
from live.errors import BrokerError, ConfigError, Refused
from live.keys import Keys
from live.lock import alone
from quantlib.desk.memory import Instrument

STATE = "XDG_STATE_HOME"  # where the machine's user keeps state; ~/.local/state if it is not set


class Account(NamedTuple):
    """What a session needs to know before it begins."""

    number: str
    status: str
    cash: float  # quote currency
    equity: float


def account_of(keys: Keys) -> Account:
    """Ask for the account of these keys.

    Raises:
        BrokerError: if the keys are refused, or it may not trade.
    """
    rest = Rest(keys)
    try:
        said = rest.told("/account")
    except Refused as error:
        raise Refused(f"{error}; are these keys of this service? python -m live doctor looks at all of it") from None
    finally:
        rest.close()
    blocked = [name for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user") if said.get(name)]
    if blocked or said["status"] != "ACTIVE":
        raise BrokerError(
            f"account: {said['account_number']} may not trade: status {said['status']}"
            f"{', ' + ', '.join(blocked) if blocked else ''}; see the broker's dashboard"
        )
    return Account(said["account_number"], said["status"], float(said["cash"]), float(said["equity"]))


def instruments_of(keys: Keys, symbols: Sequence[str]) -> dict[str, Instrument]:
    """How each symbol is counted: stocks in cents and whole shares, crypto as its asset says.

    Raises:
        ConfigError: if there is no such symbol, or it cannot be traded.
    """
    rest = Rest(keys)
    try:
        return {symbol: _instrument(symbol, _asset(rest, symbol)) for symbol in symbols}
    finally:
        rest.close()


def confirmed(keys: Keys, account: Account, live: bool, typed: str) -> str:
    """Real money is traded only if it is asked for and its account number typed; says which kind of session this is.

    Raises:
        ConfigError: saying what is missing.
    """
    if not keys.real_money:
        if live:
            raise ConfigError("account: --live is for real money, but APCA_API_BASE_URL names the paper service")
        return "paper"
    if not live:
        raise ConfigError(
            "account: APCA_API_BASE_URL names the service of real money; give --live and --account NUMBER to trade it"
        )
    if typed != account.number:
        raise ConfigError(f"account: --account must be the number of the account that these keys open, got {typed!r}")
    return "real money"


@contextmanager
def only_one(number: str) -> Iterator[None]:
    """Hold the account while inside: two sessions of one account would trade against each other.

    Raises:
        SessionInUse: if another process of this machine's user trades it.
    """
    home = Path(os.environ.get(STATE) or Path.home() / ".local" / "state") / "quantlib" / "accounts" / number
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(home):
        yield


def _asset(rest: Rest, symbol: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = rest.told(f"/assets/{symbol}")
    except Refused as error:
        raise ConfigError(f"account: the broker has no asset {symbol}: {error}") from error
    if not said.get("tradable"):
        raise ConfigError(f"account: {symbol} cannot be traded at this broker ({said.get('status')})")
    return said


def _instrument(symbol: str, asset: dict[str, Any]) -> Instrument:
    if asset.get("class") != "crypto":
        return Instrument()
    return Instrument(float(asset["price_increment"]), float(asset["min_trade_increment"]))
