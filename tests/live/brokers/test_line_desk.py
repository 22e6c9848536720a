"""A desk that trades brackets through Interactive Brokers or Zerodha believes at every step what the broker holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from limits import RateLimitItemPerSecond

from live.brokers.line_broker import LineBroker
from live.brokers.rate import Budget
from live.brokers.zerodha import ZerodhaLine
from live.reconcile import differences
from live.state import State
from live.tape import Tape
from live.words import Beat, tickets
from quantlib.desk import memory
from quantlib.desk.messages import FILL
from quantlib.desk.policy import Exits, Gates, fixed_fraction
from tests.live.brokers import test_ibkr, test_zerodha
from tests.live.brokers.driving import AMPLE
from tests.live.brokers.kite import KiteServer
from tests.live.brokers.tws import DONE, Tws
from tests.live.scenes import scored, scoring

SYMBOLS = ("AAA", "BBB")
CASH = 1e6
STRATEGY = scoring(
    exits=Exits(stop=0.03, target=0.04, max_rows=6, anchored=True), sizing=fixed_fraction(0.03), gates=Gates()
)


class Traded:
    """A desk, a broker, and a market that fills what its bars reach."""

    def __init__(self, broker: LineBroker, instruments: Any, match: Callable[[dict[str, Any]], None]) -> None:
        self.broker, self.match, self.fills = broker, match, 0
        self.tape = Tape(scored(20, SYMBOLS, missing=0.0))
        self.state = State(STRATEGY, SYMBOLS, memory.opened(STRATEGY.policy, SYMBOLS, CASH, instruments))

    def trade(self) -> None:
        """Every step: the market, the desk's agreement with the broker, and what the desk makes of the bars."""
        for step in range(self.tape.steps):
            rows = self.tape.rows(step)
            for row in rows:
                self.match(
                    {name: row[name].item() for name in ("open", "high", "low")} | {"symbol": SYMBOLS[row["symbol"]]}
                )
            self.agree()
            output = self.state.advance(rows, np.empty(0, self.broker.unheard(0).dtype))
            if len(output.commands):
                self.broker.submit(tickets("test", output.commands), output.commands, self.state.last_ts)

    def agree(self) -> None:
        """Hear until nothing differs."""
        deadline, found = time.monotonic() + 20.0, ["nothing was compared"]
        while found and time.monotonic() < deadline:
            standing = self.broker.standing()
            reports = self.broker.reports(0, np.empty(0))
            self.fills += int((reports["kind"] == FILL).sum())
            self.state.beat(Beat(self.state.last_ts, reports))
            found = differences(self.state.desk, SYMBOLS, standing, 1e-6)
        assert found == []
        assert self.state.desk.account["anomalies"][0] == 0


def reached(side: str, limit: float, stop: float, bar: dict[str, Any]) -> float:
    """The price at which a bar fills an order; 0 for none."""
    buys = side == "BUY"
    if stop:
        crossed = bar["high"] >= stop if buys else bar["low"] <= stop
        return (max if buys else min)(stop, bar["open"]) if crossed else 0.0
    if limit:
        crossed = bar["low"] <= limit if buys else bar["high"] >= limit
        return (min if buys else max)(limit, bar["open"]) if crossed else 0.0
    return float(bar["open"])


@pytest.mark.slow
def test_a_desk_on_interactive_brokers_agrees_with_it_at_every_step() -> None:
    with Tws(test_ibkr.CONTRACTS) as tws, test_ibkr.connected(tws) as broker:

        def match(bar: dict[str, Any]) -> None:
            for one in list(tws.orders):
                entry = [parent for parent in tws.orders if parent.number == one.parent]
                if one.symbol != bar["symbol"] or one.status in DONE or not one.transmit:
                    continue
                if entry and entry[0].status != "Filled":
                    continue
                price = reached(one.action, float(one.limit or 0), float(one.stop or 0), bar)
                part = one.quantity // 3
                for units in (part, one.quantity - part) if part and price else [one.quantity] if price else []:
                    tws.fill(one.ref, units, price, fee=0.35)

        traded = Traded(broker, None, match)
        traded.trade()
        assert traded.fills > 20
        assert [trouble.kind for trouble in broker.incidents()] == []


@pytest.mark.slow
def test_a_desk_on_zerodha_agrees_with_it_at_every_step() -> None:
    with KiteServer() as server, test_zerodha.connected(server) as broker:
        line = broker.line
        assert isinstance(line, ZerodhaLine)
        line.rest.budget = line.rest.orders = Budget(RateLimitItemPerSecond(AMPLE.amount), 0)

        def match(bar: dict[str, Any]) -> None:
            for gtt in [one for one in server.gtts.values() if one["status"] == "active"]:
                if gtt["condition"]["tradingsymbol"] == bar["symbol"]:
                    fire(gtt, bar)
            for one in [one for one in server.orders.values() if one["status"] == "OPEN" and one["tag"]]:
                if one["tradingsymbol"] == bar["symbol"]:
                    server.fill(one, one["quantity"], bar["open"])

        def fire(gtt: dict[str, Any], bar: dict[str, Any]) -> None:
            lower, upper = gtt["condition"]["trigger_values"]
            if bar["low"] <= lower or bar["high"] >= upper:
                leg = 0 if bar["low"] <= lower else 1
                order = server.trigger(gtt, leg)
                assert order is not None
                server.fill(order, order["quantity"], (lower, upper)[leg])

        traded = Traded(broker, test_zerodha.TICK, match)
        traded.trade()
        assert traded.fills > 20
        assert [trouble.kind for trouble in broker.incidents()] == []
