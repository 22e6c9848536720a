"""What a screen or a log line says about a running session: numbers taken from its desk, nothing decided."""

from __future__ import annotations

from collections import deque
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from live.reconcile import working
from live.runner import Runner
from live.words import Output
from quantlib.desk.memory import MODES, REASONS
from quantlib.desk.messages import LEGS, ORDER_KINDS, SIDES

FILLS = 8

# How limits are called, and whether they are fractions.
LIMITS = {
    "daily_drawdown": ("daily drawdown", True), "gross": ("gross exposure", True),
    "position": ("largest position", True), "short_share": ("shorts of gross", True),
    "trade_risk": ("risk of one trade", True), "positions": ("positions", False), "trades": ("entries today", False),
    "losses": ("losses in a row", False),
}  # fmt: skip


class Position(NamedTuple):
    """One symbol held; money in quote currency."""

    symbol: str
    lots: int
    average: float
    mark: float
    value: float
    profit: float


class Working(NamedTuple):
    """One working order; NaN where it has no such price."""

    id: int
    symbol: str
    side: str
    kind: str
    lots: int
    limit: float
    stop: float
    leg: str


class Filled(NamedTuple):
    """One fill."""

    ts: int
    symbol: str
    side: str
    lots: int
    price: float
    leg: str
    realised: float


class Used(NamedTuple):
    """How much of a limit is used; `limit` is inf where it is off."""

    name: str
    now: float
    limit: float
    fraction: bool

    @property
    def share(self) -> float:
        """Of the limit, 0 to 1."""
        return min(1.0, max(0.0, self.now / self.limit)) if isfinite(self.limit) and self.limit > 0 else 0.0


class Figures(NamedTuple):
    """A session at one moment."""

    ts: int
    step: int
    steps: int
    mode: str
    equity: float
    cash: float
    begun: float  # cash at the very start
    day: float  # profit of the day
    drawdown: float
    long: float
    short: float
    commands: int
    fills: int
    positions: list[Position]
    orders: list[Working]
    limits: list[Used]
    refusals: list[tuple[str, int]]


def figures(runner: Runner) -> Figures:
    """The session as it is now."""
    state, desk = runner.state, runner.state.desk
    account = desk.account[0]
    equity, high = float(account["equity"]), float(account["high_water"])
    refused = sorted(((REASONS[r], int(n)) for r, n in enumerate(account["refused"]) if n), key=lambda kept: -kept[1])
    return Figures(
        state.last_ts, state.step, runner.steps, MODES[int(account["mode"])], equity, float(account["cash"]),
        runner.config.cash, equity - float(account["day_open"]), 1.0 - equity / high, float(account["long"]),
        float(account["short"]), state.commands, state.fills, _positions(runner), _orders(runner), _limits(runner),
        refused,
    )  # fmt: skip


def fills_of(runner: Runner, output: Output, kept: deque[Filled]) -> None:
    """Remember a step's fills."""
    for f in output.fills:
        kept.append(
            Filled(
                int(f["ts"]), runner.config.symbols[f["symbol"]], SIDES[int(f["side"])], int(f["lots"]),
                float(f["price"]), LEGS[int(f["leg"])], float(f["realised"]),
            )
        )  # fmt: skip


def _positions(runner: Runner) -> list[Position]:
    desk = runner.state.desk
    found = []
    for s in np.flatnonzero(desk.holdings["lots"]):
        h, unit = desk.holdings[s], float(desk.instruments["unit"][s])
        lots, average, mark = int(h["lots"]), float(h["average"]), float(h["mark"])
        profit = (mark - average) * lots * unit
        found.append(Position(runner.config.symbols[s], lots, average, mark, float(h["value"]), profit))
    return found


def _orders(runner: Runner) -> list[Working]:
    desk, found = runner.state.desk, []
    for o in working(desk):
        per_tick = float(desk.instruments["per_tick"][o["symbol"]])
        limit, stop = (int(o[name]) / per_tick if o[name] else float("nan") for name in ("limit", "stop"))
        found.append(
            Working(
                int(o["id"]), runner.config.symbols[o["symbol"]], SIDES[int(o["side"])], ORDER_KINDS[int(o["order"])],
                int(o["lots"] - o["filled"]), limit, stop, LEGS[int(o["leg"])],
            )
        )  # fmt: skip
    return found


def _limits(runner: Runner) -> list[Used]:
    """Each limit of the policy beside what stands against it, working entries counted as filled."""
    desk = runner.state.desk
    a: Any = desk.account[0]
    equity = max(float(a["equity"]), 1e-9)
    short = float(a["short"] + a["pending_short"])
    gross = float(a["long"] + a["pending_long"]) + short
    now = {
        "daily_drawdown": max(0.0, 1.0 - equity / float(a["day_high"])), "gross": gross / equity,
        "position": float(np.abs(desk.holdings["value"]).max(initial=0.0)) / equity,
        "short_share": short / gross if gross > 0 else 0.0, "positions": float(a["busy"]),
        "trades": float(a["trades_today"]), "losses": float(a["losses"]),
    }  # fmt: skip
    limits = {name: float(desk.policy[f"limits_{name}"][0]) for name in now}  # as they are overridden
    if not limits["losses"]:
        limits["losses"] = float("inf")
    return [Used(LIMITS[name][0], now[name], limits[name], LIMITS[name][1]) for name in now]
