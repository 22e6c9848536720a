"""Orders as TWS spells them: orders of the desk become its orders, brackets with their legs; nothing here is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from live.brokers.extras import extra
from live.brokers.orders import SECOND, Listing, prices
from live.brokers.tracked import Tracked, Wire
from live.errors import Refused
from quantlib.desk.messages import BUY, DAY, LIMIT, MARKET, STOP, STOP_LEG, STOP_LIMIT, TARGET_LEG

ib = extra("ib_async", "ibkr")

KINDS = {MARKET: "MKT", LIMIT: "LMT", STOP: "STP", STOP_LIMIT: "STP LMT"}
REDUCE = 2  # ocaType: what fills of one order is taken off the others
LEGS = "-legs"  # after the entry's name, it names the group of a bracket's legs
UNSET = 1e300  # prices from here on mean that there is none

# A status, in the words of `live.brokers.orders`; a leg that waits for its entry is held whatever it says.
STATUSES = {
    "ApiPending": "pending_new", "PendingSubmit": "pending_new", "PreSubmitted": "new", "Submitted": "new",
    "PendingCancel": "pending_cancel", "Cancelled": "canceled", "ApiCancelled": "canceled", "Filled": "filled",
    "Inactive": "rejected",
}  # fmt: skip


class Gateway(NamedTuple):
    """A running TWS or IB Gateway, and what is traded through it.

    host, port       7497 and 4002 are the usual ports of paper accounts, 7496 and 4001 of real ones
    client           number of this program; always the same, for TWS tells a client of its own orders only
    account          which one, where the login has several
    exchange, currency   of the stocks
    """

    host: str = "127.0.0.1"
    port: int = 4002
    client: int = 17
    account: str = ""
    exchange: str = "SMART"
    currency: str = "USD"


def stock(symbol: str, gateway: Gateway) -> Any:
    """The contract to look up for a symbol; TWS writes BRK B for BRK.B."""
    return ib.Stock(symbol.replace(".", " "), gateway.exchange, gateway.currency)


def check(command: Any, listing: Listing) -> None:
    """Refuse what no order can say.

    Raises:
        Refused: saying what to do instead.
    """
    legs, trouble = bool(command["stop_leg"] or command["target_leg"]), ""
    if command["lots"] < 1:
        trouble = f"an order of {command['lots']} lots; at least one is needed"
    elif (command["stop_fraction"] or command["target_fraction"]) and not legs:
        trouble = "legs at a fraction of the fill price; use Exits(anchored=True)"
    elif (int(command["lots"]) * listing.lot) % 1 != 0:
        trouble = "fractions of shares over its API; trade whole ones, Instrument(lot=1)"
    if trouble:
        raise Refused(f"broker: {listing.symbol}: Interactive Brokers takes no {trouble}")
    prices(command, listing)


def bracket(order: Tracked, wire: Wire, listing: Listing, account: str) -> list[Any]:
    """A new order and the legs that it brings; TWS holds all of them back until the last one has come."""
    session, _, id = wire.name.rpartition("-")
    first = asked(order, listing, account, wire.name, wire.lots, wire.limit, wire.stop)
    if order.group and order.leg not in (STOP_LEG, TARGET_LEG):
        first.ocaGroup, first.ocaType = f"{session}-group{abs(order.group)}", REDUCE
    found = [first]
    for leg, kind, ticks in ((1, STOP, order.stop_leg), (2, LIMIT, order.target_leg)):
        if ticks:
            price = {"limit": ticks} if kind == LIMIT else {"stop": ticks}
            one = asked(
                order, listing, account, f"{session}-{int(id) + leg}", wire.lots, kind=kind, side=-order.side, **price
            )
            one.tif, one.ocaGroup, one.ocaType = "GTC", f"{wire.name}{LEGS}", REDUCE
            found.append(one)
    for one in found[:-1]:
        one.transmit = False
    return found


def asked(
    order: Tracked, listing: Listing, account: str, name: str, lots: int, limit: int = 0, stop: int = 0, *,
    kind: int = 0, side: int = 0,
) -> Any:  # fmt: skip
    """One order under a name, with these lots and prices."""
    made = ib.Order(
        action="BUY" if (side or order.side) == BUY else "SELL", totalQuantity=Decimal(listing.quantity(lots)),
        orderType=KINDS[kind or order.order], tif="DAY" if order.tif == DAY else "GTC", orderRef=name, account=account,
    )  # fmt: skip
    if limit:
        made.lmtPrice = float(listing.price(limit))
    if stop:
        made.auxPrice = float(listing.price(stop))
    return made


def price(value: Any) -> float:
    """A price of TWS; 0 where it means none."""
    number = float(value or 0.0)
    return number if 0.0 < number < UNSET else 0.0


def nanoseconds(moment: Any) -> int:
    """ns UTC of a datetime."""
    return int(moment.timestamp()) * SECOND
