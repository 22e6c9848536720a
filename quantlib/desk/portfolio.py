"""Positions and money: what a fill, a price and a cost do to the account.

    equity = cash + sum over symbols of lots * unit * mark

Average cost: an opening fill averages in, a closing fill realises (price - average) * lots * unit on its side and
leaves the average as it was; a fill through zero does both.
"""

from quantlib.jit import block


@block
def revalue(account, holding, value):
    """Put a position's new signed value into the account's sums.

    While one symbol alone is busy its value is the sum, which is exact, and no row waits for the row before it.
    """
    if account.busy == 1:
        account.long = value if value > 0.0 else 0.0
        account.short = 0.0 if value > 0.0 else -value
    else:
        if holding.value > 0.0:
            account.long -= holding.value
        else:
            account.short += holding.value
        if value > 0.0:
            account.long += value
        else:
            account.short -= value
    holding.value = value


@block
def mark(account, holding, unit, price):
    """Value a position at a new price."""
    holding.mark = price
    if holding.lots != 0:
        revalue(account, holding, holding.lots * unit * price)
        account.equity = account.cash + account.long - account.short


@block
def book(account, holding, unit, side, lots, price, fee):
    """Book a fill; returns the profit that it realised, before its fee."""
    signed = side * lots
    before = holding.lots
    after = before + signed
    realised = 0.0
    if before == 0 or (before > 0) == (signed > 0):
        holding.average = (holding.average * abs(before) + price * lots) / abs(after)
    else:
        closed = min(abs(before), lots)
        realised = (price - holding.average) * closed * unit * (1 if before > 0 else -1)
        if abs(signed) > abs(before):
            holding.average = price
        elif after == 0:
            holding.average = 0.0
    holding.lots = after
    notional = lots * unit * price
    account.cash -= side * notional
    account.cash -= fee
    account.fees += fee
    account.traded += notional
    account.realised += realised
    holding.trip += realised - fee
    revalue(account, holding, after * unit * (holding.mark if holding.mark == holding.mark else price))
    account.equity = account.cash + account.long - account.short
    return realised


@block
def charge(account, holding, amount):
    """Take a cost that is no fill's: borrowed stock, say."""
    account.cash -= amount
    account.carry += amount
    if holding.lots != 0:
        holding.trip -= amount
    account.equity = account.cash + account.long - account.short


@block
def watch(account, drawdown_limit):
    """Highs and drawdowns after the equity moved; says whether the day's limit is breached for the first time."""
    equity, high, day = account.equity, account.high_water, account.day_high
    high = equity if equity > high else high
    day = equity if equity > day else day
    account.high_water = high
    account.day_high = day
    if high - equity > account.max_drawdown * high:
        account.max_drawdown = (high - equity) / high
    if day - equity >= drawdown_limit * day and account.breached == 0:
        account.breached = 1
        return True
    return False
