"""The folder of a session with a broker that lives by itself is lost: from a fresh copy it goes on, from an old not."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from lost import Memory, lose
from test_wire_law import COSTS, day, momentum

import backtest
from backtest.costs import Costs
from live.brokers.alpaca import AlpacaBroker
from live.brokers.rate import Budget
from live.errors import ReconcileError
from live.feeds.alpaca import AlpacaFeed
from live.feeds.protocol import Feed
from live.feeds.settings import ALL, FeedSettings
from live.journal import read
from live.keeping import Keeping
from live.lockstep import Lockstep
from live.pulse import felt
from live.rehearsal import CALLS, TERMS, held_against
from live.runner import Runner
from live.session import Summary
from live.sim.server import Loopback
from live.stores.restoring import recovered
from live.trading import Watch, named, trade
from live.words import MAGIC, Output
from quantlib.desk.memory import instrument_records
from quantlib.desk.policy import Exits
from quantlib.strategy import Strategy
from quantlib.table import Table

CASH = 1e5


def traded(
    loopback: Loopback, folder: Path, one: Strategy, table: Table, kept: Keeping, steps: int, costs: Costs = COSTS
) -> Summary:
    """Trade so many timestamps in lockstep with a service that goes on living."""
    settings = FeedSettings(timeframe=loopback.market.timeframe, quotes=False, bands=False, hours=ALL, patience=0.0)

    def clock() -> int:
        return loopback.market.now

    feed: Feed = AlpacaFeed(loopback.keys, table.symbols, settings, clock=clock)
    records = instrument_records(table.symbols, None)
    broker = AlpacaBroker(loopback.keys, "wire", table.symbols, records, budget=Budget(CALLS))
    lockstep = Lockstep(loopback, broker)
    left = [steps]

    def began(runner: Runner) -> None:
        lockstep.watch.began(runner)

    def stepped(runner: Runner, output: Output) -> None:
        left[0] -= bool(len(output.decision))
        if left[0]:
            lockstep.watch.stepped(runner, output)

    return trade(
        one, folder, feed, broker, cash=CASH, name="wire", costs=costs, clock=clock, watch=Watch(began, stepped),
        terms=TERMS._replace(every=7), stop=lambda: lockstep.over or not left[0], keeping=kept,
    )  # fmt: skip


def test_a_session_whose_folder_is_lost_goes_on_from_its_copy_as_if_nothing_had_been(tmp_path: Path) -> None:
    one, table, store = momentum(), day(60), Memory()
    kept = Keeping(None, (store,))
    folder = tmp_path / "s"
    with Loopback(table, cash=CASH, costs=COSTS) as loopback:
        first = traded(loopback, folder, one, table, kept, 33)
        snapshot = (folder / "snapshot").read_bytes()
        lose(folder)
        assert recovered(folder, kept)[0].startswith("state from the copy at memory")
        assert (folder / "snapshot").read_bytes() == snapshot
        assert named(folder) == "wire"
        last = traded(loopback, folder, one, table, kept, 99)
    assert first.fills > 5
    assert last.resumed == 33
    assert last.notes == (f"going on from the snapshot, step {last.resumed}, and 0 frames after it",)
    found = held_against(folder, backtest.run(one, table, cash=CASH, costs=COSTS))
    assert found.holds, found


def test_a_copy_is_made_of_each_order_and_not_only_of_snapshots(tmp_path: Path) -> None:
    one, table, store = momentum(), day(30), Memory()
    with Loopback(table, cash=CASH, costs=COSTS) as loopback:
        traded(loopback, tmp_path / "s", one, table, Keeping(None, (store,)), 20)
    kinds = {folder.rpartition("/")[2]: names for folder, names in store.kept.items()}
    ends = [int(name.partition("-")[2]) for name in kinds["journal"]]
    assert max(ends) == read(tmp_path / "s" / "journal", MAGIC).end.position
    assert len(kinds["snapshot"]) <= 2


def still(rows: int = 40) -> Table:
    """Bars that open at one price, so that trades at the open lose and win nothing, and close up and down."""
    table = day(rows, ("AAA",))
    close = 100.0 + np.where(np.arange(rows) % 8 < 4, 0.5, -0.5)
    columns = dict(table.columns) | {
        "open": np.full(rows, 100.0), "high": np.full(rows, 101.0), "low": np.full(rows, 99.0), "close": close,
    }  # fmt: skip
    return Table(table.clock, table.symbols, columns)


def test_a_copy_older_than_what_was_traded_is_refused_even_where_position_and_cash_are_the_same(
    tmp_path: Path,
) -> None:
    one, table, store = momentum(exits=Exits(max_rows=2), enter=0.001), still(), Memory()
    costs = Costs()
    folder, kept = tmp_path / "s", Keeping(None, (store,))
    with Loopback(table, cash=CASH, costs=costs) as loopback:
        assert traded(loopback, folder, one, table, kept, 4, costs).fills == 0
        old = deepcopy(store.kept)
        pulse = None
        while pulse is None or pulse.fills < 2 or pulse.positions or pulse.orders:
            done = traded(loopback, folder, one, table, kept, 1, costs)
            assert done.steps < 35
            pulse = felt(folder)
        assert done.equity == CASH
        lose(folder)
        store.kept = old
        with pytest.raises(ReconcileError, match=r"the broker knows wire-1, .*older than what was done"):
            traded(loopback, folder, one, table, kept, 1, costs)
