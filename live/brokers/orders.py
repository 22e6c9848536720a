"""Orders as Alpaca spells them: commands become requests, and what comes back becomes lots, ticks and nanoseconds.

Nothing here is sent.  Money and quantities travel as decimal strings; a price's string reads back to the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from numpy.typing import NDArray

from live.errors import BrokerError, Refused
from quantlib.desk.messages import BUY, DAY, LIMIT, MARKET, STOP, STOP_LIMIT
from quantlib.desk.orders import nearest_tick

SECOND = 1_000_000_000
NAME_LENGTH = 128  # of a client order id
KINDS = {MARKET: "market", LIMIT: "limit", STOP: "stop", STOP_LIMIT: "stop_limit"}
CRYPTO_KINDS = frozenset((MARKET, LIMIT, STOP_LIMIT))

# An order's status, by what it says of the order's life; one that is not here says nothing.
UNBORN = frozenset(("pending_new", "pending_review", "held"))
ALIVE = frozenset(
    ("new", "accepted", "accepted_for_bidding", "partially_filled", "pending_cancel", "pending_replace", "stopped",
     "suspended", "calculated", "done_for_day")
)  # fmt: skip
ENDED = frozenset(("filled", "canceled", "expired", "replaced", "rejected"))


class Listing(NamedTuple):
    """How one symbol is traded."""

    symbol: str
    crypto: bool
    per_tick: float  # ticks per 1.0 of price
    lot: Decimal  # units

    def price(self, ticks: int) -> str:
        """Ticks as a price."""
        return plain(ticks / self.per_tick)

    def quantity(self, lots: int) -> str:
        """Lots as units."""
        return format((lots * self.lot).normalize(), "f")

    def ticks(self, price: Any) -> int:
        """A price in ticks; 0 for none."""
        return int(nearest_tick(float(price), self.per_tick)) if price not in (None, "") else 0

    def lots(self, quantity: Any) -> int:
        """Units in whole lots, what is left over cut off; 0 for none."""
        return int(Decimal(str(quantity or 0)) / self.lot)


def listings(symbols: Sequence[str], instruments: NDArray[Any]) -> tuple[Listing, ...]:
    """How the symbols are traded; a pair with a slash is crypto."""
    return tuple(
        Listing(symbol, "/" in symbol, float(one["per_tick"]), Decimal(repr(float(one["lot"]))))
        for symbol, one in zip(symbols, instruments, strict=True)
    )


def codes(symbols: Sequence[str]) -> dict[str, int]:
    """A symbol's code by its name, with and without the slash: positions in crypto are named without."""
    return {name: code for code, symbol in enumerate(symbols) for name in (symbol, symbol.replace("/", ""))}


def request(command: Any, name: str, listing: Listing) -> dict[str, Any]:
    """The body of a new order, a bracket with its legs.

    Raises:
        Refused: if Alpaca has no such order; nothing needs to be sent to know it.
    """
    _check(command, listing)
    body: dict[str, Any] = {
        "symbol": listing.symbol, "qty": listing.quantity(int(command["lots"])),
        "side": "buy" if command["side"] == BUY else "sell", "type": KINDS[int(command["order"])],
        "time_in_force": lasting(command, listing), "client_order_id": name,
    }  # fmt: skip
    body |= prices(command, listing)
    if command["target_leg"]:
        body["take_profit"] = {"limit_price": _spelled(int(command["target_leg"]), listing)}
    if command["stop_leg"]:
        body["stop_loss"] = {"stop_price": _spelled(int(command["stop_leg"]), listing)}
    legs = len(body.keys() & {"take_profit", "stop_loss"})
    return body | ({"order_class": "bracket" if legs == 2 else "oto"} if legs else {})


def prices(order: Any, listing: Listing) -> dict[str, str]:
    """Limit and stop, those that it has.

    Raises:
        Refused: if one breaks the sub-penny rule.
    """
    asked = {"limit_price": int(order["limit"]), "stop_price": int(order["stop"])}
    return {field: _spelled(ticks, listing) for field, ticks in asked.items() if ticks}


def lasting(command: Any, listing: Listing) -> str:
    """How long an order is good for.

    A market order is filled at once, so its word serves its legs alone, and they must outlive the day.
    """
    if listing.crypto or (command["order"] == MARKET and (command["stop_leg"] or command["target_leg"])):
        return "gtc"
    fractional = (int(command["lots"]) * listing.lot) % 1 != 0
    return "day" if command["tif"] == DAY or fractional else "gtc"


def plain(value: float) -> str:
    """A float as decimal digits that read back to the same bits."""
    text = repr(float(value))
    return format(Decimal(text), "f") if "e" in text else text.removesuffix(".0")


def moment(text: Any) -> int:
    """ns UTC of an RFC 3339 instant; 0 where there is none.

    Raises:
        BrokerError: if it is no instant.
    """
    if not text:
        return 0
    found = re.fullmatch(r"(.{19})(?:\.(\d{1,9}))?\d*(Z|[+-]\d\d:\d\d)", str(text))
    if found is None:
        raise BrokerError(f"broker: {text!r} is no instant like 2026-11-20T14:30:00.123456789Z")
    clock, fraction, zone = found.groups()
    whole = datetime.fromisoformat(clock + ("+00:00" if zone == "Z" else zone)).timestamp()
    return int(whole) * SECOND + int((fraction or "").ljust(9, "0"))


def instant(ts: int) -> str:
    """ns UTC as RFC 3339."""
    return f"{datetime.fromtimestamp(ts // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{ts % SECOND:09d}Z"


def id_in(name: Any, session: str) -> int:
    """The desk's id in a client order id of this session; 0 if it is of another."""
    found = re.fullmatch(rf"{re.escape(session)}-(\d+)(?:-(?:replace-\d+|open))?", str(name))
    return int(found[1]) if found else 0


def is_grid(price: Decimal) -> bool:
    """Whether a share may be quoted at this price: whole cents from a dollar on, hundredths of a cent below.

    Source: Regulation NMS, Rule 612, 17 CFR 242.612.
    """
    return price % (Decimal("0.01") if price >= 1 else Decimal("0.0001")) == 0


def _spelled(ticks: int, listing: Listing) -> str:
    text = listing.price(ticks)
    if not listing.crypto and not is_grid(Decimal(text)):
        raise Refused(
            f"broker: {listing.symbol} cannot be quoted at {text}: whole cents from 1.00 on, 0.0001 below "
            f"(Regulation NMS, Rule 612); trade it with Instrument(tick=0.01)"
        )
    return text


def _check(command: Any, listing: Listing) -> None:
    """Refuse what no request can say."""
    legs = bool(command["stop_leg"] or command["target_leg"])
    trouble = ""
    if command["lots"] < 1:
        trouble = f"an order of {command['lots']} lots; at least one is needed"
    elif (command["stop_fraction"] or command["target_fraction"]) and not legs:
        trouble = "legs at a fraction of the fill price; use Exits(anchored=True)"
    elif listing.crypto and legs:
        trouble = "brackets in crypto; give its stop and target as orders of their own"
    elif listing.crypto and int(command["order"]) not in CRYPTO_KINDS:
        trouble = "stop orders in crypto; use a stop with a limit"
    elif listing.crypto and command["tif"] == DAY and command["order"] != MARKET:
        trouble = "day orders in crypto, which has no day; use gtc"
    elif legs and (int(command["lots"]) * listing.lot) % 1 != 0:
        trouble = "brackets of fractional shares; trade whole ones"
    if trouble:
        raise Refused(f"broker: {listing.symbol}: Alpaca takes no {trouble}")


def said(body: Any) -> str:
    """What an answer's body says in words, cut to one line."""
    text = str(body.get("message") or body) if isinstance(body, Mapping) else str(body)
    return " ".join(text.split())[:300]
