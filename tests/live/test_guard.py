"""The last look at a command before it leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from live.feeds.protocol import Market, market
from live.safety.guard import MINUTE, Guarding, Rules
from live.words import raw
from quantlib.desk import memory as desks
from quantlib.desk.memory import REASONS
from quantlib.desk.messages import CANCEL, COMMAND, ENTRY, EXIT, LIMIT, MARKET, REJECTED, SUBMIT
from quantlib.desk.policy import Policy

NOW = 1_700_000_000_000_000_000


def guarded(rules: Rules, known: Market | None = None, now: int = NOW) -> Guarding:
    desk = desks.opened(Policy(), ("A", "B"), 1e6)
    desk.holdings["mark"] = 100.0
    return Guarding(rules, desk, known or market(2), lambda: now)


def command(lots: int = 10, **changes: Any) -> Any:
    one = np.zeros(1, COMMAND)
    for name, value in (
        {"ts": NOW, "kind": SUBMIT, "id": 1, "lots": lots, "side": 1, "leg": ENTRY, "order": MARKET} | changes
    ).items():
        one[name] = value
    return one


def answered(guard: Guarding, commands: Any, ts: int = NOW) -> list[str]:
    passed, answers = guard(commands, ts)
    assert len(passed) + len(answers) == len(commands)
    assert set(answers["kind"]) <= {REJECTED}
    return [REASONS[r] for r in answers["reason"]]


def test_an_order_within_all_rules_passes_unchanged():
    passed, answers = guarded(Rules())(command(), NOW)
    assert raw(passed) == raw(command())
    assert len(answers) == 0


def test_an_entry_decided_too_long_ago_is_not_sent():
    assert answered(guarded(Rules(), now=NOW + MINUTE + 1), command()) == ["never reached the broker"]
    assert answered(guarded(Rules(), now=NOW + MINUTE), command()) == []


def test_an_order_is_worth_no_more_than_the_rule_allows():
    assert answered(guarded(Rules(notional=999.0)), command()) == ["notional of an order"]
    assert answered(guarded(Rules(notional=1000.0)), command()) == []


@pytest.mark.parametrize(("ticks", "refused"), [(11_001, True), (11_000, False), (9_000, False), (8_999, True)])
def test_a_limit_far_from_the_last_price_is_refused(ticks, refused):
    found = answered(guarded(Rules(collar=0.1)), command(order=LIMIT, limit=ticks))
    assert found == (["price collar"] if refused else [])


def test_the_middle_of_a_whole_quote_is_the_last_price_before_trade_and_mark():
    known = market(2)
    known.bid[0], known.ask[0], known.trade[0] = 199.0, 201.0, 300.0
    assert answered(guarded(Rules(collar=0.01), known), command(order=LIMIT, limit=20_000)) == []
    known.ask[0] = 198.0  # crossed: no quote
    assert answered(guarded(Rules(collar=0.01), known), command(order=LIMIT, limit=30_000)) == []


def test_a_halted_symbol_takes_no_entry_and_the_other_does():
    known = market(2)
    known.halted[0] = True
    both = np.concatenate([command(), command(id=4, symbol=1)])
    assert answered(guarded(Rules(), known), both) == ["symbol halted"]


def test_an_entry_beyond_the_limit_up_limit_down_band_is_refused():
    known = market(2)
    known.lower[0], known.upper[0] = 95.0, 99.0
    assert answered(guarded(Rules(), known), command()) == ["outside the price band"]


def test_so_many_entries_a_minute_pass_and_no_more():
    guard = guarded(Rules(orders_a_minute=3))
    many = np.concatenate([command(id=k) for k in range(1, 14, 3)])
    assert answered(guard, many) == ["order rate"] * 2
    guard.clock = lambda: NOW + MINUTE
    assert answered(guard, command(ts=NOW + MINUTE), NOW + MINUTE) == []


def test_what_only_reduces_and_cancels_always_pass():
    known = market(2)
    known.halted[0] = True
    guard = guarded(Rules(notional=1.0, orders_a_minute=1), known, now=NOW + 10 * MINUTE)
    assert answered(guard, command(leg=EXIT)) == []
    assert answered(guard, command(kind=CANCEL)) == []


def test_a_rule_that_is_no_number_above_0_is_refused():
    with pytest.raises(ValueError, match="guard: notional must be above 0, got -1"):
        guarded(Rules(notional=-1))
