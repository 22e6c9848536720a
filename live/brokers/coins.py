"""Fees of crypto in our books: the desk counts whole lots that are there, and pays fees in money at the fill's price.

    buy     an order's last fill is booked smaller by the lots that fees took, and their value is its fee
    sell    the fee is a share of the proceeds
    exit    lots that fees took and the desk still counts are not sent: its last fill takes them, for nothing

So the desk's lots are the broker's position without what is less than a lot, the dust, which is remembered here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from math import ceil
from typing import Any

from live.brokers.orders import Listing
from live.brokers.tracked import Execution, Tracked
from live.fees import HIGHEST, coins, tier

UNKNOWN = 0.01  # of an exit: the most that fees of before this connection may have taken of it


class Coins:
    """What fees took, and what they left.

    Args:
        listings: how the symbols are traded, in the order of their codes.
    """

    def __init__(self, listings: Sequence[Listing]) -> None:
        self.listings = listings
        self.any = any(one.crypto for one in listings)
        self.share = Decimal(0)  # taken of what is received
        self.dust = [Decimal(0)] * len(
            listings
        )  # units there that the desk does not count; below 0: it counts too many
        self.bought = [Decimal(0)] * len(listings)  # units, since we are connected
        self.sold = 0.0  # quote currency, since we are connected
        self.price = [1.0 / one.per_tick for one in listings]  # of the last fill
        self.seller: Tracked | None = None  # the last order that sold some

    def read(self, account: Mapping[str, Any]) -> None:
        """The share, from the account as REST has it; one that has no tier is charged nothing."""
        number = account.get("crypto_tier", 1)
        self.share = tier(int(number)).taker if number is not None else Decimal(0)

    def fee(self, code: int, lots: int) -> Decimal:
        """Units taken of lots bought."""
        return coins(lots * self.listings[code].lot, self.share)

    def due(self, code: int) -> int:
        """Whole lots that fees have taken and the desk still counts."""
        return max(0, -int((self.dust[code] / self.listings[code].lot).to_integral_value(ROUND_FLOOR)))

    def value(self, code: int, lots: int, price: float) -> float:
        """Lots in quote currency."""
        return lots * float(self.listings[code].lot) * price

    def told(self, code: int, lots: int) -> None:
        """The desk counts so many lots fewer; below 0, more."""
        self.dust[code] += lots * self.listings[code].lot

    def buy(self, order: Tracked, fill: Execution, last: bool) -> int:
        """A fill of a buy: the lots of it that go to fees."""
        code, lot = order.symbol, self.listings[order.symbol].lot
        self.bought[code] += fill.lots * lot
        self.price[code] = fill.price
        if order.old:  # the position was looked at after this fill, so its dust is what the fee has left
            if not last:
                return 0
            self.dust[code] += self.fee(code, order.booked + fill.lots)
            taken = min(int((self.dust[code] / lot).to_integral_value(ROUND_FLOOR)), fill.lots - 1)
            self.dust[code] -= taken * lot
            return taken
        self.dust[code] -= self.fee(code, fill.lots)
        taken = min(self.due(code), fill.lots - 1) if last else 0
        self.told(code, taken)
        return taken

    def sell(self, order: Tracked, fill: Execution) -> float:
        """A fill of a sale: its fee."""
        proceeds = self.value(order.symbol, fill.lots, fill.price)
        self.price[order.symbol], self.seller = fill.price, order
        self.sold += proceeds
        return proceeds * float(self.share)

    def short(self, code: int, lots: int, asked: int) -> int:
        """Lots of an exit that are not there to be sold, of a position of `lots` as far as we know."""
        due = min(self.due(code), asked)
        missing = asked - lots + self.due(code)
        return missing if due < missing <= most_unknown(asked) and missing < asked else due

    def measure(self, code: int, units: Decimal) -> int:
        """The position as REST has it, when the desk counts all whole lots of it; how many these are."""
        lots = self.listings[code].lots(units)
        self.dust[code] = units - lots * self.listings[code].lot
        return lots

    def owe(self, order: Tracked) -> int:
        """Lots that fees took of what has filled of an order: the desk counts them until its last fill takes them."""
        code, lot = order.symbol, self.listings[order.symbol].lot
        lots = int(((self.dust[code] + self.fee(code, order.booked)) / lot).to_integral_value(ROUND_FLOOR))
        self.dust[code] -= lots * lot
        return lots

    def correct(self, code: int, units: Decimal, lots: int) -> None:
        """The position as REST has it while nothing is under way and the desk counts `lots`.

        What fees can explain is taken for their doing; anything else is left for reconciliation to find.
        """
        lot = self.listings[code].lot
        dust = units - lots * lot
        if abs(dust - self.dust[code]) <= HIGHEST * self.bought[code] + lot:
            self.dust[code] = dust

    def is_fee(self, amount: float) -> bool:
        """Whether money that nothing booked explains can be what fees of sales were other than we thought."""
        return 0.005 <= abs(amount) <= float(HIGHEST) * self.sold + 0.01


def most_unknown(lots: int) -> int:
    """The most lots that fees of before this connection may have taken of an exit."""
    return ceil(lots * UNKNOWN)
