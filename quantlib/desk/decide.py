"""Deciding: what a score, a user's wish or the operator makes of a situation.

`quantlib.desk.turn` puts hearing and deciding in the order in which backtest and live take them.
"""

from math import isnan

from quantlib.desk.execute import cancel_all, change, enter, leave, place
from quantlib.desk.memory import (
    ACTIVE,
    CANCELS,
    FLATTEN,
    LEAVE,
    LONG,
    NOTHING,
    ORDERED,
    REDUCING,
    REPLACES,
    SHORT,
)
from quantlib.jit import block, kernel


@kernel
def cancel_entries(desk, ts):
    """Take back every working entry, in symbol order."""
    for s in range(desk.holdings.size):
        if desk.holdings[s].entries > 0:
            cancel_all(desk, s, ts, True)


@kernel
def operate(desk, ts, action):
    """Set the kill switch; REDUCING and HALTED take back working entries, FLATTEN also leaves every position."""
    account = desk.account[0]
    account.flatten = 1 if action == FLATTEN else 0
    account.mode = REDUCING if action == FLATTEN else action
    if account.mode != ACTIVE:
        cancel_entries(desk, ts)


@block
def must_leave(policy, account, holding, ts):
    """Whether a position is to be left whatever its score."""
    if account.flatten != 0 or (account.breached != 0 and policy.limits_flatten_on_drawdown != 0):
        return True
    if past_close(policy, account, ts):
        return True
    return policy.max_rows > 0 and holding.rows >= policy.max_rows


@block
def past_close(policy, account, ts):
    """Whether the hour has come at which nothing may be held or be about to be."""
    return policy.flat_by_close != 0 and ts - account.day_begin >= policy.session_close


@block
def zone(policy, score):
    """1 where the score asks for a long, -1 where it asks for a short, 0 for neither or a missing score."""
    return 1 if score >= policy.enter else -1 if policy.short != 0 and score <= -policy.enter else 0


@block
def calm(policy, account, holding, score, ts):
    """True where a row cannot lead to anything, so that it is passed by cheaply; `resolve` would say NOTHING."""
    if holding.cooling > 0 or holding.entries > 0:
        return False
    side = zone(policy, score)
    if policy.fresh != 0 and holding.traded_side != 0 and side != holding.traded_side and score == score:
        return False  # the signal that was traded ends here
    if holding.lots == 0:
        return side == 0
    if must_leave(policy, account, holding, ts):
        return False
    return not (score <= policy.leave if holding.lots > 0 else -score <= policy.leave)


@block
def resolve(desk, s, ts, close, score, volatility, distance, wish):
    """A row that is not calm."""
    policy, account, holding = desk.policy[0], desk.account[0], desk.holdings[s]
    code, side = NOTHING, zone(policy, score)
    if side != holding.traded_side and not isnan(score):
        holding.traded_side = 0
    if holding.lots != 0:
        out = must_leave(policy, account, holding, ts)
        if not out and not isnan(score):
            out = (score if holding.lots > 0 else -score) <= policy.leave
        if out:
            code = leave(desk, s, ts)
    elif holding.entries > 0 and past_close(policy, account, ts):
        code = CANCELS if cancel_all(desk, s, ts, True) > 0 else NOTHING
    elif not isnan(score):
        if side != 0:
            code = enter(desk, s, ts, close, side, wish, volatility, distance)
        elif holding.entries > 0:
            code = CANCELS if cancel_all(desk, s, ts, True) > 0 else NOTHING
    return counted(account, holding, code)


@block
def counted(account, holding, code):
    """The end of a decision: refusals are counted by reason, a cooling symbol cools."""
    if holding.cooling > 0:
        holding.cooling -= 1
    if code < 0:
        account.refused[-code] += 1
    return code


@kernel
def grant(desk, s, ts, close, volatility, distance, wish):
    """What a user's own decision wishes, within the same gates, sizes and limits."""
    policy, account, holding = desk.policy[0], desk.account[0], desk.holdings[s]
    if holding.lots != 0 and must_leave(policy, account, holding, ts):
        code = leave(desk, s, ts)
    elif holding.lots == 0 and holding.entries > 0 and past_close(policy, account, ts):
        code = CANCELS if cancel_all(desk, s, ts, True) > 0 else NOTHING
    elif wish.action == LONG or wish.action == SHORT:
        side = 1 if wish.action == LONG else -1
        code = enter(desk, s, ts, close, side, wish, volatility, distance) if holding.lots == 0 else NOTHING
    elif wish.action == LEAVE:
        code = leave(desk, s, ts)
    elif wish.action == ORDERED:
        code = place(desk, s, ts, close, wish, volatility, distance)
    elif wish.action == CANCELS or wish.action == REPLACES:
        code = change(desk, s, ts, wish)
    else:
        code = NOTHING
    if code < 0:
        account.refused[-code] += 1
    return code
