"""Policy: every number that turns a score into orders, as plain NamedTuples.

The compiled desk reads them from one flat record (`record`), so that a sweep over policies is an array of records.
Fractions are of equity or of price as said; times are nanoseconds; `inf` or 0 switches a limit off as said.
"""

from __future__ import annotations

from math import inf, isnan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

DAY_NS = 86_400_000_000_000

# sizing.method
LOTS, FRACTION, VOLATILITY, RISK = 0, 1, 2, 3


class Sizing(NamedTuple):
    """How many lots an entry asks for; whole lots, rounded down.  Build it with `fixed_lots` and its siblings."""

    method: int = FRACTION
    amount: float = 0.04  # lots, fraction of equity, c of c/sigma^2, or fraction of equity risked, by method
    cap: float = 0.049  # largest notional an entry asks for, fraction of equity


def fixed_lots(lots: int, cap: float = inf) -> Sizing:
    """The same number of lots every time."""
    return Sizing(LOTS, float(lots), cap)


def fixed_fraction(fraction: float, cap: float = inf) -> Sizing:
    """notional = fraction * equity."""
    return Sizing(FRACTION, fraction, cap)


def volatility_scaled(c: float, cap: float = 0.049) -> Sizing:
    """notional = c / sigma^2 * equity, sigma from the `volatility` column (fraction per row).

    Source: the growth-optimal (Kelly) weight mu / sigma^2 with one mu for all; Thorp, The Kelly Criterion in
    Blackjack, Sports Betting and the Stock Market, 2006, sec. 7.
    """
    return Sizing(VOLATILITY, c, cap)


def risk_per_trade(fraction: float, cap: float = 0.049) -> Sizing:
    """lots * stop distance = fraction * equity: what is lost if the stop fills where it stands."""
    return Sizing(RISK, fraction, cap)


class Exits(NamedTuple):
    """The bracket around an entry, as fractions of its fill price or in multiples of the `distance` column.

    Brokers take brackets with fixed prices: live wants them `anchored`, at fractions of the close that was decided on
    (of the limit or stop price, where the entry has one).
    """

    stop: float = 0.0  # stop loss, fraction of the fill price; 0: none
    target: float = 0.0  # take profit, fraction of the fill price; 0: none
    stop_distances: float = 0.0  # stop loss in multiples of the `distance` column (say an ATR); 0: none
    target_distances: float = 0.0
    max_rows: int = 0  # leave after this many rows of the symbol; 0: never
    anchored: bool = False  # legs at fractions of the price decided on, known when ordering, not of the fill price


class Gates(NamedTuple):
    """When an entry may be made at all."""

    session_open: int = 0  # nanoseconds after the day's start; entries from then on
    session_close: int = DAY_NS  # entries until then
    flat_by_close: bool = False  # leave every position at the first row at or after session_close
    day_start: int = 0  # UTC time at which a day begins, nanoseconds after midnight
    cooldown_rows: int = 0  # rows of the symbol to wait after a position was closed
    fresh: bool = False  # a signal trades once: the score must leave the entry zone before that side enters again


class Limits(NamedTuple):
    """What no command may breach.  Every limit is strict: reaching it is a breach."""

    daily_drawdown: float = 0.02  # equity below the day's high, fraction: no entries for the rest of the day
    flatten_on_drawdown: bool = True  # and leave all positions
    trade_risk: float = 0.004  # lots * stop distance, fraction of equity
    stopless_move: float = 0.05  # the stop distance assumed, fraction of price, where an entry has no stop
    position: float = 0.05  # notional of one symbol with its working entries, fraction of equity
    gross: float = 1.0  # all notionals with working entries, fraction of equity; 0.5 intraday, 1.0 swing
    short_share: float = 0.5  # shorts as a fraction of gross, after the command
    positions: int = 30  # symbols held or being entered
    losses: int = 3  # losing round trips in a row before a pause; 0: never pause
    pause: int = 0  # nanoseconds of that pause; 0: the rest of the day
    trades: int = 100  # entries a day

    @staticmethod
    def off() -> Limits:
        """No limit at all, as the engines that know none run."""
        return Limits(inf, False, inf, 0.0, inf, inf, inf, 2**62, 0, 0, 2**62)

    @staticmethod
    def intraday() -> Limits:
        """The defaults with gross below 50 %."""
        return Limits(gross=0.5)


class Policy(NamedTuple):
    """Score to orders: enter at or beyond `enter`, leave at or below `leave`, on the side of the score's sign."""

    enter: float = 0.5  # a score >= enter goes long; <= -enter goes short if `short`
    leave: float = 0.0  # a long is left at score <= leave, a short at score >= -leave; -inf: never by score
    short: bool = False
    limit_ticks: int = 0  # 0: market entries; n: limit entries n ticks better than the close
    gtc: bool = False  # working entries outlive the day
    sizing: Sizing = Sizing()
    exits: Exits = Exits()
    gates: Gates = Gates()
    limits: Limits = Limits()


class PolicyError(ValueError):
    """A policy that contradicts itself or asks for what its rows do not bring."""


def record(policy: Policy) -> NDArray[Any]:
    """The policy as one flat record array of length 1, checked; fields of `Sizing` and its like are prefixed."""
    values = _flat(policy)
    _check(policy)
    dtype = np.dtype([(name, "f8" if isinstance(value, float) else "i8") for name, value in values.items()])
    if dtype != RECORD:
        declared, given = dict(RECORD.fields or {}), dict(dtype.fields or {})
        wrong = [name for name in declared if given.get(name) != declared[name]]
        raise PolicyError(f"policy: {wrong} must be numbers of the declared type")
    return np.array([tuple(values.values())], RECORD)


def _flat(policy: Policy) -> dict[str, float | int]:
    flat: dict[str, float | int] = {}
    for name, value, default in zip(policy._fields, policy, Policy(), strict=True):
        if isinstance(default, tuple):
            prefix = "" if name in ("exits", "gates") else f"{name}_"
            if type(value) is not type(default):
                raise PolicyError(f"policy: {name} must be a {type(default).__name__}, got {value!r}")
            for (field, model), number in zip(_fields(default), value, strict=True):
                flat[prefix + field] = _number(f"{name}.{field}", number, model)
        else:
            flat[name] = _number(name, value, default)
    return flat


def _fields(part: Any) -> list[tuple[str, Any]]:
    return list(zip(part._fields, part, strict=True))


def _number(name: str, value: Any, model: Any) -> float | int:
    kind = float if isinstance(model, float) else int
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        raise PolicyError(f"policy: {name} must be a number, got {value!r}") from None
    if number != value:
        raise PolicyError(f"policy: {name} must be {'a number' if kind is float else 'a whole number'}, got {value!r}")
    return number


def _check(policy: Policy) -> None:
    limits, sizing, exits, gates = policy.limits, policy.sizing, policy.exits, policy.gates
    rules = [
        ("enter", policy.enter, policy.enter > 0, "above 0"),
        ("leave", policy.leave, not isnan(policy.leave) and policy.leave < policy.enter, "below enter"),
        ("limit_ticks", policy.limit_ticks, policy.limit_ticks >= 0, "0 or more"),
        ("sizing.method", sizing.method, sizing.method in (LOTS, FRACTION, VOLATILITY, RISK), "0, 1, 2 or 3"),
        ("sizing.amount", sizing.amount, sizing.amount > 0, "above 0"),
        ("sizing.cap", sizing.cap, sizing.cap > 0, "above 0"),
        ("exits.stop", exits.stop, 0 <= exits.stop < 1, "in [0, 1)"),
        ("exits.target", exits.target, exits.target >= 0, "0 or more"),
        ("exits.stop_distances", exits.stop_distances, exits.stop_distances >= 0, "0 or more"),
        ("exits.target_distances", exits.target_distances, exits.target_distances >= 0, "0 or more"),
        ("exits.max_rows", exits.max_rows, exits.max_rows >= 0, "0 or more"),
        ("gates.session_open", gates.session_open, 0 <= gates.session_open <= DAY_NS, "within a day"),
        ("gates.session_close", gates.session_close, gates.session_open < gates.session_close <= DAY_NS, "after open"),
        ("gates.day_start", gates.day_start, 0 <= gates.day_start < DAY_NS, "within a day"),
        ("gates.cooldown_rows", gates.cooldown_rows, gates.cooldown_rows >= 0, "0 or more"),
        ("limits.losses", limits.losses, limits.losses >= 0, "0 or more"),
        ("limits.pause", limits.pause, limits.pause >= 0, "0 or more"),
        ("limits.stopless_move", limits.stopless_move, limits.stopless_move >= 0, "0 or more"),
    ]
    for name in ("daily_drawdown", "trade_risk", "position", "gross", "short_share", "positions", "trades"):
        rules.append((f"limits.{name}", getattr(limits, name), getattr(limits, name) > 0, "above 0"))
    for name, value, holds, rule in rules:
        if not holds:
            raise PolicyError(f"policy: {name} must be {rule}, got {value}")
    if gates.flat_by_close and gates.session_close == DAY_NS:
        raise PolicyError("policy: gates.flat_by_close needs a gates.session_close before the day's end")
    if exits.stop and exits.stop_distances:
        raise PolicyError("policy: exits.stop and exits.stop_distances are two stops; give one")
    if exits.target and exits.target_distances:
        raise PolicyError("policy: exits.target and exits.target_distances are two targets; give one")
    if sizing.method == RISK and not (exits.stop or exits.stop_distances):
        raise PolicyError("policy: risk_per_trade sizing needs a stop; give exits.stop or exits.stop_distances")


RECORD = np.dtype([(name, "f8" if isinstance(value, float) else "i8") for name, value in _flat(Policy()).items()])
