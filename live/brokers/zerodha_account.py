"""An account at Zerodha: which symbols it may trade, what it holds, and the last resort."""

from __future__ import annotations

from collections.abc import Sequence
from operator import methodcaller

import numpy as np
from numpy.typing import NDArray

from live.brokers.orders import ENDED, Listing
from live.brokers.zerodha_fills import charges, note
from live.brokers.zerodha_legs import STANDS
from live.brokers.zerodha_orders import AUTOMATIC, CNC, STATUSES, Kite
from live.brokers.zerodha_rest import KiteRest
from live.errors import BrokerError, Refused


def qualified(rest: KiteRest, kite: Kite, listings: Sequence[Listing]) -> None:
    """See that each symbol is traded there, in steps that ours are multiples of.

    Raises:
        BrokerError: naming the symbol, and what to do.
    """
    places = [kite.place(one.symbol) for one in listings]
    found = {}
    for exchange in sorted({exchange for exchange, _ in places}):
        for one in rest.ask(f"GET /instruments/{exchange}", methodcaller("instruments", exchange)):
            found[str(one["exchange"]), str(one["tradingsymbol"])] = one
    for listing, place in zip(listings, places, strict=True):
        told = found.get(place)
        if told is None:
            raise BrokerError(f"broker: {place[1]} is not traded on {place[0]}; correct it, or leave it out")
        tick, lot = float(told["tick_size"]), int(told["lot_size"])
        steps = 1.0 / listing.per_tick / tick
        if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
            raise BrokerError(f"broker: {listing.symbol} is quoted in steps of {tick:g}; Instrument(tick={tick:g})")
        if listing.lot % lot:
            raise BrokerError(f"broker: {listing.symbol} is traded in lots of {lot}; Instrument(lot={lot})")


class Account:
    """Positions, cash and the last resort of one login.

    Args:
        rest, kite: of the login.
        listings: how the symbols are traded.
    """

    def __init__(self, rest: KiteRest, kite: Kite, listings: Sequence[Listing]) -> None:
        self.rest, self.kite, self.listings = rest, kite, listings

    def lots(self) -> NDArray[np.int64]:
        """Signed lots by symbol: what was held this morning, if shares are delivered, and what today changed."""
        held: dict[tuple[str, str], int] = {}
        if self.kite.product == CNC:
            for one in self.rest.ask("GET /portfolio/holdings", lambda kite: kite.holdings()):
                place = (str(one["exchange"]), str(one["tradingsymbol"]))
                held[place] = held.get(place, 0) + int(one["opening_quantity"])
        for one in self.rest.ask("GET /portfolio/positions", lambda kite: kite.positions())["day"]:
            if one["product"] == self.kite.product:
                place = (str(one["exchange"]), str(one["tradingsymbol"]))
                held[place] = held.get(place, 0) + int(one["quantity"])
        lots = [one.lots(held.get(self.kite.place(one.symbol), 0)) for one in self.listings]
        return np.array(lots, np.int64)

    def cash(self) -> float:
        """Cash of this morning, less what today bought, plus what it sold, less what that is charged."""
        margins = self.rest.ask("GET /user/margins", lambda kite: kite.margins("equity"))
        cash = float(margins["available"]["cash"])
        for one in self.rest.ask("GET /portfolio/positions", lambda kite: kite.positions())["day"]:
            cash += float(one["sell_value"]) - float(one["buy_value"])
        done = [
            note(str(one["order_id"]), one, int(one["filled_quantity"]), float(one["average_price"]))
            for one in self.rest.ask("GET /orders", lambda kite: kite.orders())
            if int(one.get("filled_quantity") or 0)
        ]
        return cash - sum(charges(self.rest, done) if done else [])

    def cancel_all(self) -> None:
        """Take back every open order and every GTT that stands.

        Raises:
            BrokerError: naming what could not be taken back.
        """
        failed = []
        for one in self.rest.ask("GET /orders", lambda kite: kite.orders()):
            if STATUSES.get(str(one["status"])) not in ENDED:
                try:
                    cancel = methodcaller("cancel_order", one["variety"], one["order_id"])
                    self.rest.send("DELETE /orders", cancel, patience=5.0)
                except Refused as error:
                    failed.append(str(error))
        for one in self.rest.ask("GET /gtt/triggers", lambda kite: kite.get_gtts()):
            if one["status"] == STANDS:
                self.rest.send("DELETE /gtt/triggers", methodcaller("delete_gtt", one["id"]), patience=5.0)
        if failed:
            raise BrokerError(f"broker: not every order could be taken back: {'; '.join(failed)}")

    def leave(self, listing: Listing, lots: int, tagged: str) -> None:
        """Send the opposite of a position to the market.

        Raises:
            BrokerError: if it cannot be left.
        """
        exchange, name = self.kite.place(listing.symbol)
        asked = {
            "variety": "regular", "exchange": exchange, "tradingsymbol": name, "product": self.kite.product,
            "transaction_type": "SELL" if lots > 0 else "BUY", "quantity": int(listing.quantity(abs(lots))),
            "order_type": "MARKET", "validity": "DAY", "market_protection": AUTOMATIC, "tag": tagged,
        }  # fmt: skip
        self.rest.send("POST /orders", lambda kite: kite.place_order(**asked), patience=5.0)
