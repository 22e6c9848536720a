"""A day at the venue: when the market opens and closes, its auctions, and stops that trail.

    opens    orders that were accepted while it was closed become new, and OPG orders trade at the symbol's first open
    bars     IOC and FOK orders, and orders in notional, trade at the open of the symbol's next bar or end; then all
             others as in the exchange; then trailing stops follow the bar's high or low, from the next bar on
    closes   CLS orders trade at the symbol's last close, and DAY orders expire

Outside the session only orders for extended hours trade.  Without hours every bar is a session of its own to OPG and
CLS orders, and DAY orders end as the exchange has it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor

import numpy as np

from backtest.exchange import Exchange
from backtest.loop import match_rows
from live.sim import book
from live.sim.hours import eastern, sessions
from live.sim.ledger import Ledger
from live.sim.order import Order
from quantlib.desk.consult import Rows
from quantlib.desk.messages import CANCELED, CANCELLED, EXPIRE, EXPIRED
from quantlib.desk.policy import DAY_NS

Hours = Callable[[int], tuple[int, int] | None]  # opening and closing of the regular session of an instant's day
Drain = Callable[[], None]
IMMEDIATE = ("ioc", "fok")
OVER_NIGHT = DAY_NS // 2  # an order this long before an open was sent on another day


class TradingDay:
    """The venue's day: it matches rows, and knows which orders sleep."""

    def __init__(self, exchange: Exchange, ledger: Ledger, hours: Hours | None) -> None:
        self.exchange, self.ledger, self.hours = exchange, ledger, hours
        self._session: tuple[int, int] | None = None  # that has begun, and of which the end was not seen
        self._unopened: set[int] = set()  # symbols whose first bar of the session is still to come

    def is_open(self, code: int, ts: int) -> bool:
        """Whether what is asked now can trade at once."""
        if self.hours is None or "/" in self.ledger.account.holdings[code].symbol:
            return True
        session = self.hours(ts)
        return session is not None and session[0] <= ts < session[1]

    def sleeps(self, code: int, extended: bool) -> bool:
        """Whether an order sent now takes part in nothing, for the market is closed to it."""
        return not extended and not self.is_open(code, self.ledger.now)

    def turn(self, ts: int, rows: Rows, drain: Drain) -> None:
        """The rows of one timestamp, and what comes with them."""
        session = self.hours(ts) if self.hours else None
        if self._session is not None and ts > self._session[1]:
            self._close(self._session[1], drain)
        if session is not None and session[0] < ts <= session[1] and self._session is None:
            self._open(session, drain)
        self.ledger.account.begin(session[0] if session else ts // DAY_NS)
        closes = self._session is not None and ts == self._session[1]
        here = self._here(rows)
        self._at_open(ts, here, drain)
        self._unopened -= set(here)
        match_rows(self.exchange, rows, 0, rows.ts.size)
        drain()
        self._trail(here)
        if self.hours is None or closes:
            self._auction(("cls",), ts, here, "close", drain)
        self.ledger.account.marked(ts, {code: row["close"] for code, row in here.items()})
        if closes and self._session is not None:
            self._close(ts, drain)

    def _here(self, rows: Rows) -> dict[int, dict[str, float]]:
        """The last row of each symbol that has one: its prices."""
        names = ("open", "high", "low", "close")
        prices = [getattr(rows, name) for name in names]
        deep = rows.volume.size > 0
        here: dict[int, dict[str, float]] = {}
        for k, code in enumerate(rows.symbol.tolist()):
            one = {name: float(column[k]) for name, column in zip(names, prices, strict=True)}
            if all(value == value for value in one.values()):
                here[code] = one | {"volume": float(rows.volume[k]) if deep else np.nan}
        return here

    def _open(self, session: tuple[int, int], drain: Drain) -> None:
        self._session = session
        self._unopened = set(range(len(self.ledger.account.holdings)))
        for order in self.ledger.open():
            if not self._regular(order) or order.status == "held":
                continue
            if order.extended and order.tif == "day" and session[0] - order.submitted > OVER_NIGHT:
                book.end(self.exchange, order.code, order.key, session[0], EXPIRED, EXPIRE)
                continue
            if order.tif not in ("ioc", "fok", "opg", "cls") and not order.notional:
                book.wake(self.exchange, order.code, order.key)
            if order.status == "accepted":
                order.status, order.updated = "new", session[0]
                self.ledger.tell("new", order, session[0])
        drain()

    def _close(self, ts: int, drain: Drain) -> None:
        self._session = None
        for order in self.ledger.open():
            if not self._regular(order) or order.ended:
                continue
            if order.status == "pending_cancel":
                book.hasten(self.exchange, order.code, order.key, ts)
            elif order.extended:
                continue  # it trades on after hours, and ends at the latest when the next session opens
            elif order.tif != "gtc" and order.status not in ("accepted", "held"):
                book.end(self.exchange, order.code, order.key, ts, EXPIRED, EXPIRE)
            else:
                book.sleep(self.exchange, order.code, order.key)
        drain()

    def _regular(self, order: Order) -> bool:
        return "/" not in order.symbol

    def _at_open(self, ts: int, here: dict[int, dict[str, float]], drain: Drain) -> None:
        """Orders that trade at a bar's open, and nowhere else."""
        if not any(order.tif in ("ioc", "fok", "opg") or order.notional for order in self.ledger.working.values()):
            return
        for order in self.ledger.open():
            if order.notional and order.code in here and self._trades(order):
                slot = book.slot(self.exchange, order.code, order.key)
                order.lots = max(1, floor(order.notional / here[order.code]["open"] / order.steps.unit + 1e-9))
                if slot is not None:
                    slot["lots"] = order.lots
        first = here if self.hours is None else {code: row for code, row in here.items() if code in self._unopened}
        self._auction(("opg",), ts, first, "open", drain)
        self._auction(IMMEDIATE, ts, here, "open", drain)

    def _auction(
        self, tifs: tuple[str, ...], ts: int, here: dict[int, dict[str, float]], which: str, drain: Drain
    ) -> None:  # fmt: skip
        """Orders of some times in force trade at one price of each symbol's bar; what is left of them ends."""
        share = float(self.exchange.costs["participation"][0])
        asked = [o for o in self.ledger.open() if o.code in here and self._trades(o)]
        asked = [o for o in asked if o.tif in tifs or (o.notional and tifs is IMMEDIATE)]
        for code in sorted({order.code for order in asked}):
            row, mine = here[code], [order for order in asked if order.code == code]
            depth = (
                floor(share * row["volume"] / mine[0].steps.lot) if share and row["volume"] == row["volume"] else None
            )
            filling = [o for o in mine if o.tif != "fok" or depth is None or o.lots <= depth]
            with book.alone(self.exchange, code, {order.key for order in filling}):
                book.trade_at(self.exchange, code, ts, row[which], row["volume"])
            drain()
            for order in mine:
                if not order.ended:
                    book.end(self.exchange, code, order.key, ts, CANCELLED, CANCELED)
            drain()

    def _trades(self, order: Order) -> bool:
        """Whether an order's market is open to it, in the session that has begun."""
        return order.status not in ("accepted", "held") and (
            self.hours is None or self._session is not None or not self._regular(order)
        )

    def _trail(self, here: dict[int, dict[str, float]]) -> None:
        """Trailing stops follow the best price that their bar has seen; it counts from the next bar on."""
        for order in self.ledger.working.values():
            if order.kind == "trailing_stop" and order.code in here and order.status not in ("accepted", "held"):
                best = here[order.code]["high" if order.side < 0 else "low"]
                before = order.stop
                if order.follow(best) and order.stop != before:
                    found = book.slot(self.exchange, order.code, order.key)
                    if found is not None:
                        found["stop"], found["stop_price"] = order.stop, order.price(order.stop)


def new_york(ts: int) -> tuple[int, int] | None:
    """Opening and closing of the day of an instant on the New York Stock Exchange, ns UTC; None if it has none."""
    day = eastern(ts).date()
    begin, end = sessions().open_of(day), sessions().close_of(day)
    return (begin, end) if begin is not None and end is not None else None
