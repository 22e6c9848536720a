"""The exchange and a score-following desk once more: slow, obvious, and written apart from the compiled ones.

Dictionaries and ifs, by the rules in the docstring of `backtest.matching`.  It knows one symbol at fixed lots: market,
limit, stop and bracket orders, gaps, costs, latency, partial fills, DAY orders; no limits and no gates.
"""

import math
from fractions import Fraction
from typing import Any

from backtest.costs import Costs
from quantlib.desk.policy import DAY_NS, Policy

FILL = tuple[int, str, int, float]  # row, side, lots, price


class Reference:
    """One account, one symbol."""

    def __init__(self, policy: Policy, costs: Costs, cash: float, tick: float = 0.01) -> None:
        self.policy, self.costs, self.cash, self.per_tick = policy, costs, cash, round(1 / tick)
        self.position = 0
        self.orders: list[dict[str, Any]] = []
        self.fills: list[FILL] = []
        self.ended = -math.inf
        self.age = 0

    def run(self, bars: dict[str, Any]) -> tuple[list[FILL], float]:
        """Fills, and equity after the last row."""
        equity = self.cash
        for row in range(len(bars["ts"])):
            self.row, self.bar = row, {name: column[row] for name, column in bars.items()}
            if any(math.isnan(self.bar[name]) for name in ("open", "high", "low", "close")):
                continue
            self.match()
            self.decide()
            self.ended = self.bar["ts"]
            equity = self.cash + self.position * self.bar["close"]
        return self.fills, equity

    # the exchange

    def match(self) -> None:
        """What this bar does to working orders."""
        bar, costs = self.bar, self.costs
        begins = bar.get("ts_event", self.ended)
        self.depth = math.floor(costs.participation * bar["volume"]) if costs.participation else math.inf
        present = [o for o in self.orders if self.takes_part(o, begins)]
        for o in present:
            self.at_open(o)
        legs = [o for o in self.orders if o.get("born") == "open"]
        for o in legs:
            o["born"] = ""
            self.at_open(o)
        present = [o for o in present + legs if self.works(o)]
        for o in present:
            if o["kind"] == "stop" and not o["triggered"] and self.works(o) and self.reaches_stop(o):
                o["triggered"] = True
                self.fill(o, o["stop"], slips=True, inside=True)
        for o in present:
            if o["kind"] == "limit" and self.works(o) and self.reaches_limit(o):
                self.fill(o, o["limit"], inside=True)
        born = [o for o in self.orders if o.get("born") == "inside"]
        for o in born:
            o["born"] = ""
            if o["kind"] == "stop" and self.works(o) and self.reaches_stop(o):
                o["triggered"] = True
                self.fill(o, o["stop"], slips=True, inside=True)
        for o in born:
            beyond = bar["close"] >= o["limit"] if o["side"] < 0 else bar["close"] <= o["limit"]
            if o["kind"] == "limit" and self.works(o) and beyond:
                self.fill(o, o["limit"], inside=True)

    def works(self, o: dict[str, Any]) -> bool:
        """Whether an order is still in the book."""
        return any(o is other for other in self.orders)

    def end(self, o: dict[str, Any]) -> None:
        """Take an order out of the book."""
        self.orders = [other for other in self.orders if other is not o]

    def takes_part(self, o: dict[str, Any], begins: float) -> bool:
        """Whether an order is there when the bar begins."""
        if o["active"] > begins:
            return False
        if o["expires"] is not None and self.bar["ts"] > o["expires"]:
            self.end(o)
            return False
        if o["cancelled"] is not None and o["cancelled"] <= begins:
            self.end(o)
            return False
        if o["wait"] > 0:
            o["wait"] -= 1
            return False
        if o["day"] and o["expires"] is None:
            o["expires"] = -(-self.bar["ts"] // DAY_NS) * DAY_NS
        return True

    def at_open(self, o: dict[str, Any]) -> None:
        """Market orders, and what the open has passed."""
        if not self.works(o):
            return
        first = self.bar["open"]
        if o["kind"] == "market":
            self.fill(o, first, slips=True)
        elif o["kind"] == "stop":
            passed = first >= o["stop"] if o["side"] > 0 else first <= o["stop"]
            if passed or o["triggered"]:
                o["triggered"] = True
                self.fill(o, first, slips=True)
        else:
            away = (o["limit_ticks"] - o["side"] * self.costs.through_ticks) / self.per_tick
            if (first <= away) if o["side"] > 0 else (first >= away):
                self.fill(o, first)

    def reaches_stop(self, o: dict[str, Any]) -> bool:
        """Whether the bar's range holds the stop."""
        return bool(self.bar["high"] >= o["stop"] if o["side"] > 0 else self.bar["low"] <= o["stop"])

    def reaches_limit(self, o: dict[str, Any]) -> bool:
        """Whether the bar's range holds the limit, or the price so many ticks beyond."""
        away = (o["limit_ticks"] - o["side"] * self.costs.through_ticks) / self.per_tick
        return bool(self.bar["low"] <= away if o["side"] > 0 else self.bar["high"] >= away)

    def fill(self, o: dict[str, Any], price: float, slips: bool = False, inside: bool = False) -> None:
        """Trade what the position and the volume allow."""
        costs, bar, side = self.costs, self.bar, o["side"]
        lots = o["lots"] - o["filled"]
        if o["purpose"] != "entry":
            lots = min(lots, -self.position * side)
            if lots <= 0:
                self.end(o)
                return
        lots = min(lots, self.depth)
        if lots == 0:
            return
        self.depth -= lots
        slip = costs.spread / 2 * bar["open"] + costs.range_share * (bar["high"] - bar["low"]) if slips else 0.0
        paid = self.against(price + side * slip, side) if slip > 0 else price
        fee = max(costs.minimum, costs.per_share * lots + lots * paid * costs.rate)
        fee += costs.per_order if o["filled"] == 0 else 0.0
        self.cash -= side * lots * paid + fee
        self.position += side * lots
        o["filled"] += lots
        self.fills.append((self.row, "buy" if side > 0 else "sell", int(lots), float(paid)))
        whole = o["filled"] == o["lots"]
        if whole:
            self.end(o)
        if o["purpose"] == "entry":
            self.attach(o, int(lots), paid, "inside" if inside else "open")
            return
        for other in list(self.orders):
            if other is o or other["bracket"] != o["bracket"]:
                continue
            if not whole and other["purpose"] == "leg" and other["lots"] - other["filled"] > lots:
                other["lots"] -= lots
            else:
                self.end(other)
        if self.position == 0:
            for other in list(self.orders):
                if other["purpose"] != "entry" and other["active"] <= bar["ts"]:
                    self.end(other)

    def against(self, price: float, side: int) -> float:
        """The first price on the grid that is no better."""
        near = round(price * self.per_tick)
        if near / self.per_tick == price:
            return price
        ticks = math.ceil(price * self.per_tick) if side > 0 else math.floor(price * self.per_tick)
        return max(ticks, 1) / self.per_tick

    def attach(self, entry: dict[str, Any], lots: int, paid: float, born: str) -> None:
        """The bracket of what was filled."""
        legs = [o for o in self.orders if o["purpose"] == "leg" and o["bracket"] == entry["bracket"]]
        for leg in legs:
            leg["lots"] += lots
        if legs:
            return
        for kind, fraction in (("stop", entry["stop_fraction"]), ("limit", entry["target_fraction"])):
            if fraction > 0:
                away = -entry["side"] if kind == "stop" else entry["side"]
                near = entry["limit"] if self.policy.limit_ticks else entry["decided"]
                price = (near if self.policy.exits.anchored else paid) * (1 + away * fraction)
                leg = self.order(kind, -entry["side"], lots, price, "leg")
                leg |= {"bracket": entry["bracket"], "active": -math.inf, "wait": 0, "born": born}

    def order(self, kind: str, side: int, lots: int, price: float, purpose: str, day: bool = False) -> dict[str, Any]:
        """A new order in the book."""
        ticks = max(1, round(price * self.per_tick)) if kind != "market" else 0
        o = {
            "kind": kind, "side": side, "lots": lots, "filled": 0, "purpose": purpose, "limit_ticks": ticks,
            "limit": ticks / self.per_tick, "stop": ticks / self.per_tick, "triggered": False,
            "active": self.bar["ts"] + self.costs.latency, "wait": self.costs.latency_bars, "expires": None,
            "cancelled": None, "day": day, "bracket": object(), "stop_fraction": 0.0, "target_fraction": 0.0,
        }  # fmt: skip
        self.orders.append(o)
        return o

    # the desk

    def decide(self) -> None:
        """Follow the score."""
        score, policy = self.bar["score"], self.policy
        if self.position != 0:
            self.age += 1
            signed = score if self.position > 0 else -score
            late = 0 < policy.exits.max_rows <= self.age
            if (signed <= policy.leave or late) and not any(o["purpose"] == "exit" for o in self.orders):
                self.cancel_all()
                self.order("market", -1 if self.position > 0 else 1, abs(self.position), 0.0, "exit")
            return
        self.age = 0
        if math.isnan(score):
            return
        side = 1 if score >= policy.enter else -1 if policy.short and score <= -policy.enter else 0
        entries = [o for o in self.orders if o["purpose"] == "entry"]
        if side == 0 and entries:
            self.cancel_all()
        if side == 0 or entries or any(o["purpose"] == "exit" for o in self.orders):
            return
        kind, price = "market", 0.0
        if policy.limit_ticks:
            kind = "limit"
            price = float(Fraction(round(self.bar["close"] * self.per_tick) - side * policy.limit_ticks, self.per_tick))
        entry = self.order(kind, side, int(policy.sizing.amount), price, "entry", day=not policy.gtc)
        entry["stop_fraction"], entry["target_fraction"] = policy.exits.stop, policy.exits.target
        entry["decided"] = self.bar["close"]

    def cancel_all(self) -> None:
        """Ask for every order to be cancelled; it takes as long as an order."""
        for o in self.orders:
            if o["cancelled"] is None:
                o["cancelled"] = self.bar["ts"] + self.costs.latency
