"""Gates: whether an entry may be made now at all.  Each says the reason, or 0."""

from quantlib.desk.memory import (
    ACTIVE,
    COOLING,
    DAY_DRAWDOWN,
    ENTRY_WORKING,
    EXIT_WORKING,
    HALTED,
    IS_HALTED,
    IS_REDUCING,
    NO_REASON,
    OFF_SESSION,
    PAUSED,
    STALE_SIGNAL,
)
from quantlib.desk.policy import DAY_NS
from quantlib.jit import block


@block
def closed_gate(policy, account, holding, side, ts):
    """The first reason against an entry on this side at `ts`, before its size is known."""
    if account.mode != ACTIVE:
        return IS_HALTED if account.mode == HALTED else IS_REDUCING
    if account.breached != 0:
        return DAY_DRAWDOWN
    if ts < account.paused_until:
        return PAUSED
    since = ts - account.day_begin
    if since < policy.session_open or (since >= policy.session_close and policy.session_close < DAY_NS):
        return OFF_SESSION
    if holding.cooling > 0:
        return COOLING
    if policy.fresh != 0 and holding.traded_side == side:
        return STALE_SIGNAL
    if holding.entries > 0:
        return ENTRY_WORKING
    if holding.exits > 0:
        return EXIT_WORKING
    return NO_REASON


@block
def begin_day(policy, account, ts):
    """Roll the account into the day (begin, begin + 24 h] that holds `ts`."""
    days = (ts - 1 - policy.day_start) // DAY_NS
    account.day_begin = days * DAY_NS + policy.day_start
    account.day_end = account.day_begin + DAY_NS
    account.day_high = account.equity
    account.day_open = account.equity
    account.breached = 0
    account.trades_today = 0
    if policy.limits_pause == 0:
        account.paused_until = ts


@block
def count_trip(policy, account, holding):
    """A position was closed: its profit or loss counts towards the pause, and the symbol cools down."""
    account.losses = account.losses + 1 if holding.trip < 0.0 else 0
    if policy.limits_losses > 0 and account.losses >= policy.limits_losses:
        account.losses = 0
        account.paused_until = account.ts + policy.limits_pause if policy.limits_pause > 0 else account.day_end + 1
    holding.trip = 0.0
    holding.rows = 0
    holding.cooling = policy.cooldown_rows
