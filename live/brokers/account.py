"""Whether an account may trade what a session wants, asked before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from live.brokers.orders import Listing
from live.brokers.rest import NOT_FOUND, Rest
from live.errors import BrokerError

BLOCKS = {
    "account_blocked": "ask the broker why", "trading_blocked": "ask the broker why",
    "trade_suspended_by_user": "allow it in the account's settings",
}  # fmt: skip
SINGLY = 25  # symbols up to which each is asked for by itself
UNAUTHORISED = (401, 403)


def checked(rest: Rest, listings: Sequence[Listing]) -> dict[str, Any]:
    """The account as REST has it, if it may trade these symbols.

    Raises:
        BrokerError: if it may not, and what to do about it.
    """
    answer = rest.ask("/account")
    if answer.status in UNAUTHORISED:
        raise BrokerError(
            f"broker: the account's keys were answered {answer.status}; make new ones, and mind that paper and live "
            f"accounts have different ones"
        )
    if not answer.ok:
        raise BrokerError(f"broker: GET /account was answered {answer.status}: {answer.body}")
    account: dict[str, Any] = answer.body
    if account.get("status") != "ACTIVE":
        raise BrokerError(f"broker: the account must be ACTIVE to trade, it is {account.get('status')}")
    for field, cure in BLOCKS.items():
        if account.get(field):
            raise BrokerError(f"broker: the account has {field}; {cure}")
    if any(one.crypto for one in listings) and account.get("crypto_status") not in (None, "ACTIVE"):
        raise BrokerError(f"broker: the account's crypto_status is {account['crypto_status']}; apply for crypto there")
    _check_assets(rest, listings)
    return account


def _check_assets(rest: Rest, listings: Sequence[Listing]) -> None:
    """Each symbol is known and tradable, and in fractions where its lot is one."""
    if len(listings) <= SINGLY:
        answers = {one.symbol: rest.ask(f"/assets/{one.symbol.replace('/', '%2F')}") for one in listings}
        assets = {symbol: answer.body for symbol, answer in answers.items() if answer.ok}
        strange = [f"{a.status} {a.body}" for a in answers.values() if not a.ok and a.status != NOT_FOUND]
        if strange:
            raise BrokerError(f"broker: GET /assets was answered {strange[0]}")
    else:
        assets = {one["symbol"]: one for one in rest.told("/assets", {"status": "active"})}
    for one in listings:
        asset = assets.get(one.symbol)
        if asset is None:
            raise BrokerError(f"broker: {one.symbol} is no asset there; correct it, or leave it out")
        if not asset.get("tradable", True):
            raise BrokerError(f"broker: {one.symbol} cannot be traded there now; leave it out")
        if one.lot % 1 != 0 and not one.crypto and not asset.get("fractionable", True):
            raise BrokerError(f"broker: {one.symbol} has no fractions; trade it with Instrument(lot=1)")
