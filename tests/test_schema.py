"""What the rows of each clock are, and which rows are refused."""

import numpy as np
import pytest

from quantlib import rules
from quantlib.core import CLOCKS
from quantlib.schema import BAR, SYNONYMS, book, levels_of, moment, plain, schema_of, synonym

GOOD = {
    "bar": {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 5.0},
    "trade": {"price": 10.0, "size": 2.0, "side": -1.0},
    "quote": {"bid": 10.0, "ask": 11.0, "bid_size": 1.0, "ask_size": 0.0},
    "book": {
        **{"bid_0": 10.0, "ask_0": 11.0, "bid_size_0": 1.0, "ask_size_0": 1.0},
        **{"bid_1": 9.0, "ask_1": 12.0, "bid_size_1": 1.0, "ask_size_1": 1.0},
    },
    "chain": {"strike": 100.0, "right": 1.0, "bid": 0.0, "ask": 1.5, "bid_size": 0.0, "ask_size": 3.0},
}
BAD = [
    ("bar", {"open": 0.0}, "open"),
    ("bar", {"low": -1.0}, "low"),
    ("bar", {"close": np.inf}, "close"),
    ("bar", {"high": np.inf}, "high"),
    ("bar", {"high": 8.0}, "high"),
    ("bar", {"high": 10.5}, "high"),
    ("bar", {"low": 10.5}, "low"),
    ("bar", {"volume": -1.0}, "volume"),
    ("bar", {"volume": np.inf}, "volume"),
    ("bar", {"open": np.nan, "high": 8.0}, "high"),
    ("trade", {"price": 0.0}, "price"),
    ("trade", {"size": -2.0}, "size"),
    ("trade", {"side": 0.0}, "side"),
    ("quote", {"bid": 0.0}, "bid"),
    ("quote", {"ask": -1.0}, "ask"),
    ("quote", {"bid_size": -1.0}, "bid_size"),
    ("quote", {"ask_size": np.inf}, "ask_size"),
    ("book", {"bid_1": 10.0}, "bid_1"),
    ("book", {"ask_1": 10.5}, "ask_1"),
    ("book", {"ask_size_1": -1.0}, "ask_size_1"),
    ("book", {"bid_0": -1.0}, "bid_0"),
    ("chain", {"strike": 0.0}, "strike"),
    ("chain", {"right": 2.0}, "right"),
    ("chain", {"bid": -0.5}, "bid"),
    ("chain", {"ask_size": -0.5}, "ask_size"),
]


def columns(clock, changes=None, rows=3, changed=1):
    """Good rows of a clock, with one of them changed."""
    made = {name: np.full(rows, value) for name, value in GOOD[clock].items()}
    for name, value in (changes or {}).items():
        made[name][changed] = value
    head = {"ts": np.arange(rows, dtype=np.int64), "symbol": np.zeros(rows, np.int32)}
    return head | made | ({"expiry": np.full(rows, 99, np.int64)} if clock == "chain" else {})


@pytest.mark.parametrize("clock", CLOCKS)
def test_good_rows_break_no_rule(clock):
    assert rules.broken(schema_of(clock, 2), columns(clock), rules.unseen(1)).row == -1


@pytest.mark.parametrize("clock", CLOCKS)
def test_missing_values_break_no_rule(clock):
    nothing = dict.fromkeys(GOOD[clock], np.nan)
    assert rules.broken(schema_of(clock, 2), columns(clock, nothing), rules.unseen(1)).row == -1


@pytest.mark.parametrize(("clock", "changes", "column"), BAD)
def test_a_bad_value_is_found_where_it_is(clock, changes, column):
    found = rules.broken(schema_of(clock, 2), columns(clock, changes), rules.unseen(1))
    assert (found.row, found.rule.column) == (1, column)
    assert found.rule.reason


def test_the_first_of_several_bad_rows_is_found():
    rows = columns("book", {"ask_size_1": -1.0}, changed=2) | {"bid_0": np.array([10.0, -1.0, 10.0])}
    assert rules.broken(book(2), rows, rules.unseen(1)).row == 1


def test_crossed_quotes_are_let_in_and_counted():
    found = rules.broken(schema_of("quote"), columns("quote", {"bid": 11.5}), rules.unseen(1))
    assert (found.row, found.crossed) == (-1, 1)


def test_locked_quotes_are_not_crossed():
    assert rules.broken(schema_of("quote"), columns("quote", {"bid": 11.0}), rules.unseen(1)).crossed == 0


def test_rows_checked_in_pieces_are_checked_as_one():
    rows, seen = columns("bar", rows=4), rules.unseen(1)
    rows["ts"] = np.array([1, 2, 2, 3])
    whole = rules.broken(BAR, rows, rules.unseen(1))
    first = rules.broken(BAR, {n: c[:2] for n, c in rows.items()}, seen)
    second = rules.broken(BAR, {n: c[2:] for n, c in rows.items()}, seen)
    assert (whole.row, first.row, second.row) == (2, -1, 0)
    assert whole.rule == second.rule


def test_bars_of_two_symbols_may_share_a_moment_but_not_of_one():
    rows = columns("bar") | {"ts": np.array([1, 1, 1]), "symbol": np.array([0, 1, 0], np.int32)}
    assert rules.broken(BAR, rows, rules.unseen(2)).row == 2


def test_trades_of_one_symbol_may_share_a_moment():
    rows = columns("trade") | {"ts": np.array([1, 1, 1])}
    assert rules.broken(schema_of("trade"), rows, rules.unseen(1)).row == -1


def test_an_event_cannot_come_after_we_knew_of_it():
    rows = columns("bar") | {"ts_event": np.array([0, 1, 3])}
    assert rules.broken(BAR, rows, rules.unseen(1)).row == 2


def test_a_book_has_four_columns_a_level():
    assert len(book(5).market) == 20
    assert levels_of(book(5).names) == 5
    with pytest.raises(ValueError, match="at least 1"):
        book(0)


def test_an_unknown_clock_is_named():
    with pytest.raises(ValueError, match="no clock 'tick'"):
        schema_of("tick")


def test_synonyms_are_spelled_as_they_are_compared():
    for name, words in SYNONYMS.items():
        assert all(word == plain(word) for word in words), name


@pytest.mark.parametrize(
    ("name", "there"), [("ts", "Timestamp"), ("close", "Close"), ("symbol", "ticker"), ("bid_size", "Best Bid Qty")]
)
def test_a_column_is_recognised_by_its_other_names(name, there):
    assert synonym(name, ["x", there]) == there


def test_a_moment_shows_as_much_of_its_second_as_there_is():
    assert moment(1_704_205_860_000_000_000) == "2024-01-02T14:31:00Z"
    assert moment(1_704_205_860_000_000_001) == "2024-01-02T14:31:00.000000001Z"
    assert moment(0) == "1970-01-01T00:00:00Z"
