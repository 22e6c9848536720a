"""Risk: what no accepted command breaches, with all working entries counted as if they had filled."""

from quantlib.desk.memory import (
    GROSS,
    NO_EQUITY,
    NO_REASON,
    POSITION_SIZE,
    SHORT_SHARE,
    TABLE_FULL,
    TOO_MANY_POSITIONS,
    TOO_MANY_TRADES,
    TRADE_RISK,
)
from quantlib.desk.messages import ENTRY, PARTIAL
from quantlib.jit import block


@block
def breach(policy, account, holding, orders, side, lots, price, unit, stop_move):
    """The first limit that an entry of `lots` at `price` would reach, or 0.

    Opening more on the side that is held is an entry too.  `stop_move` is the distance to the stop in price, 0 if
    the entry has none, in which case `limits.stopless_move` of the price is assumed.
    """
    equity = account.equity
    if not equity > 0.0:
        return NO_EQUITY
    if account.trades_today >= policy.limits_trades:
        return TOO_MANY_TRADES
    if holding.lots == 0 and holding.entries == 0 and account.busy >= policy.limits_positions:
        return TOO_MANY_POSITIONS
    notional = lots * unit * price
    if abs(holding.value) + reserved(orders, holding) + notional >= policy.limits_position * equity:
        return POSITION_SIZE
    move = stop_move if stop_move > 0.0 else policy.limits_stopless_move * price
    if lots * unit * move >= policy.limits_trade_risk * equity:
        return TRADE_RISK
    short = account.short + account.pending_short + (notional if side < 0 else 0.0)
    gross = account.long + account.pending_long + short + (notional if side > 0 else 0.0)
    if gross >= policy.limits_gross * equity:
        return GROSS
    if side < 0 and short >= policy.limits_short_share * gross:
        return SHORT_SHARE
    if not has_room(orders, account, 4):
        return TABLE_FULL
    return NO_REASON


@block
def has_room(orders, account, slots):
    """Whether so many slots are free beside those of legs and exits that may still come: three for each symbol."""
    wanted = slots + 3 * account.busy
    k = account.free
    while k != 0 and wanted > 0:
        wanted -= 1
        k = orders[k].next
    return wanted <= 0


@block
def reserved(orders, holding):
    """Notional of this symbol's working entries."""
    total = 0.0
    if holding.entries > 0:
        k = holding.head
        while k != 0:
            if orders[k].leg == ENTRY and orders[k].status <= PARTIAL:
                total += orders[k].reserved
            k = orders[k].next
    return total
