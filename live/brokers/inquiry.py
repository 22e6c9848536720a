"""What REST says of orders, executions, positions and cash: asked for, and given to the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.comparison import Comparison
from live.brokers.ledger import Ledger
from live.brokers.orders import SECOND, UNBORN, codes, instant, moment
from live.brokers.protocol import Standing
from live.brokers.rest import NOT_FOUND, Rest
from live.brokers.tracked import Execution, Tracked, Wire
from live.errors import BrokerError
from quantlib.desk.messages import ORDER, PARTIAL, WORKING

PAGE, FILLS_PAGE = 500, 100
PAGES = 40
HOPS = 16  # replacements of one order that are followed


class Inquiry:
    """Questions about our orders at one broker.  Its calls hold no lock; what they bring is given under one."""

    def __init__(self, rest: Rest, ledger: Ledger, lock: RLock) -> None:
        self.rest, self.ledger, self._lock = rest, ledger, lock
        self.comparison = Comparison(ledger.reports)
        self._codes = codes([one.symbol for one in ledger.listings])

    def named(self, name: str) -> Mapping[str, Any] | None:
        """The order of a client order id; None if there is none.

        Raises:
            BrokerError: if no answer comes.
        """
        answer = self.rest.ask("/orders:by_client_order_id", {"client_order_id": name})
        if answer.ok:
            found: Mapping[str, Any] = answer.body
            return found
        if answer.status == NOT_FOUND:
            return None
        raise BrokerError(f"broker: asked for order {name}, it answered {answer.status}: {answer.body}")

    def about(self, order: Tracked) -> bool:
        """Let the ledger see one order, all that replaced it, and its legs; whether the broker has it.

        Raises:
            BrokerError: if no answer comes.
        """
        with self._lock:
            wires = list(order.wires) + ([order.coming] if order.coming else [])
        if not wires:
            told = self.named(f"{self.ledger.session}-{order.id}")
            if told is None:
                return False
            wires = [Wire("", str(told["id"]))]
        found = False
        for wire in wires:
            id = wire.id
            if not id:
                told = self.named(wire.name)
                id = str(told["id"]) if told else ""
            for _ in range(HOPS):
                told = self._identified(id) if id else None
                if told is None:
                    break
                found = True
                self.show(told)
                with self._lock:
                    bare = self.ledger.bare(order, told)
                if bare:
                    self.show(told)
                id = str(told.get("replaced_by") or "")
        return found

    def show(self, told: Mapping[str, Any]) -> bool:
        """Let the ledger see an order, with the prices of fills that it has missed; whether it is ours."""
        with self._lock:
            lacks = self.ledger.lacks(told)
        executions = self._executions(told) if lacks else {}
        with self._lock:
            return self.ledger.see(told, executions)

    def open_orders(self) -> list[Mapping[str, Any]]:
        """All open orders of the account, legs beside their entries.

        Raises:
            BrokerError: if no answer comes.
        """
        query = {"status": "open", "limit": str(PAGE), "direction": "asc", "nested": "false"}
        return list(self._orders(query, "after"))

    def find_entries(self, legs: Collection[str]) -> None:
        """Look for the entries of open orders that may be legs of ours, by the broker's ids, among what has ended.

        Raises:
            BrokerError: if no answer comes.
        """
        missing, symbols = set(legs), ",".join(one.symbol for one in self.ledger.listings)
        query = {"status": "closed", "limit": str(PAGE), "direction": "desc", "nested": "true", "symbols": symbols}
        for told in self._orders(query, "until"):
            if missing & {str(leg["id"]) for leg in told.get("legs") or ()}:
                with self._lock:
                    self.ledger.roster.bury(told)
                self.show(told)
                missing -= {str(leg["id"]) for leg in told["legs"]}
            if not missing:
                return

    def poll(self, passed: Collection[int] = ()) -> bool:
        """Ask about all of our orders but those passed over; whether that brought anything new.

        Raises:
            BrokerError: if no answer comes.
        """
        with self._lock:
            before = len(self.ledger.waiting())
            alive = [o for o in self.ledger.orders.values() if not o.ended and o.id not in passed]
        listed = self.open_orders()
        for told in listed:
            self.show(told)
        there = {str(told["id"]) for told in listed}
        for order in alive:
            with self._lock:
                gone = not order.ended and order.wire is not None and order.wire.id not in there
            if gone:
                self.about(order)
        with self._lock:
            return len(self.ledger.waiting()) > before

    def standing(self) -> Standing:
        """Cash, signed lots and working orders, as REST has them now.

        Raises:
            BrokerError: if no answer comes.
        """
        account, held = self.rest.told("/account"), self._held()
        cash, lots = float(account["cash"]), self.comparison.whole(held)
        with self._lock:
            self.comparison.look(account, held)
        listed = [told for told in self.open_orders() if str(told.get("status")) not in UNBORN]
        rows = [self._record(told) for told in listed if self._code(told) >= 0]
        working = np.array([row for row in rows if row is not None], ORDER)
        share = float(self.ledger.reports.coins.share)
        return Standing(cash, lots, working[np.argsort(working["id"], kind="stable")], coin_fee=share)

    def positions(self) -> NDArray[np.int64]:
        """Signed lots by symbol, as the desk counts them: whole ones, with those whose fee it is yet to hear of.

        Raises:
            BrokerError: if no answer comes.
        """
        held = self._held()
        account = self.rest.told("/account") if self.ledger.reports.coins.any else {}
        with self._lock:
            return self.comparison.begin(account, held)

    def _held(self) -> list[Decimal]:
        """Signed units by symbol."""
        held = [Decimal(0)] * len(self.ledger.listings)
        for told in self.rest.told("/positions"):
            code = self._code(told)
            if code >= 0:
                held[code] = Decimal(str(told["qty"]))
        return held

    def _identified(self, id: str) -> Mapping[str, Any] | None:
        answer = self.rest.ask(f"/orders/{id}", {"nested": "true"})
        if answer.ok:
            found: Mapping[str, Any] = answer.body
            return found
        if answer.status == NOT_FOUND:
            return None
        raise BrokerError(f"broker: asked for order {id}, it answered {answer.status}: {answer.body}")

    def _orders(self, query: dict[str, str], bound: str) -> Iterable[Mapping[str, Any]]:
        seen: set[str] = set()
        for _ in range(PAGES):
            page = self.rest.told("/orders", query)
            new = [told for told in page if str(told["id"]) not in seen]
            yield from new
            if len(page) < PAGE or not new:
                return
            seen.update(str(told["id"]) for told in new)
            query = query | {bound: str(page[-1]["submitted_at"])}

    def _executions(self, told: Mapping[str, Any]) -> dict[str, list[Execution]]:
        """Executions of an order and its legs, by FILL activities; none where they cannot be had."""
        listing = self.ledger.listings[self._code(told)]
        ids = {str(one["id"]) for one in (told, *(told.get("legs") or ()))}
        found: dict[str, list[Execution]] = {id: [] for id in ids}
        since = instant(moment(told.get("submitted_at")) - SECOND)  # the bound itself is left out
        query = {"after": since, "direction": "asc", "page_size": str(FILLS_PAGE)}
        for _ in range(PAGES):
            try:
                page = self.rest.told("/account/activities/FILL", query)
            except BrokerError:
                return {}  # averages will do
            for one in page:
                if str(one.get("order_id")) in ids and one.get("price"):
                    sizes = listing.lots(one["qty"]), listing.lots(one["cum_qty"])
                    ts = moment(one.get("transaction_time"))
                    execution = Execution(sizes[0], float(one["price"]), ts, sizes[1])
                    found.setdefault(str(one["order_id"]), []).append(execution)
            if len(page) < FILLS_PAGE:
                return found
            query = query | {"page_token": str(page[-1]["id"])}
        return found

    def _code(self, told: Mapping[str, Any]) -> int:
        return self._codes.get(str(told.get("symbol")), -1)

    def _record(self, told: Mapping[str, Any]) -> NDArray[Any] | None:
        """An open order as the desk writes one; of someone else's, the id is 0."""
        ours = self.show(told)
        with self._lock:
            order = self.ledger.owner(told) if ours else None
            if order is not None and (order.ended or order.wire is None or order.wire.id != told["id"]):
                return None  # what takes its place is listed too, or it has ended since
            row = np.zeros((), ORDER)
            row["symbol"], row["status"] = self._code(told), WORKING
            if order is None:
                listing = self.ledger.listings[self._code(told)]
                row["side"] = 1 if told.get("side") == "buy" else -1
                row["lots"], row["filled"] = listing.lots(told.get("qty")), listing.lots(told.get("filled_qty"))
                row["limit"], row["stop"] = (
                    listing.ticks(told.get("limit_price")),
                    listing.ticks(told.get("stop_price")),
                )
                return row
            names = ("id", "group", "side", "lots", "limit", "stop", "order", "tif", "leg", "reduce", "stop_leg")
            for name in (*names, "target_leg"):
                row[name] = getattr(order, name)
            row["filled"], row["placed"] = order.booked, order.ts
            row["status"] = PARTIAL if order.booked else WORKING
            return row
