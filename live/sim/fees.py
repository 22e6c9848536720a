"""Fees of crypto, as the venue takes them at each fill, and as activities show them once the day is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from live.fees import Tier, coins
from live.sim.order import Order
from live.sim.wire import SECOND, name_of, number
from quantlib.desk.messages import BUY

DAY = 86_400 * SECOND


class Fee(NamedTuple):
    """What one fill cost: coins of a buy, dollars of a sale."""

    ts: int
    symbol: str
    price: float
    coins: Decimal
    dollars: float


def fee_of(order: Order, ts: int, lots: int, price: float, tier: Tier) -> Fee:
    """The fee of a fill; an order whose limit the market came to was a maker's."""
    rested = order.limit > 0 and price == order.price(order.limit)
    units, share = lots * Decimal(repr(order.steps.lot)), tier.maker if rested else tier.taker
    if order.side == BUY:
        return Fee(ts, order.symbol, price, coins(units, share), 0.0)
    return Fee(ts, order.symbol, price, Decimal(0), float(units * Decimal(repr(price)) * share))


def posted(fees: Sequence[Fee], now: int) -> list[dict[str, Any]]:
    """GET /account/activities/CFEE: fees of the days before this one, the latest first."""
    shown = [(place, fee) for place, fee in enumerate(fees) if fee.ts // DAY < now // DAY]
    return [_activity(place, fee) for place, fee in reversed(shown)]


def _activity(place: int, fee: Fee) -> dict[str, Any]:
    when = datetime.fromtimestamp(fee.ts // SECOND, UTC)
    kind = "Non USD" if fee.coins else "USD"
    return {
        "id": f"{when:%Y%m%d}000000000::{name_of('fee', place)}", "activity_type": "CFEE", "date": f"{when:%Y-%m-%d}",
        "net_amount": number(-fee.dollars) if fee.dollars else "0",
        "description": f"Coin Pair Transaction Fee ({kind})", "symbol": fee.symbol.replace("/", ""),
        "qty": format(-fee.coins, "f") if fee.coins else "0", "price": number(fee.price), "status": "executed",
    }  # fmt: skip
