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
from live.errors import BrokerError, Unanswered

TRIES = 4  # looks at trades that lag behind their order


Trade = tuple[int, float, int]  # units, price, ns


class Filled(NamedTuple):
    """What is known of one order's fills."""

    units: int = 0
    value: float = 0.0  # sum of units times price
    executions: tuple[Execution, ...] = ()
    trades: frozenset[str] = frozenset()  # their ids
    guessed: bool = False  # a trade never came: from then on only averages are trusted


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
        return bool(self._lagging)

    def fills(self, told: Mapping[str, Any]) -> tuple[tuple[Execution, ...], int]:
        """Executions of an order, and the units of it that count: those that have a price of their own.

        Raises:
            BrokerError: if no answer comes.
        """
        id, units = str(told["order_id"]), int(told.get("filled_quantity") or 0)
        known = self._known.get(id, Filled())
        if units > known.units:
            known = known if known.guessed else self._asked(id, told, known)
            if units > known.units:
                self._lagging[id] = self._lagging.get(id, 0) + 1
                if known.guessed or self._lagging[id] >= TRIES:
                    known = self._guessed(id, told, known, units)
            self._known[id] = known
        if units <= known.units:
            self._lagging.pop(id, None)
        return known.executions, min(units, known.units)

    def _asked(self, id: str, told: Mapping[str, Any], known: Filled) -> Filled:
        """With the trades that are new."""
        told_of = self.rest.ask("GET /orders/trades", lambda kite: kite.order_trades(id))
        new = {str(one["trade_id"]): one for one in told_of if str(one["trade_id"]) not in known.trades}
        trades = [
            (int(one["quantity"]), float(one["average_price"]), nanoseconds(one["exchange_timestamp"]))
            for one in new.values()
        ]
        return self._with(id, told, known, trades)._replace(trades=known.trades | set(new))

    def _guessed(self, id: str, told: Mapping[str, Any], known: Filled, units: int) -> Filled:
        """With one execution for all that is missing: what the order paid in all, less what is known."""
        gap = units - known.units
        price = (units * float(told["average_price"]) - known.value) / gap
        ts = nanoseconds(told.get("exchange_timestamp") or told.get("order_timestamp"))
        return self._with(id, told, known, [(gap, price, ts)])._replace(guessed=True)

    def _with(self, id: str, told: Mapping[str, Any], known: Filled, trades: Sequence[Trade]) -> Filled:
        listing = self._listings[str(told["exchange"]), str(told["tradingsymbol"])]
        units, value, executions = known.units, known.value, list(known.executions)
        for (size, price, ts), fee in zip(trades, self._fees(id, told, known, trades), strict=True):
            units, value = units + size, value + size * price
            executions.append(Execution(listing.lots(size), price, ts, listing.lots(units), fee))
        return Filled(units, value, tuple(executions), known.trades)

    def _fees(self, id: str, told: Mapping[str, Any], known: Filled, trades: Sequence[Trade]) -> list[float]:
        """What each trade adds to the charges of its order; nothing where they cannot be had."""
        units, value = known.units, known.value
        asked = [note(id, told, units, value / units)] if units else []
        for size, price, _ in trades:
            units, value = units + size, value + size * price
            asked.append(note(id, told, units, value / units))
        if not trades:
            return []
        try:
            totals = charges(self.rest, asked)
        except BrokerError:
            return [0.0] * len(trades)
        return [after - before for before, after in pairwise(totals if known.units else [0.0, *totals])]


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
    if len(notes) != len(orders):
        raise Unanswered(f"broker: POST /charges/orders has {len(notes)} charges of {len(orders)} orders")
    return [float(one["charges"]["total"]) for one in notes]
