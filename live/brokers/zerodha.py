"""Zerodha, as a broker of a live session: shares over Kite Connect.

    token = logged_in(api_key, api_secret, request_token)     every morning
    broker = zerodha_broker(Kite(api_key, token), session, symbols, instruments)

REST and the ticker are the real clients.  The ticker's updates are hints: the order book is asked for after each, and
whatever it shows counts.  Orders bear their tickets in their tags.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import RLock, Timer
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.keeper import Patience
from live.brokers.line import CLOSING, Ear, Shown
from live.brokers.line_broker import LineBroker
from live.brokers.orders import ENDED, Listing, id_in, listings
from live.brokers.tracked import Execution, Tracked, Wire
from live.brokers.zerodha_account import Account, qualified
from live.brokers.zerodha_fills import TradeBook
from live.brokers.zerodha_legs import LEGS, Legs
from live.brokers.zerodha_orders import CNC, Kite, check, day, name_of, parameters, shown, tag, terms
from live.brokers.zerodha_rest import ORDERS, KiteRest
from live.brokers.zerodha_updates import SILENCE, OrderUpdates
from live.errors import BrokerError, Refused
from live.pulse import BrokerHealth

log = logging.getLogger(__name__)

AGAIN = 0.5  # seconds until what cannot be told yet is looked at again


def zerodha_broker(
    kite: Kite, session: str, symbols: Sequence[str], instruments: NDArray[Any], *,
    clock: Callable[[], int] = time.time_ns, patience: Patience | None = None, silence: float = SILENCE,
) -> LineBroker:  # fmt: skip
    """One account at Zerodha.

    Args:
        kite: the login of the day.
        session: its name, with which names of orders begin; no other session of the account may ever have had it.
        symbols, instruments: as the desk counts them; INSTRUMENT records.
        clock: ns UTC.
        patience: how long things may take.
        silence: seconds without a word after which the websocket is connected anew.

    Raises:
        BrokerError: if orders cannot be named after the session.
    """
    patience = patience or Patience()
    line = ZerodhaLine(kite, session, symbols, instruments, clock, patience, silence)
    return LineBroker(line, session, patience=patience)


class ZerodhaLine:
    """The line to one account at Zerodha; arguments as above."""

    name, at_once = "zerodha", ORDERS

    def __init__(
        self, kite: Kite, session: str, symbols: Sequence[str], instruments: NDArray[Any], clock: Callable[[], int],
        patience: Patience, silence: float,
    ) -> None:  # fmt: skip
        self.kite, self.session, self.clock = kite, session, clock
        self.listings = listings(symbols, instruments)
        self.rest = KiteRest(kite, self._expired, timeout=patience.timeout)
        self.updates = OrderUpdates(
            kite, self._hinted, self._began, self._lost, backoff=patience.backoff, silence=silence
        )
        self.listening = self.updates.listening
        self.trades = TradeBook(self.rest, kite, self.listings)
        self.legs = Legs(self.rest, kite, session, self.listings, self._tell, patience.settle)
        self.account = Account(self.rest, kite, self.listings)
        self._symbols = {kite.place(one.symbol): one.symbol for one in self.listings}
        self._looking = RLock()
        self._ear: Ear | None = None
        self._timer: Timer | None = None
        self._refusals: set[str] = set()

    def begin(self, ear: Ear, patience: float) -> None:
        """Check the login and its symbols, connect, and listen."""
        self._ear = ear
        self.rest.ask("GET /user/profile", lambda kite: kite.profile())
        qualified(self.rest, self.kite, self.listings)
        self.updates.start()
        until = time.monotonic() + patience
        while not self.listening.wait(0.02):
            if self.updates.fatal is not None or time.monotonic() > until:
                self.updates.halt()
                raise self.updates.fatal or BrokerError(
                    f"broker: Zerodha's websocket did not answer at {self.kite.ticker} within {patience:g} s"
                )
        ear.tell("notice", "orders at Zerodha end with the day, whatever they ask for", False)
        if self.kite.product == CNC:
            text = "a bracket's legs are placed when its entry has filled: until then its position has no stop"
            ear.tell("notice", text, False)

    def check(self, command: Any, listing: Listing) -> None:
        """Refuse what Kite has no order for."""
        check(command, listing, self.kite)

    def know(self, order: Tracked) -> None:
        """Legs of an order of before are looked for."""
        with self._looking:
            self.legs.know(order)

    def place(self, order: Tracked, wire: Wire) -> Shown | None:
        """Send an order; its legs follow its fills."""
        self.know(order)
        listing = self.listings[order.symbol]
        asked = parameters(order, wire, listing, self.kite, tag(self.session, order.id))
        id = str(self.rest.send("POST /orders", lambda kite: kite.place_order(**asked)))
        now = self.clock()
        self._doubt()  # nothing is said of an order that has been placed
        return Shown(
            wire.name, id, listing.symbol, order.side, "pending_new", str(asked["quantity"]),
            float(asked.get("price", 0.0)), float(asked.get("trigger_price", 0.0)), at=now, begun=now,
        )  # fmt: skip

    def amend(self, order: Tracked, wire: Wire, lots: int, limit: int, stop: int) -> None:
        """Change an order where it stands, or a leg's trigger."""
        if order.leg in LEGS:
            with self._looking:
                self.legs.amend(order, lots, limit, stop)
        else:
            asked = terms(order, self.listings[order.symbol], lots, limit, stop)
            self.rest.send("PUT /orders", lambda kite: kite.modify_order("regular", wire.id, validity="DAY", **asked))
        self._doubt()

    def cancel(self, order: Tracked, wire: Wire) -> None:
        """Ask for the end of an order or a leg."""
        if order.leg in LEGS:
            with self._looking:
                self.legs.cancel(order)
        else:
            self.rest.send("DELETE /orders", lambda kite: kite.cancel_order("regular", wire.id))
        self._doubt()

    def remove(self, id: str) -> None:
        """Ask for the end of an order."""
        if id_in(id, self.session):
            raise Refused(f"broker: {id} is a leg, and goes with its GTT")
        self.rest.send("DELETE /orders", lambda kite: kite.cancel_order("regular", id))
        self._doubt()

    def named(self, name: str) -> Shown | None:
        """The order or leg of this name, after a look at all of them."""
        for one in self.orders():
            for part in (one, *one.legs):
                if part.name == name:
                    return part
        return None

    def orders(self) -> Sequence[Shown]:
        """All orders of the day, and the legs that stand."""
        with self._looking:
            at = self.clock()
            guarded = any(guard.alive for guard in self.legs.guards.values())
            book = {str(told["order_id"]): told for told in self.rest.ask("GET /orders", lambda kite: kite.orders())}
            gtts = self.rest.ask("GET /gtt/triggers", lambda kite: kite.get_gtts()) if guarded else []
            self.legs.see(gtts, book, at)
            fired = {leg.order for guard in self.legs.guards.values() for leg in guard.legs.values() if leg.order}
            found = [self._shown(told, at) for id, told in book.items() if id not in fired]
            with_entry = {id_in(one.name, self.session) for one in found if one.name}
            for guard in self.legs.guards.values():
                if guard.entry not in with_entry:  # placed on a day before
                    found += self.legs.shown(guard, book, self.trades.fills, at)
            found = [self._guarded(one, book, at) for one in found]
            if self.trades.lagging or self.legs.lagging:
                self._again()
            return found

    def lapsed(self, order: Tracked) -> bool:
        """Every order ends with its day; legs do not."""
        return order.leg not in LEGS and day(order.ts) < day(self.clock())

    def lots(self) -> NDArray[np.int64]:
        """Signed lots by symbol."""
        return self.account.lots()

    def cash(self) -> float:
        """Cash as if all positions were paid for, with the charges of the day."""
        return self.account.cash()

    def cancel_all(self) -> None:
        """Take back every open order, and every GTT, of the account."""
        self.account.cancel_all()

    def close_all(self) -> None:
        """Take back every order and leave every position in the session's symbols: the account's other shares stay."""
        self.account.cancel_all()
        for listing, lots in zip(self.listings, self.lots().tolist(), strict=True):
            if lots:
                self.account.leave(listing, lots, CLOSING)

    def reconnect(self) -> None:
        """Connect the websocket anew."""
        self.updates.reconnect()

    def health(self) -> BrokerHealth:
        """How it is."""
        rest, updates = self.rest, self.updates
        age = max(0.0, time.monotonic() - max(rest.answered, updates.spoken))
        trouble = str(updates.fatal or "") or rest.trouble
        return BrokerHealth(
            self.name, self.listening.is_set(), age, rest.calls, rest.failures, rest.circuit.state,
            rest.budget.remaining, 0, trouble,
        )  # fmt: skip

    def close(self) -> None:
        """Disconnect for good; orders stay."""
        if self._timer is not None:
            self._timer.cancel()
        self.rest.close()
        self.updates.halt()

    def _shown(self, told: Mapping[str, Any], at: int) -> Shown:
        """An order of the book; one of ours with the prices of its fills."""
        name = name_of(told.get("tag"), self.session)
        place = (str(told["exchange"]), str(told["tradingsymbol"]))
        symbol = self._symbols.get(place, f"{place[0]}:{place[1]}")
        if not name or place not in self._symbols:
            return shown(told, CLOSING if told.get("tag") == CLOSING else "", symbol, at)
        fills, counted = self.trades.fills(told)
        one = shown(told, name, symbol, at, fills, counted)
        if one.status == "rejected" and one.id not in self._refusals:
            self._refusals.add(one.id)
            self._tell("refused", f"order {name} was rejected: {told.get('status_message')}", False)
        return one

    def _guarded(self, one: Shown, book: Mapping[str, Mapping[str, Any]], at: int) -> Shown:
        """An entry with its legs, no more of it filled than they stand for."""
        entry = id_in(one.name, self.session)
        guard = self.legs.guards.get(entry)
        if guard is None:
            return one
        listing = self.listings[guard.symbol]
        filled = listing.lots(one.filled)
        if filled == 0:
            if one.status in ENDED:
                self.legs.drop(entry)
            return one
        if guard.fired and one.status not in ENDED:
            self._end(one.id)  # as at the exchange of a backtest, the rest of the entry goes with its first leg
        told = self.legs.arm(guard, filled, one.average)
        legs = self.legs.shown(guard, book, self.trades.fills, at)
        if told < filled:
            fills: list[Execution] = [fill for fill in one.executions if fill.total <= told]
            status = "partially_filled" if fills else "new"
            one = one._replace(status=status, filled=listing.quantity(fills[-1].total if fills else 0))
            one = one._replace(executions=tuple(fills))
        return one._replace(legs=legs, bare=guard.bare and not legs)

    def _end(self, id: str) -> None:
        try:
            self.rest.send("DELETE /orders", lambda kite: kite.cancel_order("regular", id))
        except BrokerError as error:
            log.info("the rest of order %s is not taken back yet: %s", id, error)
        self._again()

    def _again(self) -> None:
        if self._timer is None or not self._timer.is_alive():
            self._timer = Timer(AGAIN, self._doubt)
            self._timer.daemon = True
            self._timer.start()

    def _doubt(self) -> None:
        if self._ear is not None:
            self._ear.doubt()

    def _tell(self, kind: str, text: str, fatal: bool) -> None:
        if self._ear is not None:
            self._ear.tell(kind, text, fatal)

    def _expired(self, text: str) -> None:
        self._tell("keys", text, True)

    def _hinted(self) -> None:
        if self._ear is not None:
            self._ear.doubt()
            self._ear.heard(1)

    def _began(self) -> None:
        if self._ear is not None:
            self._ear.began()

    def _lost(self, reason: str) -> None:
        if self._ear is not None:
            self._ear.lost(reason)
            if self.updates.fatal is not None:
                self._tell("keys", str(self.updates.fatal), True)
