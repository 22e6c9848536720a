"""The venue: Alpaca's orders in front of the project's own exchange, with an account; no clock and no socket.

    venue = Venue(("AAPL",))
    venue.submit({"symbol": "AAPL", "qty": 10, "side": "buy", "type": "market", "time_in_force": "day"})
    venue.match(ts, columns)                  # the rows of the next timestamp: orders fill
    venue.updates                             # what the account's stream has to say

Orders act as in `backtest.run`: what is asked at a timestamp takes part in the bars after it, and cancels and
replacements happen when the symbol's next bar begins; with `prompt` they happen at once, as at a real broker.
The same calls in the same order give the same ids, answers and updates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

from backtest import exchange
from backtest.costs import Costs
from live.errors import Denied
from live.sim import account as accounts
from live.sim import admission, book
from live.sim.admission import Rules
from live.sim.changes import changed
from live.sim.floor import Floor
from live.sim.intake import OrderRequest, ask_of, invalid, lots_of, unprocessable
from live.sim.ledger import Ledger
from live.sim.lifecycle import Lifecycle
from live.sim.order import Order, Steps
from live.sim.trading_day import Hours, TradingDay
from live.sim.wire import asset_id, quantity
from quantlib.desk.memory import Instrument, instrument_records
from quantlib.desk.messages import REPLACE


class Venue:
    """Orders, account and exchange of one Alpaca account.

    Args:
        symbols: in the order of their codes.
        instruments: tick, lot and multiplier, for all symbols or by name; a lot below 1 makes a symbol fractionable.
        cash: at the start.
        costs: of the exchange; None fills at the bar's prices.
        rules: which of the broker's checks are made.
        hours: the regular session of an instant's day; None: there are no hours, every row is in session.
        prompt: whether cancels and replacements happen at once, and not when the next bar begins.
        life: what may become of chosen orders.
        seed: of ids.
        now: ns UTC, before the first rows.
        crypto_tier: of the fees that are taken of trades in crypto, 1 to 8; 0: none are.
    """

    def __init__(
        self, symbols: Sequence[str], instruments: Instrument | Mapping[str, Instrument] | None = None, *,
        cash: float = 100_000.0, costs: Costs | None = None, rules: Rules | None = None, hours: Hours | None = None,
        prompt: bool = False, life: Lifecycle | None = None, seed: int = 0, now: int = 0, crypto_tier: int = 0,
    ) -> None:  # fmt: skip
        records = instrument_records(symbols, instruments)
        self.symbols, self.rules, self.prompt = tuple(symbols), rules or Rules(), prompt
        self.codes = {symbol: code for code, symbol in enumerate(self.symbols)}
        self.steps = {
            symbol: Steps(float(r["per_tick"]), float(r["lot"]), float(r["unit"]))
            for symbol, r in zip(self.symbols, records, strict=True)
        }
        self.exchange = exchange.opened(symbols, records, costs)
        self.life = life or Lifecycle()
        self.account = accounts.opened(self.symbols, self.steps, cash, seed, crypto_tier)
        self.ledger = Ledger(self.account, self.life, seed)
        self.ledger.now = now
        self.day = TradingDay(self.exchange, self.ledger, hours)
        self.floor = Floor(self.exchange, self.ledger, self.account, self.day, self.life, prompt)
        self.begun = cash
        self.urgent = False  # what was just done is to be told before the call is answered
        self._key = 1

    @property
    def now(self) -> int:
        """The last moment matched, ns UTC."""
        return self.ledger.now

    @property
    def updates(self) -> deque[dict[str, Any]]:
        """Trade updates that wait to be sent; whoever sends them takes them out."""
        return self.ledger.updates

    def match(self, ts: int, columns: dict[str, Any]) -> None:
        """The rows of one timestamp happen: `columns` as in a Table of bars, trades or quotes.

        Raises:
            ValueError: if time goes back.
        """
        if ts < self.now:
            raise ValueError(f"venue: time goes back, {ts} after {self.now}")
        self.ledger.now = ts
        self.day.turn(ts, book.market_rows(columns), self.floor.drain)

    def submit(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """POST /orders: the order as it is taken.

        Raises:
            Denied: 403 or 422, as in `intake` and `admission`.
        """
        ask = ask_of(asked, self.steps)
        if ask.client_order_id in self.ledger.named:
            raise invalid("client_order_id must be unique")
        code, steps = self.codes[ask.symbol], self.steps[ask.symbol]
        intent = admission.intent_of(ask, self.account.holdings[code].lots)
        admission.admit(ask, intent, code, steps, self.account, self.ledger.open(), self.rules)
        order = self._taken(ask, code, intent)
        ts = order.submitted
        self.ledger.tell(order.status, order, ts)
        answer = order.json()
        if self.life.strikes("reject", order, ts):
            self.ledger.end(order, "rejected", ts)
            return answer
        self.floor.send(order, ask)
        if self.life.strikes("early", order, ts):
            self.floor.trade_now(order)
            self.urgent = True
        return answer

    def cancel(self, id: str) -> None:
        """DELETE /orders/{id}; of a bracket's legs, and of OCO orders, one takes the other with it.

        Raises:
            Denied: 404 or 422 if there is nothing to cancel.
        """
        order = self.order(id)
        if order.ended:
            raise unprocessable(f'order is already in "{order.status}" state')
        if order.status == "held" and order.parent is not None:
            order = order.parent
        group = [order]
        if order.parent is not None:
            group = [one for one in self.ledger.open() if one.closes and one.family == order.family]
        elif order.order_class == "oco":
            group += [leg for leg in order.legs if not leg.ended]
        for one in group:
            if not one.ended and one.status != "pending_cancel":  # the first one's race may have ended the other
                self.floor.cancel(one)
        self.floor.drain()

    def cancel_all(self) -> list[dict[str, Any]]:
        """DELETE /orders: what became of each cancel."""
        answers = []
        for order in [one for one in self.ledger.open() if one.status != "held"]:
            status = 200
            if not order.ended:
                self.cancel(order.id)
            answers.append({"id": order.id, "status": status})
        return answers

    def replace(self, id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """PATCH /orders/{id}: the order that takes the old one's place.

        Raises:
            Denied: 404, 422 or 403 if it cannot.
        """
        old = self.order(id)
        if old.ended or old.status.startswith("pending_"):
            raise unprocessable(f'order is already in "{old.status}" state')
        new = changed(old, asked, self.ledger)
        more = (new.open_lots - old.open_lots) * new.steps.unit * new.price(max(new.limit, new.stop))
        open = self.ledger.open()
        room = self.account.buying_power(admission.reserved(open, self.account))
        if self.rules.buying_power and not new.closes and more > room:
            raise Denied(403, admission.CODE, "insufficient buying power")
        self.ledger.enter(new)
        answer = new.json()
        if old.status == "held":
            self.floor.move_held(old, new)
            return answer
        old.before, old.status = old.status, "pending_replace"
        self.ledger.replacing[old.key] = new
        self.ledger.tell("pending_replace", old, new.submitted)
        if self.life.strikes("replace_refused", old, new.submitted):
            self.ledger.refuse_change(old, new.submitted)
            return answer
        self.floor.command(REPLACE, old, lots=new.lots, limit=new.limit, stop=new.stop)
        self.floor.hasten(old)
        self.floor.drain()
        return answer

    def close(self, symbol: str, units: float | None = None, percentage: float | None = None) -> dict[str, Any]:
        """DELETE /positions/{symbol}: the market order that closes it, whole or in part.

        Raises:
            Denied: 404 if there is no position; 403 or 422 as for any order.
        """
        code = self.held(symbol)
        holding, steps = self.account.holdings[code], self.steps[self.symbols[code]]
        lots = abs(holding.lots)
        if units is not None:
            lots = lots_of(units, steps, symbol)
        elif percentage is not None:
            lots = floor(lots * percentage / 100.0 + 1e-9)
        return self.submit({
            "symbol": holding.symbol, "qty": quantity(lots, steps.lot), "side": "sell" if holding.lots > 0 else "buy",
            "type": "market", "time_in_force": "gtc" if "/" in holding.symbol else "day",
        })  # fmt: skip

    def close_all(self, cancel_orders: bool) -> list[dict[str, Any]]:
        """DELETE /positions: an order, or a refusal, for each position."""
        if cancel_orders:
            self.cancel_all()
        answers = []
        for symbol in [h.symbol for h in self.account.holdings if h.lots]:
            try:
                answers.append({"symbol": symbol, "status": 200, "body": self.close(symbol)})
            except Denied as error:
                answers.append({"symbol": symbol, "status": error.status, "body": {**error.body, "symbol": symbol}})
        return answers

    def order(self, id: str) -> Order:
        """The order of an id.

        Raises:
            Denied: 404 if there is none.
        """
        if id not in self.ledger.orders:
            raise Denied(404, 40410000, f"order not found for {id}")
        return self.ledger.orders[id]

    def held(self, symbol: str) -> int:
        """The code of a symbol, or of an asset id, in which there is a position.

        Raises:
            Denied: 404 if there is none.
        """
        for code, holding in enumerate(self.account.holdings):
            named = (holding.symbol, holding.symbol.replace("/", ""), asset_id(holding.symbol))
            if symbol in named and (holding.lots or holding.dust):
                return code
        raise Denied(404, 40410000, "position does not exist")

    def positions(self) -> list[dict[str, Any]]:
        """GET /positions."""
        return [self.position(code) for code, h in enumerate(self.account.holdings) if h.lots or h.dust]

    def position(self, code: int) -> dict[str, Any]:
        """One position as REST shows it."""
        return self.account.position(code, admission.held_lots(self.ledger.open(), code))

    def account_json(self) -> dict[str, Any]:
        """GET /account."""
        return self.account.json(self.now, admission.reserved(self.ledger.open(), self.account))

    def _taken(self, ask: OrderRequest, code: int, intent: str) -> Order:
        """The order and its legs, as the ledger keeps them."""
        mark = self.account.holdings[code].mark
        if ask.kind == "trailing_stop" and mark != mark:
            raise unprocessable(f'asset "{ask.symbol}" has no price yet that a stop could trail')
        sleeps = self.day.sleeps(code, ask.extended)
        key, self._key = self._key, self._key + 3
        order = self.ledger.take(
            ask, key, code, intent, self.steps[ask.symbol], "accepted" if sleeps else "pending_new"
        )
        if ask.kind == "trailing_stop":
            order.follow(mark)
        return order
