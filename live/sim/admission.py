"""Whether an order that is well formed may be sent: money, shares, sides; every 403 of the broker's door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from live.errors import Denied
from live.sim.account import Account
from live.sim.intake import OrderRequest, unprocessable
from live.sim.order import Order, Steps
from live.sim.wire import number, quantity
from quantlib.desk.messages import BUY

CODE = 40310000
COMPLEX = ("bracket", "oco", "oto")


class Rules(NamedTuple):
    """Which of the broker's checks are made."""

    buying_power: bool = True
    held_quantity: bool = True  # what open orders may sell cannot be sold twice
    wash_trades: bool = True  # an order that could meet one of our own is refused


def intent_of(ask: OrderRequest, held: int) -> str:
    """Whether an order opens or closes, from the position in signed lots; what is said must agree.

    Raises:
        Denied: 422 if it does not.
    """
    closes = held * ask.side < 0
    inferred = f"{'buy' if ask.side == BUY else 'sell'}_to_{'close' if closes else 'open'}"
    if ask.intent and ask.intent != inferred:
        raise unprocessable(f"position intent mismatch, inferred: {inferred}, specified: {ask.intent}")
    return inferred


def admit(
    ask: OrderRequest, intent: str, code: int, steps: Steps, account: Account, open: list[Order], rules: Rules
) -> None:
    """Let an order pass.

    Raises:
        Denied: 403 if the account, its shares or its other orders do not allow it; 422 if its bracket does not fit.
    """
    if account.flags["suspend_trade"]:
        raise Denied(403, CODE, "new orders are rejected by user request")
    complex_order, closes = ask.order_class in COMPLEX, intent.endswith("_to_close")
    if (ask.order_class == "oco") != closes and complex_order:
        raise unprocessable(
            f"{ask.order_class} orders must be {'exit' if ask.order_class == 'oco' else 'entry'} orders"
        )
    holding = account.holdings[code]
    if rules.wash_trades and not complex_order:
        _wash(ask, steps, (order for order in open if order.code == code))
    if closes:
        if rules.held_quantity:
            _shares(ask, steps, holding.lots, held_lots(open, code))
        return
    if intent == "sell_to_open":
        _short(ask, account)
    price = max(ask.limit, ask.stop) / steps.per_tick or holding.mark
    _legs(ask, steps, price)
    cost = ask.notional or ask.lots * steps.unit * price
    room = account.buying_power(reserved(open, account))
    if rules.buying_power and cost > room:
        raise Denied(403, CODE, "insufficient buying power", buying_power=number(room), cost_basis=number(cost))


def held_lots(open: Iterable[Order], code: int) -> int:
    """Lots of a position that open orders may close; of orders of which one cancels the others, the largest counts."""
    families: dict[str, int] = {}
    for order in open:
        if order.code == code and order.closes and order.status not in ("held", "pending_cancel"):
            families[order.family] = max(families.get(order.family, 0), order.open_lots)
    return sum(families.values())


def reserved(open: Iterable[Order], account: Account) -> float:
    """What open entries may still cost."""
    total = 0.0
    for order in open:
        if not order.closes and order.status != "pending_cancel":
            mark = account.holdings[order.code].mark
            price = order.price(max(order.limit, order.stop)) or (mark if mark == mark else 0.0)
            total += order.notional or order.open_lots * order.steps.unit * price
    return total


def _shares(ask: OrderRequest, steps: Steps, position: int, held: int) -> None:
    available = max(0, abs(position) - held)
    if ask.lots > available:
        asked, free = quantity(ask.lots, steps.lot), quantity(available, steps.lot)
        short = f"balance for {ask.symbol.partition('/')[0]}" if "/" in ask.symbol else "qty available for order"
        raise Denied(
            403, CODE, f"insufficient {short} (requested: {asked}, available: {free})", available=free,
            existing_qty=quantity(abs(position), steps.lot), held_for_orders=quantity(held, steps.lot),
            symbol=ask.symbol,
        )  # fmt: skip


def _short(ask: OrderRequest, account: Account) -> None:
    if account.flags["no_shorting"]:
        raise Denied(403, CODE, "account is not allowed to short")
    if ask.notional or "/" in ask.symbol:
        raise Denied(403, CODE, f'asset "{ask.symbol}" cannot be sold short')


def _wash(ask: OrderRequest, steps: Steps, open: Iterable[Order]) -> None:
    """Simple orders of ours on both sides whose prices could meet; a stop or a market order meets any price."""
    for order in open:
        simple = order.order_class in ("", "simple") and order.status != "pending_cancel"
        if order.side == ask.side or not simple:
            continue
        free = not ask.limit or ask.stop or not order.limit or order.stop
        if free or (ask.limit - order.limit) * ask.side >= 0:
            word = "limit" if order.limit else "market/stop"
            raise Denied(
                403, CODE, "potential wash trade detected. use complex orders", existing_order_id=order.id,
                reject_reason=f"opposite side {word} order exists",
            )  # fmt: skip


def _legs(ask: OrderRequest, steps: Steps, price: float) -> None:
    """A bracket's legs lie at least one tick on their sides of the entry's price."""
    if price != price:
        return
    step = 1.0 / steps.per_tick
    away = ask.loss.stop / steps.per_tick - price
    if ask.loss.stop and away * ask.side > -step + 1e-9:
        word = "<= base_price - 0.01" if ask.side == BUY else ">= base_price + 0.01"
        raise Denied(422, 42210000, f"stop_loss.stop_price must be {word}", base_price=number(price))
    away = ask.target.limit / steps.per_tick - price
    if ask.target.limit and away * ask.side < step - 1e-9:
        word = ">= base_price + 0.01" if ask.side == BUY else "<= base_price - 0.01"
        raise Denied(422, 42210000, f"take_profit.limit_price must be {word}", base_price=number(price))
