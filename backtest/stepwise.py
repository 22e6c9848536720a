"""A strategy at its desk, one timestamp at a time: what live replay does, and what parity does again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtest.engine import ask, market_rows, reads
from quantlib.core import Columns
from quantlib.desk.consult import Decision, Rows, own
from quantlib.desk.memory import Desk
from quantlib.desk.turn import observe, turn
from quantlib.strategy import Strategy


class Trader:
    """A strategy with the desk that carries it out."""

    def __init__(self, strategy: Strategy, symbols: tuple[str, ...], desk: Desk) -> None:
        self.strategy, self.symbols, self.desk = strategy, symbols, desk
        self._compiled = strategy.decide if isinstance(strategy.decide, Decision) else None
        self._plain: Any = strategy.decide if strategy.decide is not None and self._compiled is None else None
        self._own = own(self._compiled)

    def rows(self, columns: Columns) -> Rows:
        """The rows of one timestamp as the desk reads them, the features' columns among them."""
        return market_rows(self.strategy, columns)

    def turn(self, rows: Rows, columns: Columns, reports: NDArray[Any]) -> NDArray[np.int8]:
        """Hear reports, mark rows, decide: (rows,) decision codes.  Commands are left in `desk.commands`."""
        decision = np.empty(rows.ts.size, np.int8)
        if self._plain is not None:
            self._ask(rows, columns, reports, decision)
            return decision
        asked = self._own
        if self._compiled is not None:
            asked = asked._replace(room=asked.room._replace(reads=reads(self._compiled, columns)))
        turn(self.desk, rows, reports, len(reports), asked, decision)
        return decision

    def _ask(self, rows: Rows, columns: Columns, reports: NDArray[Any], decision: NDArray[np.int8]) -> None:
        """The slow path of a plain Python decision, as the backtest has it."""
        observe(self.desk, rows, reports, len(reports), 0, rows.ts.size)
        ask(self._plain, self.symbols, columns, self.desk, rows, self._own.room, decision, 0, rows.ts.size)


def taken(desk: Desk, log: str) -> NDArray[Any]:
    """A copy of one of the desk's logs (commands, fills or finished), which then is empty."""
    filled = int(desk.account[log][0])
    desk.account[log] = 0
    rows: NDArray[Any] = getattr(desk, log)[:filled].copy()
    return rows
