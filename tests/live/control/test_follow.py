"""A session read as it grows says what the session says of itself, whenever one looks."""

import os
from math import isclose, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import scored, scoring
from seats import lived, walked

from backtest import run
from live.config import COSTS
from live.control.curve import Curve
from live.control.expected import Decided
from live.control.follow import Follower
from live.control.logs import Redactor
from live.journal import Journal, read
from live.operator import want
from live.pulse import FILE, beat
from live.seal import Seal
from live.session import replay
from live.words import MAGIC
from quantlib.data.samples import indices
from quantlib.desk.memory import instrument_records
from quantlib.desk.messages import (
    ACCEPTED,
    COMMAND,
    LIMIT,
    MARKET,
    ORDER,
    REPLACE,
    REPORT,
    STOP,
    STOP_LEG,
    SUBMIT,
    TARGET_LEG,
)
from quantlib.table import bars


def follower(folder):
    return Follower(folder, Redactor(["hush-hush"]))


def said(f):
    s = f.session
    return s.steps, s.filled, list(s.fills), list(s.ended), list(s.decisions), s.refused, s.obeyed, s.curve.points()


def test_reading_after_every_step_is_reading_all_at_once(tmp_path):
    folder = tmp_path / "one"
    one = follower(folder)
    walked(folder, scoring(), scored(), lambda runner, output: one.catch_up())
    other = follower(folder)
    other.catch_up()
    assert said(one) == said(other)
    assert one.session.steps == len(set(scored().columns["ts"].tolist()))
    assert one.session.filled > 10


def test_fills_orders_and_equity_are_those_of_the_backtest(tmp_path):
    table = bars(indices())
    replay("trend", table, tmp_path / "trend")
    one = follower(tmp_path / "trend")
    one.catch_up()
    from quantlib.presets import trend

    result = run(trend(), table, costs=COSTS)
    fills = result.fills
    assert len(one.session.fills) == len(fills) > 50
    assert [f.price for f in one.session.fills] == fills["price"].to_list()
    assert sum(f.fee for f in one.session.fills) == pytest.approx(fills["fee"].sum())
    low = min(p.equity for p in one.session.curve.points())
    equity = result.equity["equity"].to_numpy()
    assert low == equity.min()
    assert one.session.curve.points()[-1].equity == equity[-1]
    deepest = max(p.drawdown for p in one.session.curve.points())
    assert deepest == pytest.approx((1 - equity / np.maximum.accumulate(np.maximum(equity, 1e6))).max())


def test_a_market_order_is_expected_at_the_close_it_was_decided_on(tmp_path):
    table = bars(indices())
    replay("trend", table, tmp_path / "trend")
    one = follower(tmp_path / "trend")
    one.catch_up()
    columns = table.columns
    closes = {
        (int(t), table.symbols[s]): float(c)
        for t, s, c in zip(columns["ts"], columns["symbol"], columns["close"], strict=True)
    }
    placed = {e.id: e for e in one.session.ended}
    days = sorted({int(t) for t in columns["ts"]})
    checked = 0
    for fill in one.session.fills:
        if placed[fill.order].kind != "market":
            continue
        before = days[days.index(fill.ts) - 1] if fill.ts in days else None
        if before is not None:
            assert fill.expected in (closes[before, fill.symbol], closes[fill.ts, fill.symbol])
            checked += 1
        side = 1 if fill.side == "buy" else -1
        assert fill.slippage == pytest.approx(side * (fill.price - fill.expected) * fill.lots)
        assert fill.share == pytest.approx(side * (fill.price / fill.expected - 1))
    assert checked > 50


def records(dtype, **columns):
    made = np.zeros(len(next(iter(columns.values()))), dtype)
    for name, values in columns.items():
        made[name] = values
    return made


def test_the_price_decided_on_is_what_the_order_names_or_the_last_close():
    decided = Decided(instrument_records(["AAA"], None))
    rows = records(np.dtype([("symbol", "i4"), ("close", "f8")]), symbol=[0], close=[50.0])
    decided.see(rows)
    decided.see(records(rows.dtype, symbol=[0], close=[np.nan]))  # a missing row says nothing
    decided.command(
        records(COMMAND, kind=[SUBMIT] * 3, id=[1, 4, 5], order=[MARKET, LIMIT, STOP], limit=[0, 4900, 0],
                stop=[0, 0, 5200])
    )  # fmt: skip
    assert [decided.price(id) for id in (1, 4, 5)] == [50.0, 49.0, 52.0]
    legs = records(REPORT, kind=[ACCEPTED] * 2, id=[2, 3], group=[1, 1], leg=[STOP_LEG, TARGET_LEG], stop=[4700, 0],
                   limit=[0, 5600])  # fmt: skip
    decided.hear(legs)
    assert [decided.price(id) for id in (2, 3)] == [47.0, 56.0]
    decided.command(records(COMMAND, kind=[REPLACE], id=[4], limit=[4950]))
    assert decided.price(4) == 49.5
    decided.end(records(ORDER, id=[4]))
    assert isnan(decided.price(4))


def test_the_pulse_is_read_when_it_changes_and_only_then(tmp_path):
    folder = tmp_path / "one"
    pulse = lived(folder, scoring(), scored(), 12)
    one = follower(folder)
    first = one.catch_up()
    assert one.pulse.equity == pulse.equity
    assert one.catch_up() == first
    beat(folder, pulse._replace(equity=1.0))
    assert one.catch_up() == first + 1
    assert one.pulse.equity == 1.0


def test_what_cannot_be_read_is_trouble_until_it_can_be_read_again(tmp_path):
    folder = tmp_path / "one"
    pulse = lived(folder, scoring(), scored(), 12)
    (folder / FILE).write_text("{}")
    one = follower(folder)
    before = one.catch_up()
    assert "not of this version" in one.trouble["pulse"]
    assert one.session.steps == 12
    beat(folder, pulse)
    assert one.catch_up() > before
    assert one.trouble == {}


def test_a_damaged_journal_is_trouble_and_what_was_read_of_it_stays(tmp_path):
    folder = tmp_path / "one"
    one = follower(folder)
    lived(folder, scoring(), scored(), 9)
    one.catch_up()
    size = (folder / "journal").stat().st_size
    lived(folder, scoring(), scored(), 11)
    data = bytearray((folder / "journal").read_bytes())
    data[size + 20] ^= 255
    (folder / "journal").write_bytes(data)
    one.catch_up()
    assert "damaged" in one.trouble["journal"]
    assert one.session.steps == 9


def test_a_frame_that_is_half_written_is_read_when_it_is_whole(tmp_path):
    folder = tmp_path / "one"
    lived(folder, scoring(), scored(), 20)
    data = (folder / "journal").read_bytes()
    ends = [frame.end for frame in read(folder / "journal", MAGIC).frames]
    (folder / "journal").write_bytes(data[: ends[10] - 3])
    one = follower(folder)
    one.catch_up()
    assert one.session.steps == 5
    with (folder / "journal").open("ab") as file:
        file.write(data[ends[10] - 3 :])
    one.catch_up()
    assert one.session.steps == 20
    assert one.trouble == {}


def test_a_session_begun_afresh_in_its_place_is_read_from_its_beginning(tmp_path):
    folder = tmp_path / "one"
    lived(folder, scoring(), scored(), 20)
    one = follower(folder)
    one.catch_up()
    replay(scoring(), scored(60, seed=8), folder, fresh=True)
    one.catch_up()
    assert one.session.steps == 60


def test_actions_wait_until_the_session_has_obeyed_them(tmp_path):
    folder = tmp_path / "one"
    one = follower(folder)
    lived(folder, scoring(), scored(), 1)
    want(folder / "operator", "halt", who="ann", why="to see")
    one.catch_up()
    assert [wanted.word for wanted in one.waiting()] == ["halt"]
    lived(folder, scoring(), scored(), 2)
    one.catch_up()
    assert one.waiting() == []
    assert [(a.number, a.word, a.who, a.why) for a in one.session.obeyed] == [(1, "halt", "ann", "to see")]


def test_refusals_say_their_last_symbol_and_time(tmp_path):
    folder = tmp_path / "one"
    lived(folder, scoring(), scored(), 1)
    want(folder / "operator", "halt")
    pulse = lived(folder, scoring(), scored())
    one = follower(folder)
    one.catch_up()
    assert one.session.refused["halted"].count == pulse.refusals["halted"]
    assert one.session.refused["halted"].symbol in ("AAA", "BBB")


def test_the_logs_end_is_followed_through_a_turnover_and_without_secrets(tmp_path):
    path = tmp_path / "runner.log"
    path.write_text('{"time": "2026-01-01T00:00:00Z", "level": "INFO", "event": "token hush-hush", "lots": 3}\nplain\n')
    one = follower(tmp_path)
    one.catch_up()
    lines = {line.event: line for line in one.log(10)}
    assert set(lines) == {"token •••", "plain"}
    assert lines["token •••"].fields == {"lots": 3}
    with path.open("a") as file:
        file.write('{"time": "2026-01-01T00:00:01Z", "event": "half')
    one.catch_up()
    assert len(one.log(10)) == 2
    with path.open("a") as file:
        file.write(' a line"}\n')
    one.catch_up()
    assert one.log(1)[0].event == "half a line"
    os.replace(path, tmp_path / "runner.log.1")
    path.write_text('{"time": "2026-01-01T00:00:02Z", "event": "after it was turned over"}\n')
    one.catch_up()
    assert one.log(1)[0].event == "after it was turned over"
    assert len(one.log(10)) == 4


@settings(deadline=None)
@given(
    equities=st.lists(st.floats(1.0, 1e6), min_size=1, max_size=400), stretches=st.integers(2, 9),
)  # fmt: skip
def test_a_curve_keeps_its_extremes_its_end_and_its_deepest_drawdown_however_long_it_is(equities, stretches):
    curve = Curve(equities[0], stretches)
    for ts, equity in enumerate(equities):
        curve.add(ts, equity)
    points = curve.points()
    high = np.maximum.accumulate(equities)
    assert len(points) <= 4 * stretches
    assert [p.ts for p in points] == sorted({p.ts for p in points})
    assert min(p.equity for p in points) == min(equities)
    assert max(p.equity for p in points) == max(equities)
    assert points[-1] == type(points[-1])(len(equities) - 1, equities[-1], 1 - equities[-1] / high[-1])
    assert isclose(max(p.drawdown for p in points), (1 - np.array(equities) / high).max(), abs_tol=1e-15)
    assert all(equities[p.ts] == p.equity for p in points)


def test_an_empty_folder_has_neither_pulse_nor_session_and_no_trouble(tmp_path):
    one = follower(tmp_path)
    assert one.catch_up() == 0
    assert (one.pulse, one.session, one.trouble, one.fills(5), one.log(5), one.waiting()) == (
        None,
        None,
        {},
        [],
        [],
        [],
    )
    Journal.create(tmp_path / "journal", MAGIC, {"other": 1}).close()
    one.catch_up()
    assert "another version" in one.trouble["journal"]


def test_a_sealed_journal_is_followed_with_its_passphrase_and_not_without(tmp_path):
    folder, seal = tmp_path / "one", Seal("correct horse", rounds=10)
    lived(folder, scoring(), scored(), 20)
    plain = read(folder / "journal", MAGIC)
    (folder / "journal").unlink()
    journal = Journal.create(folder / "journal", MAGIC, plain.identity, seal.fresh())
    one, without = Follower(folder, Redactor(), seal), follower(folder)
    for frame in plain.frames:
        journal.append(frame.kind, frame.payload)
        one.catch_up()
    journal.close()
    without.catch_up()
    assert one.session.steps == 20
    assert one.trouble == {}
    assert without.session is None
    assert "passphrase" in without.trouble["journal"].lower()
