"""Executions of orders at Zerodha, each at its own price and with what it was charged.

An order says how much of it has filled; its trades say at which prices; the virtual contract note says what that costs.
All three are asked for once for every step in which an order fills.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from live.brokers.orders import Listing
from live.brokers.tracked import Execution
from live.brokers.zerodha_orders import Kite, nanoseconds
from live.brokers.zerodha_rest import KiteRest
from live.errors import BrokerError

TRIES = 4  # looks at trades that lag behind their order


class Filled(NamedTuple):
    """What is known of one order's fills."""

    units: int
    value: float  # sum of units times price
    executions: tuple[Execution, ...]


class TradeBook:
    """Executions by order.

    Args:
        rest, kite: of the login.
        listings: how the symbols are traded.
    """

    def __init__(self, rest: KiteRest, kite: Kite, listings: Sequence[Listing]) -> None:
        self.rest, self.kite = rest, kite
        self._listings = {kite.place(one.symbol): one for one in listings}
        self._known: dict[str, Filled] = {}
        self._lagging: dict[str, int] = {}  # looks at orders whose trades are not all there

    @property
    def lagging(self) -> bool:
        """Whether trades are missing that should come."""
        return any(tries < TRIES for tries in self._lagging.values())

    def fills(self, told: Mapping[str, Any]) -> tuple[tuple[Execution, ...], int]:
        """Executions of an order, and the units of it that count: those that have a price of their own.

        Raises:
            BrokerError: if no answer comes.
        """
        id, units = str(told["order_id"]), int(told.get("filled_quantity") or 0)
        known = self._known.get(id, Filled(0, 0.0, ()))
        if units > known.units:
            known = self._known[id] = self._asked(id, told, known)
        if units > known.units:
            self._lagging[id] = self._lagging.get(id, 0) + 1
            if self._lagging[id] >= TRIES:
                return known.executions, units  # the rest at the order's average price
            return known.executions, known.units
        self._lagging.pop(id, None)
        return known.executions, units

    def _asked(self, id: str, told: Mapping[str, Any], known: Filled) -> Filled:
        listing = self._listings[str(told["exchange"]), str(told["tradingsymbol"])]
        trades = self.rest.ask("GET /orders/trades", lambda kite: kite.order_trades(id))
        units, rows = 0, []
        for one in {str(trade["trade_id"]): trade for trade in trades}.values():
            units += int(one["quantity"])
            ts = nanoseconds(one.get("exchange_timestamp") or one.get("fill_timestamp"))
            rows.append((int(one["quantity"]), float(one["average_price"]), ts, units))
        rows = [row for row in rows if row[3] > known.units]
        fees = self._fees(id, told, rows, known)
        new = [
            Execution(listing.lots(size), price, ts, listing.lots(total), fee)
            for (size, price, ts, total), fee in zip(rows, fees, strict=True)
        ]
        value = known.value + sum(size * price for size, price, _, _ in rows)
        return Filled(units, value, (*known.executions, *new))

    def _fees(
        self, id: str, told: Mapping[str, Any], rows: Sequence[tuple[int, float, int, int]], known: Filled
    ) -> list[float]:  # fmt: skip
        """What each execution adds to the charges of its order; nothing where they cannot be had."""
        asked, units, value = [], known.units, known.value
        if units:
            asked.append(note(id, told, units, value / units))
        for size, price, _, total in rows:
            value, units = value + size * price, total
            asked.append(note(id, told, units, value / units))
        try:
            totals = charges(self.rest, asked) if asked else []
        except BrokerError:
            return [0.0] * len(rows)
        before = [0.0, *totals] if not known.units else totals
        return [after - one for one, after in pairwise(before)]


def note(id: str, told: Mapping[str, Any], units: int, price: float) -> dict[str, Any]:
    """An order as the virtual contract note takes it."""
    names = ("exchange", "tradingsymbol", "transaction_type", "variety", "product", "order_type")
    return {"order_id": id, **{name: told[name] for name in names}, "quantity": units, "average_price": price}


def charges(rest: KiteRest, orders: Sequence[Mapping[str, Any]]) -> list[float]:
    """What each order is charged in all, quote currency.

    Raises:
        BrokerError: if no answer comes.
    """
    notes = rest.ask("POST /charges/orders", lambda kite: kite.get_virtual_contract_note(list(orders)))
    return [float(one["charges"]["total"]) for one in notes]
