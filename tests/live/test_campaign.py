"""Whatever goes wrong on the wire and whenever the runner dies, the books are right in the end.

A failure names its seed: python -m tests.live.campaign --seed N --verbose --keep FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from live.sim.lifecycle import KINDS
from live.sim.plan import CALLS, MESSAGES
from tests.live.campaign import Outcome, campaign, judged, served, staged, table_of
from tests.live.campaign_plan import planned, strategy_of
from tests.live.campaign_verdict import verdict

ROOT = Path(__file__).parents[2]
QUICK = (401, 404, 405, 418, 209, 31)
SESSIONS, PROCESSES, FIRST = 300, 4, 1000
LONGEST = 1500  # seconds


def test_a_few_sessions_in_which_everything_goes_wrong_end_with_right_books(record_property: Any) -> None:
    outcomes = campaign(QUICK)
    record_property("printed", table_of(outcomes))
    assert not [one for one in outcomes if one.found], table_of(outcomes)
    assert sum(one.executions for one in outcomes) > 10
    assert sum(one.kills for one in outcomes) > 2


def test_what_happens_follows_from_the_seed_and_every_fault_of_the_wire_has_its_turn() -> None:
    plans = [planned(seed) for seed in range(FIRST, FIRST + SESSIONS)]
    assert plans == [planned(plan.seed) for plan in plans]
    faults = [fault for plan in plans for fault in plan.faults if fault.rate is None]
    assert {fault.kind for fault in faults} == {*CALLS, *MESSAGES}
    codes = {fault.code for fault in faults}
    assert codes >= {402, 405, 406, 407, 409, 429, 500, 504, 1000, 1011}
    assert {(fault.code, fault.accepted) for fault in faults} >= {(504, True), (504, False), (500, True), (500, False)}
    assert {twist.kind for plan in plans for twist in plan.twists} == {*KINDS}
    assert {word.word for plan in plans for word in plan.words} == {"halt", "reduce", "flatten", "resume", "override"}
    assert min(Counter(kill.what for plan in plans for kill in plan.kills if kill).values()) > 50


def test_the_verdict_sees_a_fill_an_order_and_a_cent_that_only_one_side_knows(tmp_path: Path) -> None:
    plan = next(plan for plan in map(planned, range(100)) if plan.style == "short holds" and not plan.broken)
    plan = plan._replace(faults=(), twists=(), kills=(), away=(), words=(), halts=())
    with staged(plan, tmp_path / "s", served()) as session:
        assert judged(session) == ("agreed", [])
        venue, one = session.alpaca.venue, strategy_of(plan.style)
        assert len(venue.account.executions) > 4

        def found() -> str:
            return "; ".join(verdict(tmp_path / "s", one, venue, broken=False))

        assert found() == ""
        venue.account.cash += 0.01
        assert "cash: journal" in found()
        venue.account.cash -= 0.01
        lost = venue.account.executions.pop()
        assert f"fills of order {lost.order.client_order_id.split('-')[1]}" in found()
        venue.account.executions.append(lost)
        doubled = lost.order.client_order_id
        venue.ledger.orders["again"] = lost.order
        assert "was accepted 2 times" in found()
        del venue.ledger.orders["again"]
        lost.order.client_order_id = "campaign-9999"
        assert "no command asked for it" in found()
        lost.order.client_order_id = doubled
        assert found() == ""


@pytest.mark.slow
def test_hundreds_of_sessions_in_which_everything_goes_wrong_end_with_right_books(
    tmp_path: Path, record_property: Any
) -> None:
    share = SESSIONS // PROCESSES
    words = [[
        sys.executable, "-m", "tests.live.campaign", "--sessions", str(share), "--seed", str(FIRST + k * share),
        "--json", str(tmp_path / f"{k}.json"),
    ] for k in range(PROCESSES)]  # fmt: skip
    running = [
        subprocess.Popen(one, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for one in words
    ]
    said = [process.communicate(timeout=LONGEST)[0] for process in running]
    files = [tmp_path / f"{k}.json" for k in range(PROCESSES)]
    assert all(file.exists() for file in files), "\n".join(said)
    outcomes = [Outcome(**one) for file in files for one in json.loads(file.read_text())]
    record_property("printed", table_of(outcomes))
    assert len(outcomes) == SESSIONS
    assert not [one for one in outcomes if one.found], table_of(outcomes)
    assert sum(one.kills for one in outcomes) > 100
    assert sum(sum(one.faults.values()) for one in outcomes) > 2000
