"""Positions and cash as REST has them, beside what we booked: where fees were other than thought, it is put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.brokers.reports import Reports
from live.brokers.tracked import Tracked
from quantlib.desk.messages import BUY


class Comparison:
    """Looks at an account, with at least one symbol of crypto; of any other nothing is put right.

    Args:
        reports: of the account's orders.
    """

    def __init__(self, reports: Reports) -> None:
        self.reports, self.coins = reports, reports.coins
        self._cash: tuple[float, float] | None = None  # the broker's at the last look, and what was booked by then

    def whole(self, held: Sequence[Decimal]) -> NDArray[np.int64]:
        """Units as whole lots."""
        listings = self.reports.roster.listings
        return np.array([one.lots(units) for one, units in zip(listings, held, strict=True)], np.int64)

    def begin(self, account: Mapping[str, Any], held: Sequence[Decimal]) -> NDArray[np.int64]:
        """The first look, and the one after all orders of before are known: signed lots as the desk counts them."""
        lots = self.whole(held)
        if self.coins.any:
            self.coins.read(account)
        for code, one in enumerate(self.reports.roster.listings):
            if one.crypto:
                lots[code] = self.coins.measure(code, held[code])
        for order in self.reports.roster.orders.values():
            if order.old and self._is_untold(order):
                lots[order.symbol] += self.coins.owe(order)
            if order.old and not order.ended and order.short:
                lots[order.symbol] += order.short
                self.coins.told(order.symbol, -order.short)
            order.old = False
        return lots

    def look(self, account: Mapping[str, Any], held: Sequence[Decimal]) -> None:
        """A look at any other time."""
        if not self.coins.any:
            return
        self.coins.read(account)
        busy = {order.symbol for order in self.reports.roster.orders.values() if not order.ended}
        for code, one in enumerate(self.reports.roster.listings):
            if one.crypto and code not in busy:
                self.coins.correct(code, held[code], int(self.reports.lots[code]))
        if not busy:
            self._correct_cash(float(account["cash"]))

    def _is_untold(self, order: Tracked) -> bool:
        """Whether a buy has filled in part, so that the desk has not heard of its fee."""
        return self.reports.roster.listings[order.symbol].crypto and order.side == BUY and 0 < order.booked < order.lots

    def _correct_cash(self, cash: float) -> None:
        before, booked = self._cash or (cash, self.reports.money)
        fee = (before - booked) - (cash - self.reports.money)
        if self.coins.seller is not None and self.coins.is_fee(fee):
            self.reports.charge(self.coins.seller, self.coins.seller.ts, fee)
            self._cash = cash, self.reports.money
        elif self._cash is None:
            self._cash = cash, booked
