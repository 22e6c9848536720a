"""Reading frames: however messages are cut into frames the market is the same, and nothing makes the reader raise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from feed_rows import MINUTE, OPEN
from hypothesis import given, settings
from hypothesis import strategies as st

from live.feeds.alpaca_messages import Reader
from live.feeds.history import BARS
from live.feeds.protocol import Incident, market
from live.words import raw

NAMES = ("AAPL", "MSFT")
NOW = OPEN + 10 * MINUTE


def reader() -> Reader:
    return Reader(NAMES, BARS, MINUTE, market(len(NAMES)))


price = st.sampled_from([0.0, -1.0, 99.0, 100.0, 101.5, float("nan"), float("inf")])
stamp = st.integers(0, 12).map(lambda minute: OPEN + minute * MINUTE)
name = st.sampled_from([*NAMES, "TSLA"])
quote = st.fixed_dictionaries({"T": st.just("q"), "S": name, "bp": price, "ap": price, "t": stamp})
trade = st.fixed_dictionaries({"T": st.just("t"), "S": name, "p": price, "t": stamp})
bar = st.fixed_dictionaries(
    {"T": st.sampled_from("bu"), "S": name, "t": stamp, "v": st.just(5), **dict.fromkeys("ohlc", price)}
)
junk = st.dictionaries(
    st.sampled_from([*"TSopchlvt", "bp", "ap", "sc", "u", "d", "op", "cp"]),
    st.one_of(
        st.none(), st.text(max_size=3), st.integers(), st.floats(), st.sampled_from(["t", "q", "b", "s", "c", "x"])
    ),
    max_size=8,
)


def known(one: Reader) -> bytes:
    return b"".join(column.tobytes() for column in one.market)


@given(messages=st.lists(st.one_of(quote, trade), max_size=20), cut=st.integers(0, 20))
@settings(deadline=None)
def test_the_market_does_not_depend_on_how_messages_are_cut_into_frames(messages: list[Any], cut: int) -> None:
    whole, parts = reader(), reader()
    whole.read(messages, NOW, 0)
    parts.read(messages[:cut], NOW, 0)
    parts.read(messages[cut:], NOW, 0)
    assert known(whole) == known(parts)
    assert whole.refused == parts.refused


@pytest.mark.parametrize("kind", ["q", "t"])
def test_a_message_that_comes_after_a_newer_one_of_its_symbol_says_nothing_in_one_frame_either(kind: str) -> None:
    one = reader()
    prices = [(100.0, OPEN + 2 * MINUTE), (99.0, OPEN + MINUTE), (101.5, OPEN + 2 * MINUTE), (99.0, OPEN)]
    one.read([{"T": kind, "S": "MSFT", "bp": p, "ap": p, "p": p, "t": t} for p, t in prices], NOW, 0)
    assert (one.market.trade if kind == "t" else one.market.bid)[1] == 101.5


@given(messages=st.lists(bar, max_size=12), cut=st.integers(0, 12))
@settings(deadline=None)
def test_each_bar_is_let_in_or_refused_alike_in_one_frame_or_in_several(messages: list[Any], cut: int) -> None:
    whole, parts = reader(), reader()
    rows = whole.read(messages, NOW, 0).rows
    first, second = parts.read(messages[:cut], NOW, 0).rows, parts.read(messages[cut:], NOW, 0).rows
    if not any(m["T"] == "u" for m in messages):
        assert raw(rows) == raw(np.concatenate([first, second]))
    assert len(rows) + whole.refused == len(messages) == len(first) + len(second) + parts.refused
    assert np.isfinite(rows["close"]).all()
    assert (rows["high"] >= rows["low"]).all()
    assert (rows["ts"] <= NOW + MINUTE).all()


@given(messages=st.lists(junk, max_size=10))
@settings(deadline=None, max_examples=200)
def test_no_message_makes_the_reader_raise(messages: list[Any]) -> None:
    one = reader()
    said = one.read(messages, NOW, 0)
    assert one.messages == len(messages)
    assert all(isinstance(incident, Incident) for incident in said.incidents)


def test_an_older_quote_or_trade_changes_nothing() -> None:
    one = reader()
    one.read(
        [{"T": "q", "S": "AAPL", "bp": 1.0, "ap": 2.0, "t": NOW}, {"T": "t", "S": "AAPL", "p": 1.5, "t": NOW}], NOW, 0
    )
    one.read([{"T": "q", "S": "AAPL", "bp": 3.0, "ap": 4.0, "t": NOW - 1}], NOW, 0)
    one.read([{"T": "t", "S": "AAPL", "p": 3.5, "t": NOW - 1}], NOW, 0)
    assert (one.market.bid[0], one.market.ask[0], one.market.trade[0], one.market.at[0]) == (1.0, 2.0, 1.5, NOW)


def test_a_side_without_a_quote_is_unknown() -> None:
    one = reader()
    one.read([{"T": "q", "S": "AAPL", "bp": 0, "ap": 2.0, "t": NOW}], NOW, 0)
    assert np.isnan(one.market.bid[0])
    assert one.market.ask[0] == 2.0
    assert one.refused == 0


def test_a_trade_corrected_or_cancelled_is_no_longer_the_last_price() -> None:
    one = reader()
    one.read([{"T": "t", "S": "AAPL", "p": 100.0, "t": NOW}], NOW, 0)
    said = one.read([{"T": "c", "S": "AAPL", "op": 100.0, "cp": 99.5}], NOW, 0).incidents
    assert (one.market.trade[0], said[0].text) == (99.5, "a trade of AAPL at 100 was at 99.5")
    one.read([{"T": "x", "S": "AAPL", "p": 42.0}], NOW, 0)
    assert one.market.trade[0] == 99.5  # it was another trade
    one.read([{"T": "x", "S": "AAPL", "p": 99.5}], NOW, 0)
    assert np.isnan(one.market.trade[0])


@pytest.mark.parametrize(("code", "halted"), [("H", True), ("P", True), ("2", True), ("Q", False), ("T", False)])
def test_statuses_of_both_tapes_halt(code: str, halted: bool) -> None:
    one = reader()
    one.read([{"T": "s", "S": "MSFT", "sc": code}], NOW, 0)
    assert one.market.halted.tolist() == [False, halted]


def test_the_same_trouble_is_told_once_a_minute_with_its_count() -> None:
    one = reader()
    crossed = {"T": "q", "S": "AAPL", "bp": 2.0, "ap": 1.0, "t": NOW}
    texts = [i.text for tick in (0, 1, 2, 60) for i in one.read([crossed], NOW, tick * 10**9).incidents]
    assert texts == ["quote of AAPL is crossed", "quote of AAPL is crossed (and 2 more like it since)"]
    assert one.refused == 4
