"""Gathering: whatever the order, every row is told once and moments go forward."""

from __future__ import annotations

from typing import Any

import numpy as np
from feed_rows import MINUTE, OPEN, SECOND, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from live.feeds.gather import Gather
from live.feeds.history import BARS
from live.feeds.protocol import Correction, Heard, Moment, Past
from live.words import raw

SYMBOLS = 3


def everyone(ts: int) -> NDArray[np.bool_]:
    return np.ones(SYMBOLS, np.bool_)


def gather(patience: float = 2.0, after: int | None = None, expected: Any = everyone) -> Gather:
    return Gather(BARS, SYMBOLS, expected, patience, after)


def spelled(heard: list[Heard]) -> list[Any]:
    """Heard things as (kind, minute, symbols)."""
    found: list[Any] = []
    for one in heard:
        if isinstance(one, Moment):
            found.append(("moment", (one.ts - OPEN) // MINUTE, one.rows["symbol"].tolist()))
        elif isinstance(one, Past):
            minutes = ((one.rows["ts"] - OPEN) // MINUTE).tolist()
            found.append((one.why, *zip(minutes, one.rows["symbol"].tolist(), strict=True)))
        elif isinstance(one, Correction):
            found.append((one.why, (int(one.row["ts"][0]) - OPEN) // MINUTE, one.row["symbol"].tolist()))
    return found


def test_a_moment_closes_when_every_symbol_has_come_and_its_rows_are_in_the_order_of_codes():
    g = gather()
    g.take(rows((1, 2), (1, 0)), arrived=0)
    assert not g.heard(now=1)
    g.take(rows((1, 1)), arrived=5)
    (moment,) = g.heard(now=5)
    assert isinstance(moment, Moment)
    assert (moment.ts, moment.arrived) == (OPEN + MINUTE, 0)
    assert moment.rows["symbol"].tolist() == [0, 1, 2]


def test_a_row_of_a_later_moment_says_that_the_earlier_one_has_none():
    g = gather()
    g.take(rows((1, 0), (1, 1)), arrived=0)
    g.take(rows((2, 0), (2, 1), (2, 2)), arrived=1)
    assert spelled(list(g.heard(now=1))) == [("moment", 1, [0, 1]), ("moment", 2, [0, 1, 2])]


def test_patience_ends_a_moment_without_the_missing_and_they_are_late():
    g = gather(patience=2.0)
    g.take(rows((1, 0)), arrived=10)
    assert not g.heard(now=10 + 2 * SECOND - 1)
    assert g.deadline() == 10 + 2 * SECOND
    assert spelled(list(g.heard(now=10 + 2 * SECOND))) == [("moment", 1, [0])]
    g.take(rows((1, 1)), arrived=3 * SECOND)
    assert spelled(list(g.heard(now=3 * SECOND))) == [("late", 1, [1])]
    assert g.late == 1
    assert g.deadline() is None


def test_symbols_that_are_not_expected_are_not_waited_for_but_with_none_expected_patience_decides():
    g = gather(expected=lambda ts: np.array([True, False, False]))
    g.take(rows((1, 0)), arrived=0)
    assert spelled(list(g.heard(now=0))) == [("moment", 1, [0])]
    g = gather(expected=lambda ts: np.zeros(SYMBOLS, np.bool_))
    g.take(rows((1, 0)), arrived=0)
    assert not g.heard(now=0)
    assert spelled(list(g.heard(now=2 * SECOND))) == [("moment", 1, [0])]


def test_the_first_row_decides_and_another_of_its_moment_is_a_correction_after_it():
    g = gather()
    g.take(rows((1, 0, 100.0), (1, 0, 101.0)), arrived=0)
    g.take(rows((1, 0, 100.0), (1, 1), (1, 2)), arrived=1)
    heard = list(g.heard(now=1))
    assert spelled(heard) == [("moment", 1, [0, 1, 2]), ("updated", 1, [0]), ("updated", 1, [0])]
    assert isinstance(heard[0], Moment)
    assert heard[0].rows["close"][0] == 100.0
    g.take(rows((1, 0, 100.0), (1, 1), (1, 0, 102.0), (1, 0, 102.0)), arrived=2)
    assert spelled(list(g.heard(now=2))) == [("updated", 1, [0])]
    assert (g.corrected, g.duplicates) == (3, 3)


def test_rows_up_to_the_last_decision_before_a_restart_are_late():
    g = gather(after=OPEN + MINUTE)
    g.take(rows((1, 0), (2, 0), (2, 1), (2, 2)), arrived=0)
    assert spelled(list(g.heard(now=0))) == [("late", 1, [0]), ("moment", 2, [0, 1, 2])]


def test_a_gap_is_filled_in_order_before_the_next_moment_and_decides_nothing():
    g = gather()
    g.take(rows((1, 0), (1, 1), (1, 2)), arrived=0)
    g.heard(now=0)
    g.hold(until=9 * SECOND)
    g.take(rows((4, 0), (4, 1), (4, 2)), arrived=1)
    assert not g.heard(now=8 * SECOND)
    g.fill(rows((1, 0), (2, 0), (2, 1), (3, 2), (4, 0)), OPEN + 9 * MINUTE, "gap", arrived=2)
    g.hold(until=0)
    assert spelled(list(g.heard(now=3))) == [("gap", (2, 0), (2, 1), (3, 2)), ("moment", 4, [0, 1, 2])]
    assert (g.duplicates, g.backfilled) == (2, 3)


def test_a_history_completes_the_moment_that_waits_and_corrects_the_one_that_closed_without():
    g = gather()
    g.take(rows((1, 0)), arrived=0)
    g.heard(now=2 * SECOND)
    g.take(rows((2, 0)), arrived=3 * SECOND)
    g.fill(rows((1, 1), (2, 1), (2, 2)), OPEN + 3 * MINUTE, "gap", arrived=3 * SECOND)
    assert spelled(list(g.heard(now=3 * SECOND))) == [("backfilled", 1, [1]), ("moment", 2, [0, 1, 2])]


def test_a_row_of_a_history_that_is_fresh_is_decided_on():
    g = gather()
    g.fill(rows((1, 0), (2, 0), (2, 1), (2, 2)), OPEN + 2 * MINUTE, "gap", arrived=0)
    assert spelled(list(g.heard(now=0))) == [("gap", (1, 0)), ("moment", 2, [0, 1, 2])]


def test_no_moment_waits_for_a_history_for_ever():
    g = gather()
    g.hold(until=9 * SECOND)
    g.take(rows((4, 0), (4, 1), (4, 2)), arrived=0)
    assert g.deadline() == 9 * SECOND
    assert spelled(list(g.heard(now=9 * SECOND))) == [("moment", 4, [0, 1, 2])]
    g.fill(rows((3, 0)), OPEN + 9 * MINUTE, "gap", arrived=9 * SECOND)
    assert spelled(list(g.heard(now=9 * SECOND))) == [("backfilled", 3, [0])]


one_row = st.tuples(st.integers(1, 6), st.integers(0, SYMBOLS - 1), st.sampled_from([100.0, 101.0]))
event = st.one_of(
    st.tuples(st.just("take"), st.lists(one_row, min_size=1, max_size=6)),
    st.tuples(st.just("fill"), st.lists(one_row, max_size=8), st.integers(0, 8)),
    st.tuples(st.just("wait"), st.integers(0, 3)),
    st.tuples(st.just("hold"), st.integers(0, 4)),
)


@given(events=st.lists(event, max_size=25), patience=st.sampled_from([0.0, 1.0, 2.0]))
@settings(deadline=None, max_examples=300)
def test_whatever_comes_moments_go_forward_and_every_row_is_told_exactly_once(events: list[Any], patience: float):
    g, now, given_rows, heard = gather(patience), 0, [], []
    for kind, *what in events:
        if kind == "take":
            g.take(rows(*what[0]), now)
            given_rows.append(rows(*what[0]))
        elif kind == "fill":
            sorted_rows = rows(*sorted({one[:2]: one for one in what[0]}.values()))
            g.fill(sorted_rows, OPEN + what[1] * MINUTE, "gap", now)
            given_rows.append(sorted_rows)
        elif kind == "wait":
            now += what[0] * SECOND
        else:
            g.hold(now + what[0] * SECOND)
        heard += g.heard(now)
    heard += g.heard(now + 10 * SECOND)
    told = [one.ts for one in heard if isinstance(one, Moment)]
    assert told == sorted(set(told))
    steps = [ts for h in heard if not isinstance(h, Correction) for ts in (np.unique(h.rows["ts"]).tolist())]
    assert steps == sorted(set(steps))  # past and moments together: time never goes back
    out = [one.row if isinstance(one, Correction) else one.rows for one in heard]
    offered = sorted(raw(r[k : k + 1]) for r in given_rows for k in range(len(r)))
    said = sorted(raw(r[k : k + 1]) for r in out for k in range(len(r)))
    assert len(said) + g.duplicates == len(offered)
    remaining = list(offered)
    for row in said:
        remaining.remove(row)  # nothing is told that was not given, nor more often
    assert all(row in said for row in remaining)  # a duplicate is of something told
    for one in heard:
        if isinstance(one, Moment):
            assert one.rows["symbol"].tolist() == sorted(set(one.rows["symbol"].tolist()))
            assert set(one.rows["ts"].tolist()) == {one.ts}
