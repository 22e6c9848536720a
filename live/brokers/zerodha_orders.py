"""Orders as Kite Connect spells them: commands become parameters, its words become ours; nothing here is sent."""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2s
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from live.brokers.line import Shown
from live.brokers.orders import ENDED, SECOND, Listing
from live.brokers.tracked import Execution, Tracked, Wire
from live.errors import BrokerError, Refused
from quantlib.desk.messages import BUY, LIMIT, MARKET, STOP, STOP_LEG, STOP_LIMIT, TARGET_LEG

KOLKATA = ZoneInfo("Asia/Kolkata")
KINDS = {MARKET: "MARKET", LIMIT: "LIMIT", STOP: "SL-M", STOP_LIMIT: "SL"}
CNC, MIS = "CNC", "MIS"  # delivery, and margin for the day
AUTOMATIC = -1  # market protection as the broker sees fit; without any it takes no market order
TAG, SIGN = 20, 8  # characters of a tag, and of the session's part of it
SHOWN = 4  # characters of a key that may be seen

# A status, in the words of `live.brokers.orders`; one that is not here says nothing.
STATUSES = {
    "PUT ORDER REQ RECEIVED": "pending_new", "VALIDATION PENDING": "pending_new", "OPEN PENDING": "pending_new",
    "AMO REQ RECEIVED": "pending_new", "OPEN": "new", "UPDATE": "new", "TRIGGER PENDING": "new",
    "MODIFIED": "new", "MODIFY PENDING": "new", "MODIFY VALIDATION PENDING": "new",
    "CANCEL PENDING": "pending_cancel", "COMPLETE": "filled", "CANCELLED": "canceled", "CANCELLED AMO": "canceled",
    "REJECTED": "rejected", "LAPSED": "expired", "EXPIRED": "expired",
}  # fmt: skip


class Kite(NamedTuple):
    """One login at Zerodha, and what is traded with it.  Shown anywhere, it hides its secrets.

    api_key, access_token   of a Kite Connect app; the token dies every morning (`live.brokers.zerodha_rest.logged_in`)
    product                 CNC or MIS
    exchange                of symbols that name none, as in BSE:INFY
    slip                    fraction beyond its trigger at which a stop leg still sells or buys
    root, ticker            addresses of REST and websocket
    """

    api_key: str
    access_token: str
    product: str = CNC
    exchange: str = "NSE"
    slip: float = 0.02
    root: str = "https://api.kite.trade"
    ticker: str = "wss://ws.kite.trade"

    def __repr__(self) -> str:
        return f"Kite({self.api_key[:SHOWN]}…, {self.product}, {self.root})"

    def place(self, symbol: str) -> tuple[str, str]:
        """Exchange and trading symbol of a symbol."""
        exchange, colon, name = symbol.partition(":")
        return (exchange, name) if colon else (self.exchange, symbol)


def tag(session: str, id: int) -> str:
    """The tag of an order: letters and digits that say its session and its number.

    Raises:
        BrokerError: if the number is too large for it.
    """
    digits = ""
    while id:
        id, digit = divmod(id, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    if len(digits) > TAG - SIGN:
        raise BrokerError(f"broker: order {id} has no tag of {TAG} characters; begin a new session")
    return sign(session) + digits


def sign(session: str) -> str:
    """What tags of a session begin with."""
    return b32encode(blake2s(session.encode(), digest_size=SIGN * 5 // 8).digest()).decode()


def name_of(tagged: Any, session: str) -> str:
    """The name of the order of a tag; "" if it is none of this session's."""
    text = str(tagged or "")
    if not text.startswith(sign(session)) or re.fullmatch(r"[0-9a-z]+", text[SIGN:]) is None:
        return ""
    return f"{session}-{int(text[SIGN:], 36)}"


def check(command: Any, listing: Listing, kite: Kite) -> None:
    """Refuse what Kite has no order for.

    Raises:
        Refused: saying what to do instead.
    """
    legs, trouble = bool(command["stop_leg"] or command["target_leg"]), ""
    if command["lots"] < 1:
        trouble = f"an order of {command['lots']} lots; at least one is needed"
    elif (command["stop_fraction"] or command["target_fraction"]) and not legs:
        trouble = "legs at a fraction of the fill price; use Exits(anchored=True)"
    elif legs and kite.product != CNC:
        trouble = "brackets within the day; trade Kite(product='CNC'), or give stop and target as orders of their own"
    elif command["group"] and command["leg"] not in (STOP_LEG, TARGET_LEG):
        trouble = "orders of which one cancels the other, other than a bracket's legs"
    if trouble:
        raise Refused(f"broker: {listing.symbol}: Zerodha takes no {trouble}")


def parameters(order: Tracked, wire: Wire, listing: Listing, kite: Kite, tagged: str) -> dict[str, Any]:
    """What places an order.  Every order is for the day: there is no other."""
    exchange, name = kite.place(listing.symbol)
    return {
        "variety": "regular", "exchange": exchange, "tradingsymbol": name,
        "transaction_type": "BUY" if order.side == BUY else "SELL", "product": kite.product, "validity": "DAY",
        "tag": tagged,
    } | terms(order, listing, wire.lots, wire.limit, wire.stop)  # fmt: skip


def terms(order: Tracked, listing: Listing, lots: int, limit: int, stop: int) -> dict[str, Any]:
    """Quantity, kind and prices of an order, new or changed."""
    kind = KINDS[order.order]
    found: dict[str, Any] = {"quantity": int(listing.quantity(lots)), "order_type": kind}
    if limit:
        found["price"] = float(listing.price(limit))
    if stop:
        found["trigger_price"] = float(listing.price(stop))
    return found | ({"market_protection": AUTOMATIC} if order.order in (MARKET, STOP) else {})


def shown(
    told: Mapping[str, Any], name: str, symbol: str, at: int, fills: tuple[Execution, ...] = (), filled: int = -1
) -> Shown:  # fmt: skip
    """An order as the ledger takes it; `filled` if not all of its fills are to count yet."""
    total = int(told.get("filled_quantity") or 0)
    counted = total if filled < 0 else filled
    status = STATUSES.get(str(told["status"]), str(told["status"]))
    if counted < total and status in ENDED:
        status = "new"  # it ends when all that has filled is told
    if counted and status == "new":
        status = "partially_filled"
    return Shown(
        name, str(told["order_id"]), symbol, 1 if told["transaction_type"] == "BUY" else -1, status,
        str(told["quantity"]), float(told.get("price") or 0.0), float(told.get("trigger_price") or 0.0), str(counted),
        float(told.get("average_price") or 0.0), at, nanoseconds(told.get("order_timestamp")), fills,
    )  # fmt: skip


def nanoseconds(moment: Any) -> int:
    """ns UTC of one of Kite's moments, text or datetime, which are Indian time without saying so; 0 for none."""
    if not moment:
        return 0
    parsed = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    return int(parsed.replace(tzinfo=KOLKATA).timestamp()) * SECOND


def day(ts: int) -> date:
    """The day in India."""
    return datetime.fromtimestamp(ts // SECOND, KOLKATA).date()
