"""When desk and broker are compared while a session trades, and what comes of a difference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from limits import RateLimitItemPerSecond
from test_wire_law import COSTS, day, momentum

from live.brokers.alpaca import AlpacaBroker
from live.brokers.protocol import Standing
from live.brokers.rate import Budget
from live.comparing import MOST, TRIES, Looks, Seen
from live.config import config_of
from live.errors import ReconcileError
from live.feeds.alpaca import AlpacaFeed
from live.feeds.hours import ALL
from live.feeds.settings import FeedSettings
from live.journal import read
from live.loop import DAY, Loop, MarketHours, Terms
from live.operator import WATCHDOG, want
from live.reconcile import CASH_SLACK, TRADED_SLACK, TURNOVER, differences, fee_of, lately, untold
from live.recovery import opened
from live.runner import Runner
from live.sim.plan import Fault
from live.sim.server import Loopback
from live.state import IMPOSSIBLE
from live.words import MAGIC, NOTE, Note, note_of
from quantlib.desk import memory
from quantlib.desk.memory import ACTIVE, HALTED, instrument_records
from quantlib.desk.messages import CARRY, FILL, ORDER, REPORT
from tests.live.brokers.driving import PATIENT, until

ONE, CASH, TABLE = momentum(), 1e5, day(60)
CALLS = Budget(RateLimitItemPerSecond(100_000))


class Trading(NamedTuple):
    """A session that trades on the loopback, one timestamp after the other."""

    alpaca: Loopback
    broker: AlpacaBroker
    runner: Runner
    loop: Loop

    @property
    def mode(self) -> int:
        return int(self.runner.state.desk.account["mode"][0])

    def step(self) -> None:
        """The next bars come, and are decided on."""
        before, told = self.runner.state.step, self.alpaca.match()
        until(lambda: self.broker.heard >= told, "that all updates were heard")
        self.alpaca.publish()
        until(lambda: self.loop.turn() and self.runner.state.step > before, "that the bars were decided on")

    def traded(self) -> None:
        """Steps until something is held."""
        while not self.runner.state.desk.holdings["lots"].any():
            self.step()

    def halted(self) -> Path:
        """Somebody halts it; the folder of its acts."""
        folder = self.runner.folder / "operator"
        want(folder, "halt", who="ann")
        self.look(lambda: self.mode == HALTED)
        return folder

    def look(self, what: Any, why: str = "what was waited for") -> None:
        """Turns without bars until something is true."""
        until(lambda: self.loop.turn() is not None and what(), why)

    def notes(self, kind: str) -> list[str]:
        frames = read(self.runner.folder / "journal", MAGIC).frames
        said: list[Note] = [note_of(frame.payload) for frame in frames if frame.kind == NOTE]
        return [one.text for one in said if one.kind == kind]


@contextmanager
def trading(folder: Path, reconcile: int = DAY) -> Iterator[Trading]:
    """A session that has joined its broker."""
    with Loopback(TABLE, cash=CASH, costs=COSTS) as alpaca, joined(alpaca, folder, reconcile) as one:
        yield one


@contextmanager
def joined(alpaca: Loopback, folder: Path, reconcile: int = DAY) -> Iterator[Trading]:
    """One life of it."""

    def clock() -> int:
        return alpaca.market.now

    settings = FeedSettings(quotes=False, bands=False, hours=ALL, patience=0.0)
    feed = AlpacaFeed(alpaca.keys, TABLE.symbols, settings, clock=clock)
    records = instrument_records(TABLE.symbols, None)
    broker = AlpacaBroker(alpaca.keys, "s", TABLE.symbols, records, patience=PATIENT, budget=CALLS)
    config = config_of(folder, ONE, TABLE, name="s", cash=CASH, source={"broker": "alpaca"})
    runner = opened(folder, config, ONE, broker=broker)
    terms = Terms(beats=0.0, reconcile=reconcile)
    loop = Loop(runner, feed, broker, "paper", "loopback", clock, MarketHours(lambda ts: True, None), terms)
    try:
        loop.join()
        yield Trading(alpaca, broker, runner, loop)
    finally:
        loop.close()


def taken(alpaca: Loopback, lots: int = 7) -> None:
    """Somebody else sells of what the session holds, and nobody is told."""
    holding = next(one for one in alpaca.venue.account.holdings if one.lots)
    holding.lots -= lots


def test_after_a_connection_was_lost_a_position_that_differs_halts(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        taken(one.alpaca)
        one.alpaca.reset()
        one.look(lambda: one.mode == HALTED, "that it halts")
        [why] = one.notes("kill switch")
        assert "desk and broker differ" in why
        assert "lots: desk" in why


def test_after_a_connection_was_lost_a_session_that_agrees_goes_on(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        one.alpaca.reset()
        one.look(lambda: one.notes("connected"), "that it is connected again")
        for _ in range(5):
            one.step()
        assert one.mode == ACTIVE
        assert one.notes("kill switch") == []


def test_a_halted_session_is_told_of_a_difference_once(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        one.halted()
        taken(one.alpaca)
        one.alpaca.reset()
        one.look(lambda: one.notes("mismatch"), "that it is told")
        for _ in range(20):
            one.loop.turn()
        assert len(one.notes("mismatch")) == 1
        assert one.notes("kill switch") == []


def test_nobody_resumes_over_a_difference_and_everybody_once_it_is_gone(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        folder = one.halted()
        taken(one.alpaca)
        want(folder, "resume", who="ann", why="all is well")
        one.look(lambda: one.notes("kill switch"), "that it is halted again")
        one.look(lambda: not one.runner.hand.waiting)
        assert one.mode == HALTED
        [why] = one.notes("kill switch")
        assert why.startswith("halt: resume: reconcile: desk and broker differ")
        taken(one.alpaca, -7)
        want(folder, "resume", who="ann", why="they were bought back")
        one.look(lambda: one.mode == ACTIVE, "that it goes on")


def test_a_resume_that_waits_gives_way_to_a_later_word_at_once_and_keeps_later_acts_behind_it(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        folder, hand = one.halted(), one.runner.hand
        taken(one.alpaca)
        want(folder, "resume", who="ann", why="all is well")
        want(
            folder, "override", who="ann", why="a wide day", limit="gross", value=0.5, until=one.alpaca.market.now + DAY
        )
        one.loop.turn()
        assert [w.word for w in hand.waiting] == ["resume", "override"]
        want(folder, "reduce", who=WATCHDOG)
        assert hand.held(one.alpaca.market.now) is not None, "a machine does not speak for a person"
        want(folder, "halt", who="ann")
        one.loop.turn()
        assert (hand.waiting, one.mode) == ([], HALTED)
        assert one.notes("kill switch") == []


def test_a_resume_for_later_is_compared_when_its_time_has_come(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        folder = one.halted()
        want(folder, "resume", at=one.alpaca.market.now + 1, who="ann", why="from the next bar on")
        one.alpaca.reset()
        one.look(lambda: one.notes("connected"), "that it is connected again")
        taken(one.alpaca)
        one.step()
        one.look(lambda: not one.runner.hand.waiting)
        assert one.mode == HALTED
        assert "halt: resume: reconcile" in one.notes("kill switch")[0]


def test_a_halt_for_later_keeps_nobody_from_halting_now(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        want(one.runner.folder / "operator", "halt", at=one.alpaca.market.now + DAY, who="ann")
        taken(one.alpaca)
        one.alpaca.reset()
        one.look(lambda: one.mode == HALTED, "that it halts")


def test_each_resume_is_compared_whatever_became_of_one_that_was_given_later(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        folder = one.runner.folder / "operator"
        want(folder, "halt", who="ann")
        want(folder, "resume", at=one.alpaca.market.now + 1, who="ann", why="from the next bar on")
        one.look(lambda: one.mode == HALTED)
        want(folder, "resume", who="ann", why="at once")
        one.look(lambda: one.mode == ACTIVE)
        want(folder, "halt", who="ann")
        one.look(lambda: one.mode == HALTED)
        taken(one.alpaca)
        one.step()
        one.look(lambda: not one.runner.hand.waiting)
        assert one.mode == HALTED


def test_a_flatten_that_waits_for_a_start_sends_nothing_over_a_difference(tmp_path: Path) -> None:
    with Loopback(TABLE, cash=CASH, costs=COSTS) as alpaca:
        with joined(alpaca, tmp_path) as one:
            one.traded()
        sent = len(alpaca.venue.ledger.orders)
        taken(alpaca)
        want(tmp_path / "operator", "flatten", who="ann")
        with pytest.raises(ReconcileError, match="lots: desk"), joined(alpaca, tmp_path):
            pass
        assert len(alpaca.venue.ledger.orders) == sent
        taken(alpaca, -7)
        with joined(alpaca, tmp_path) as one:
            one.look(lambda: len(alpaca.venue.ledger.orders) > sent, "that it leaves once they agree")


def test_a_report_that_does_not_fit_halts_and_is_told_and_a_flatten_ends_there(tmp_path: Path) -> None:
    with trading(tmp_path) as one:
        one.traded()
        want(one.runner.folder / "operator", "flatten", who="ann")
        one.loop.beat()
        alien = np.zeros(1, REPORT)
        alien["kind"], alien["id"], alien["lots"], alien["price"] = FILL, 999, 1, 5.0
        one.loop.beat(alien)
        assert one.mode == HALTED
        assert one.runner.state.why == IMPOSSIBLE
        assert one.notes("anomaly") == [f"{IMPOSSIBLE}: the session is halted"]
        one.look(lambda: not one.broker.unheard(0).size)
        written = one.runner.journal.place
        for _ in range(20):
            one.loop.beat()
        assert one.runner.journal.place == written


@pytest.mark.parametrize("rows", [True, False], ids=["with bars", "without"])
def test_nobody_resumes_where_the_broker_gives_no_answer(tmp_path: Path, rows: bool) -> None:
    with trading(tmp_path) as one:
        one.traded()
        one.halted()
        one.alpaca.faults.add(Fault("answer", "GET /v2/account", times=10_000, code=500))
        want(one.runner.folder / "operator", "resume", who="ann", why="all is well")
        if rows:
            one.step()
        one.look(lambda: not one.runner.hand.waiting)
        assert one.mode == HALTED
        assert "halt: resume:" in one.notes("kill switch")[0]


def test_a_comparison_without_an_answer_is_made_once_there_is_one(tmp_path: Path) -> None:
    with trading(tmp_path, reconcile=60_000_000_000) as one:
        one.traded()
        one.alpaca.faults.add(Fault("answer", "GET /v2/account", times=4, code=500))
        one.step()
        one.look(lambda: one.notes("unchecked"), "that it cannot compare")
        assert one.mode == ACTIVE
        taken(one.alpaca)
        one.look(lambda: one.mode == HALTED, "that it compares after all")
        assert len(one.notes("unchecked")) == 1


def test_money_that_no_report_explains_is_booked_once_as_fees(tmp_path: Path) -> None:
    with trading(tmp_path, reconcile=60_000_000_000) as one:
        one.traded()
        one.alpaca.venue.account.cash -= 0.25
        one.step()
        one.look(lambda: one.notes("fees"), "that it is booked")
        for _ in range(3):
            one.step()
        assert one.mode == ACTIVE
        assert one.notes("fees") == ["0.25 left the account that no report told: booked as carry"]
        desk = one.runner.state.desk
        assert float(desk.account["cash"][0]) == pytest.approx(one.alpaca.venue.account.cash, abs=1e-9)
        assert float(desk.account["carry"][0]) == pytest.approx(0.25)


def test_more_money_than_fees_can_explain_halts(tmp_path: Path) -> None:
    with trading(tmp_path, reconcile=60_000_000_000) as one:
        one.traded()
        traded = float(one.runner.state.desk.account["traded"][0])
        one.alpaca.venue.account.cash -= 100 * TRADED_SLACK * traded
        one.step()
        one.look(lambda: one.mode == HALTED, "that it halts")
        assert "cash: desk" in one.notes("kill switch")[0]


def desk_that_traded(traded: float, equity: float = 1e5) -> memory.Desk:
    desk = memory.opened(ONE.policy, ("AAA",), equity)
    desk.account["traded"], desk.account["equity"] = traded, equity
    return desk


def test_what_cash_may_differ_by_does_not_grow_with_the_age_of_a_session() -> None:
    assert lately(desk_that_traded(5e4)) == 5e4
    assert lately(desk_that_traded(1e9)) == TURNOVER * 1e5
    desk = desk_that_traded(1e9)
    slack = CASH_SLACK + TRADED_SLACK * lately(desk)
    most = 0.01 + 1e-4 * 10 * 1e5
    assert slack == pytest.approx(most)
    for missing, found in ((most - 0.001, 0), (most + 0.001, 1)):
        standing = Standing(1e5 - missing, np.zeros(1, np.int64), np.empty(0, ORDER))
        assert len(differences(desk, ("AAA",), standing, slack)) == found


def test_untold_fees_are_a_report_of_money_on_a_symbol_that_is_not_held() -> None:
    desk = memory.opened(ONE.policy, ("AAA", "BBB"), 1e5)
    desk.holdings["lots"][0] = 5
    none = np.empty(0, ORDER)
    assert untold(desk, Standing(1e5 - CASH_SLACK, desk.holdings["lots"], none)) == 0.0
    assert untold(desk, Standing(1e5 - 3.5, desk.holdings["lots"], none)) == 3.5
    assert untold(desk, Standing(1e5 + 3.5, desk.holdings["lots"], none)) == -3.5
    assert untold(desk, Standing(1e5 - 3.5, desk.holdings["lots"], none, coin_fee=0.0025)) == 0.0
    [report] = fee_of(desk, 3.5, 7)
    assert (report["kind"], report["ts"], report["symbol"], report["fee"]) == (CARRY, 7, 1, 3.5)


SAME, GONE, MORE = Seen([], 0.0, False), Seen([], 3.0, False), Seen([], 60.0, True)


def test_looks_end_when_nothing_differs_or_the_same_cash_is_missing_twice() -> None:
    assert Looks().settles(SAME)
    assert Looks().settles(SAME._replace(moved=True)), "what agrees agrees"
    looks = Looks()
    assert not looks.settles(MORE), "a fill between two questions"
    assert not looks.settles(GONE)
    assert looks.settles(GONE)
    assert looks.missing == 3.0


def test_looks_while_the_broker_tells_of_orders_count_less() -> None:
    differs = Seen(["AAA lots: desk 1, broker 0"], 0.0, False)
    quiet, noisy = Looks(), Looks()
    assert [quiet.settles(differs) for _ in range(TRIES)] == [False] * (TRIES - 1) + [True]
    assert [noisy.settles(differs._replace(moved=True)) for _ in range(MOST)] == [False] * (MOST - 1) + [True]
    changing = Looks()
    assert [changing.settles(Seen([], float(k), False)) for k in range(1, TRIES + 1)][-1]
    assert changing.missing == 0.0, "nobody knows what to book"
