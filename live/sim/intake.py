"""What an order's JSON asks, checked as the broker's door checks it: every 422 that a body alone can earn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from live.errors import Denied
from live.sim.order import KINDS, Steps
from live.sim.wire import asset_class, decimal, number, yes
from quantlib.desk.messages import BUY, SELL
from quantlib.desk.orders import nearest_tick

SIDES = {"buy": BUY, "sell": SELL}
CLASSES = ("simple", "bracket", "oco", "oto")
TIFS = ("day", "gtc", "opg", "cls", "ioc", "fok")
CRYPTO_TIFS, CRYPTO_KINDS = ("gtc", "ioc"), ("market", "limit", "stop_limit")
INTENTS = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close")
NAME_LENGTH = 128
LIMITED, STOPPED = ("limit", "stop_limit"), ("stop", "stop_limit")
MOST = 2**53  # beyond it a float no longer counts ticks or lots


class Leg(NamedTuple):
    """Prices of a bracket's leg, in ticks; 0 for none."""

    stop: int = 0
    limit: int = 0


class OrderRequest(NamedTuple):
    """What an order asks, in lots and ticks; `notional` in place of lots where it is above 0."""

    symbol: str
    side: int
    kind: str
    tif: str
    order_class: str
    lots: int
    notional: float
    limit: int
    stop: int
    trail_price: float
    trail_percent: float
    extended: bool
    client_order_id: str
    intent: str
    target: Leg
    loss: Leg


def ask_of(asked: Mapping[str, Any], instruments: Mapping[str, Steps]) -> OrderRequest:
    """What a body asks.

    Raises:
        Denied: 422 where a field is missing, of another kind or against a rule; 403 where the asset has no fractions.
    """
    symbol = str(asked.get("symbol") or "")
    if not symbol:
        raise invalid("symbol is required")
    if symbol not in instruments:
        raise Denied(422, 42210000, f'asset "{symbol}" not found')
    steps = instruments[symbol]
    side, kind = chosen(asked, "side", tuple(SIDES)), chosen(asked, "type", tuple(KINDS))
    tif = chosen(asked, "time_in_force", TIFS)
    order_class = str(asked.get("order_class") or "")
    if order_class not in ("", *CLASSES):
        raise invalid(f"invalid order_class {order_class!r}; this venue takes {', '.join(CLASSES)}")
    target, loss = _leg(asked, "take_profit", steps), _leg(asked, "stop_loss", steps)
    prices = _prices(asked, kind, order_class, target, steps)
    lots, notional = _size(asked, kind, steps, symbol)
    intent = chosen(asked, "position_intent", INTENTS) if asked.get("position_intent") else ""
    ask = OrderRequest(
        symbol, SIDES[side], kind, tif, order_class, lots, notional, *prices, yes(asked.get("extended_hours", False)),
        _name(asked), intent, target, loss,
    )  # fmt: skip
    _fits(ask, steps)
    return ask


def invalid(message: str) -> Denied:
    """A body that breaks a rule of form."""
    return Denied(422, 40010001, message)


def unprocessable(message: str) -> Denied:
    """A body whose fields do not go together."""
    return Denied(422, 42210000, message)


def chosen(asked: Mapping[str, Any], field: str, words: tuple[str, ...]) -> str:
    """A field that holds one of some words.

    Raises:
        Denied: 422 if it does not.
    """
    word = str(asked.get(field) or "")
    if word not in words:
        raise invalid(f"invalid {field} {word!r}; one of {', '.join(words)}" if word else f"{field} is required")
    return word


def ticks_of(price: float | None, field: str, steps: Steps) -> int:
    """A price in ticks, 0 for none.

    Raises:
        Denied: 422 if it is not above 0 or lies between two ticks.
    """
    if price is None:
        return 0
    if not 0.0 < price * steps.per_tick < MOST:
        raise invalid(f"{field} must be > 0")
    ticks: int = nearest_tick(price, steps.per_tick)
    if ticks / steps.per_tick != price:
        raise unprocessable(
            f"invalid {field} {number(price)}. sub-penny increment does not fulfill minimum pricing criteria"
        )
    return ticks


def lots_of(units: float, steps: Steps, symbol: str) -> int:
    """Units in whole lots.

    Raises:
        Denied: 422 if not above 0; 403 where units are no whole lots.
    """
    if not 0.0 < units / steps.lot < MOST:
        raise invalid("qty must be > 0")
    lots = round(units / steps.lot)
    if abs(lots * steps.lot - units) > 1e-9:
        raise Denied(403, 40310000, f'asset "{symbol}" is not fractionable')
    return lots


def _size(asked: Mapping[str, Any], kind: str, steps: Steps, symbol: str) -> tuple[int, float]:
    units, notional = decimal(asked, "qty"), decimal(asked, "notional")
    if (units is None) == (notional is None):
        raise invalid("qty or notional is required" if units is None else "only one of qty or notional is accepted")
    if units is not None:
        return lots_of(units, steps, symbol), 0.0
    if steps.lot >= 1.0:
        raise Denied(403, 40310000, f'asset "{symbol}" is not fractionable')
    if kind != "market" or not (notional or 0.0) >= 1.0:
        raise unprocessable("notional must be used with market orders" if kind != "market" else "notional must be >= 1")
    return 1, notional or 0.0  # the lots are known when its price is


def _prices(
    asked: Mapping[str, Any], kind: str, order_class: str, target: Leg, steps: Steps
) -> tuple[int, int, float, float]:
    limit, stop = decimal(asked, "limit_price"), decimal(asked, "stop_price")
    trail, percent = decimal(asked, "trail_price"), decimal(asked, "trail_percent")
    if order_class == "oco":
        if kind != "limit":
            raise invalid('oco orders must be of type "limit"')
        return target.limit, 0, 0.0, 0.0
    for price, kinds, field in ((limit, LIMITED, "limit_price"), (stop, STOPPED, "stop_price")):
        if (price is not None) != (kind in kinds):
            raise invalid(f"{kind} orders require {'a ' if kind in kinds else 'no '}{field}")
    if kind == "trailing_stop":
        if (trail is None) == (percent is None):
            raise invalid("trailing_stop orders require either trail_price or trail_percent")
        if not (trail or percent or 0.0) > 0.0 or (percent or 0.0) >= 100.0:
            raise invalid("trail_price and trail_percent must be > 0, and trail_percent < 100")
    elif trail is not None or percent is not None:
        raise invalid(f"{kind} orders require no trail_price or trail_percent")
    limit_ticks, stop_ticks = ticks_of(limit, "limit_price", steps), ticks_of(stop, "stop_price", steps)
    return limit_ticks, stop_ticks, trail or 0.0, percent or 0.0


def _leg(asked: Mapping[str, Any], field: str, steps: Steps) -> Leg:
    given = asked.get(field) or {}
    if not isinstance(given, Mapping):
        raise invalid(f"{field} must be an object")
    stop, limit = decimal(given, "stop_price"), decimal(given, "limit_price")
    return Leg(ticks_of(stop, f"{field}.stop_price", steps), ticks_of(limit, f"{field}.limit_price", steps))


def _name(asked: Mapping[str, Any]) -> str:
    name = str(asked.get("client_order_id") or "")
    if len(name) > NAME_LENGTH:
        raise invalid(f"client_order_id must be no more than {NAME_LENGTH} characters")
    return name


def _fits(ask: OrderRequest, steps: Steps) -> None:
    """Fields that must go together."""
    attached = ask.target.limit, ask.loss.stop
    if ask.order_class in ("bracket", "oco") and not all(attached):
        raise unprocessable(f"{ask.order_class} orders require take_profit.limit_price and stop_loss.stop_price")
    if ask.order_class == "oto" and bool(attached[0]) == bool(attached[1]):
        raise unprocessable("oto orders require either take_profit.limit_price or stop_loss.stop_price")
    if ask.order_class in ("", "simple") and any(attached):
        raise unprocessable("take_profit and stop_loss require order_class bracket, oco or oto")
    if (
        all(attached)
        and (ask.target.limit - ask.loss.stop) * (-ask.side if ask.order_class == "oco" else ask.side) <= 0
    ):
        raise unprocessable("take_profit.limit_price must lie beyond stop_loss.stop_price on the side of the profit")
    if ask.order_class not in ("", "simple") and (ask.tif not in ("day", "gtc") or ask.extended or ask.notional):
        raise unprocessable("complex orders must be day or gtc, in qty, without extended hours")
    if ask.extended and (ask.kind != "limit" or ask.tif not in ("day", "gtc")):
        raise unprocessable("extended hours order must be DAY or GTC limit orders")
    if ask.tif in ("ioc", "fok", "opg", "cls") and ask.kind not in ("market", "limit"):
        raise unprocessable(f"{ask.tif} orders must be market or limit orders")
    if asset_class(ask.symbol) == "crypto":
        if ask.tif not in CRYPTO_TIFS or ask.kind not in CRYPTO_KINDS or ask.order_class not in ("", "simple"):
            raise unprocessable(
                f"crypto orders must be simple, of type {', '.join(CRYPTO_KINDS)} and {' or '.join(CRYPTO_TIFS)}"
            )
    elif (ask.notional or (ask.lots * steps.lot) % 1.0) and (ask.tif != "day" or ask.order_class not in ("", "simple")):
        raise unprocessable("fractional orders must be DAY orders")
