"""One turn of the desk, the same in backtest and live: hear what happened, look at the prices, decide.

    turn(desk, rows, reports, count, own, decision)     rows of one timestamp in, commands out

The backtest's loop inlines the two halves; the live runner calls `turn`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.desk.consult import Own, Rows, decide_rows, missing
from quantlib.desk.decide import cancel_entries
from quantlib.desk.hear import hear_all
from quantlib.desk.memory import Desk
from quantlib.desk.portfolio import mark, watch
from quantlib.jit import block, kernel


def turn(
    desk: Desk, rows: Rows, reports: NDArray[Any], count: int, own: Own, decision: NDArray[np.int8]
) -> None:  # fmt: skip
    """Take rows of one timestamp and `count` reports; commands are left in `desk.commands` to be carried out."""
    turned(desk, rows, reports, count, own.choose, own.room, decision)


@kernel
def turned(desk, rows, reports, count, choose, room, decision):
    """`turn`, compiled."""
    observe(desk, rows, reports, count, 0, rows.ts.size)
    decide_rows(desk, rows, choose, room, decision, 0, rows.ts.size)


@block
def observe(desk, rows, reports, count, begin, end):
    """Time passes, reports are booked, rows [begin, end) are marked, and the equity is watched."""
    account, now = desk.account[0], rows.ts[begin]
    if count > 0 or now > account.day_end:
        hear_all(desk, now, reports, count)
    account.ts = now
    for k in range(begin, end):
        if not missing(rows, k):
            s = rows.symbol[k]
            mark(account, desk.holdings[s], desk.instruments[s].unit, rows.close[k])
    if watch(account, desk.policy[0].limits_daily_drawdown):
        cancel_entries(desk, now)


@block
def price(desk, rows, k):
    """`observe` of one row that is there and brings no report."""
    account, s = desk.account[0], np.uint32(rows.symbol[k])
    account.ts = rows.ts[k]
    mark(account, desk.holdings[s], desk.instruments[s].unit, rows.close[k])
    if watch(account, desk.policy[0].limits_daily_drawdown):
        cancel_entries(desk, rows.ts[k])
