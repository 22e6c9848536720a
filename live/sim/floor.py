"""The floor: between the venue's orders and the exchange, whose reports the ledger hears."""

from __future__ import annotations

import numpy as np

from backtest.exchange import NEVER, Exchange, accept
from live.sim import book
from live.sim.account import Account
from live.sim.intake import OrderRequest
from live.sim.ledger import Ledger
from live.sim.lifecycle import Lifecycle
from live.sim.order import KINDS, Order
from live.sim.trading_day import TradingDay
from quantlib.desk.messages import CANCEL, COMMAND, DAY, ENTRY, EXIT, GTC, STOP_LEG, SUBMIT, TARGET_LEG

AT_AUCTIONS = ("ioc", "fok", "opg", "cls")


class Floor:
    """Orders at the exchange of one venue.

    Args:
        exchange, ledger, account, day, life: of the venue.
        prompt: whether cancels and replacements happen at once, and not when the next bar begins.
    """

    def __init__(
        self, exchange: Exchange, ledger: Ledger, account: Account, day: TradingDay, life: Lifecycle, prompt: bool
    ) -> None:
        self.exchange, self.ledger, self.account = exchange, ledger, account
        self.day, self.life, self.prompt = day, life, prompt

    def send(self, order: Order, ask: OrderRequest) -> None:
        """The order goes to the exchange."""
        if order.order_class == "oco":
            self.command(SUBMIT, order, group=-order.key, leg=TARGET_LEG)
            self.command(SUBMIT, order.legs[0], group=-order.key, leg=STOP_LEG)
        else:
            loss, target = ask.loss.stop, ask.target.limit
            self.command(
                SUBMIT, order, leg=EXIT if order.closes else ENTRY, stop_leg=loss, target_leg=target,
                stop_fraction=float(loss > 0), target_fraction=float(target > 0),
            )  # fmt: skip
        for one in (order, *(leg for leg in order.legs if leg.status != "held")):
            if order.tif in AT_AUCTIONS or order.notional or one.status == "accepted":
                book.sleep(self.exchange, one.code, one.key)
        self.drain()

    def command(self, kind: int, order: Order, **more: float) -> None:
        """Ask something of an order; what is not said is as the order is."""
        c = np.zeros(1, COMMAND)
        c["kind"], c["ts"], c["id"], c["symbol"], c["side"] = kind, self.ledger.now, order.key, order.code, order.side
        c["lots"], c["limit"], c["stop"], c["order"] = order.lots, order.limit, order.stop, KINDS[order.kind]
        c["tif"] = DAY if order.tif == "day" and self.day.hours is None else GTC
        c["reduce"] = order.closes
        for name, value in more.items():
            c[name] = value
        accept(self.exchange, c, 1, self.ledger.now)

    def drain(self) -> None:
        """What the exchange reports, in its order."""
        x, twisted = self.exchange, len(self.life.log)
        count = int(x.state["reports"][0])
        reports = x.reports[:count].copy()
        x.state["reports"] = 0
        for report in reports:
            self.ledger.hear(report)
            order = self.ledger.working.get(int(report["id"]))
            if order is not None and order.parent is not None and order.kind == "stop_limit" and order.status == "new":
                self._limit_stop(order)
        if len(self.life.log) > twisted or self.account.fees:  # a broken execution or a fee leaves another position
            x.books["lots"] = [holding.lots for holding in self.account.holdings]

    def cancel(self, order: Order) -> None:
        """Ask for an order's end, unless its life has it otherwise."""
        order.before, order.status = order.status, "pending_cancel"
        order.updated = self.ledger.now
        self.ledger.tell("pending_cancel", order, self.ledger.now)
        if self.life.strikes("cancel_refused", order, self.ledger.now):
            self.ledger.refuse_change(order, self.ledger.now)
        elif self.life.strikes("cancel_race", order, self.ledger.now):
            self.trade_now(order)
            self.ledger.refuse_change(order, self.ledger.now)
        else:
            self.command(CANCEL, order)
            self.hasten(order)

    def hasten(self, order: Order) -> None:
        """What was asked happens at once where it need not wait for a bar."""
        found = book.slot(self.exchange, order.code, order.key)
        if found is not None and (self.prompt or found["active"] == NEVER):
            book.hasten(self.exchange, order.code, order.key, self.ledger.now)

    def trade_now(self, order: Order) -> None:
        """The order alone meets the last price, or its own if it has a limit; no bar is needed."""
        price = order.price(order.limit) if order.limit else self.account.holdings[order.code].mark
        if price == price:
            if order.stop:
                price = order.price(order.stop)
            with book.alone(self.exchange, order.code, {order.key}):
                book.trade_at(self.exchange, order.code, self.ledger.now, price)
            self.drain()

    def move_held(self, old: Order, new: Order) -> None:
        """Another price for a leg that waits for its entry."""
        entry = book.slot(self.exchange, old.code, old.parent.key) if old.parent else None
        if entry is not None:
            entry["stop_leg" if old.stop else "target_leg"] = new.stop or new.limit
        self.ledger.supersede(old, new, new.submitted)

    def _limit_stop(self, leg: Order) -> None:
        """A stop leg with a limit: the exchange attaches legs as plain stops."""
        found = book.slot(self.exchange, leg.code, leg.key)
        if found is not None:
            found["order"], found["limit"], found["limit_price"] = KINDS[leg.kind], leg.limit, leg.price(leg.limit)
