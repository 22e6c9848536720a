"""The price at which an order was decided, to hold a fill against.

market order               last close that was decided on
limit, target              its limit
stop, stop limit, stop leg its stop

slippage = side * (price of the fill - price decided on) * quantity      above 0: lost
"""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.desk.messages import ACCEPTED, CANCEL, REPLACED


class Decided:
    """What living orders were decided at; kept up with by telling it a session's frames in their order."""

    def __init__(self, instruments: NDArray[Any]) -> None:
        self._per_tick = instruments["per_tick"]
        self._close = np.full(len(instruments), nan)
        self._price: dict[int, float] = {}

    def price(self, id: int) -> float:
        """Of an order; NaN if it is not known."""
        return self._price.get(id, nan)

    def hear(self, reports: NDArray[Any]) -> None:
        """Legs that a venue attached come to be by its report, and replacements are its to grant."""
        for r in reports[(reports["kind"] == ACCEPTED) | (reports["kind"] == REPLACED)]:
            self._asked(r)

    def see(self, rows: NDArray[Any]) -> None:
        """The rows that the next commands are decided on."""
        known = ~np.isnan(rows["close"])
        self._close[rows["symbol"][known]] = rows["close"][known]

    def command(self, commands: NDArray[Any]) -> None:
        """New orders, at the price they name or the last one seen."""
        for c in commands[commands["kind"] != CANCEL]:
            self._price.setdefault(int(c["id"]), float(self._close[c["symbol"]]))
            self._asked(c)

    def end(self, orders: NDArray[Any]) -> None:
        """Orders of which no fill will come any more."""
        for id in orders["id"].tolist():
            self._price.pop(id, None)

    def _asked(self, said: Any) -> None:
        ticks = int(said["stop"]) or int(said["limit"])
        if ticks:
            self._price[int(said["id"])] = ticks / float(self._per_tick[said["symbol"]])
