"""Sizing: how many whole lots an entry asks for."""

from math import floor, inf

from quantlib.desk.policy import FRACTION, LOTS, RISK
from quantlib.jit import block


@block
def sized_lots(policy, equity, price, unit, stop_move, volatility):
    """Lots by the policy's method, capped and rounded down; -1 if a value that the method needs is missing.

    LOTS amount | FRACTION amount * equity / (price unit) | VOLATILITY amount / sigma^2 * equity / (price unit) |
    RISK amount * equity / (stop_move unit), all at most cap * equity / (price unit).
    """
    per_lot = price * unit
    if policy.sizing_method == LOTS:
        lots = policy.sizing_amount
    elif policy.sizing_method == FRACTION:
        lots = policy.sizing_amount * equity / per_lot
    elif policy.sizing_method == RISK:
        if not stop_move > 0.0:
            return -1
        lots = policy.sizing_amount * equity / (stop_move * unit)
    else:
        if not volatility > 0.0:
            return -1
        lots = policy.sizing_amount / (volatility * volatility) * equity / per_lot
    if policy.sizing_cap < inf:
        lots = min(lots, policy.sizing_cap * equity / per_lot)
    if not lots < 9e15:
        return -1
    return int(floor(lots))
