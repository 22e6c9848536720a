"""Rows of one clock join those of any other, as they come as well as all at once."""

import numpy as np
import polars as pl
import pytest

import quantlib
from quantlib.own import feature
from quantlib.schema import TableError
from quantlib.stream import Stream


@feature(clock="trade", memory={"last": np.nan}, warmup=1, horizon=1)
def effective(m, price, middle):
    before, m.last = m.last, price
    return abs(price - middle) + 0.0 * before


@feature(clock="quote")
def middle(bid, ask):
    return 0.5 * (bid + ask)


@feature(clock="book", memory={"sold": np.nan}, warmup=1, horizon=1)
def eaten(m, bid_size_0, price):
    before, m.sold = m.sold, price
    return bid_size_0 * (price - before)


@pytest.mark.parametrize("seed", range(5))
def test_any_clock_may_join_any_other_and_single_rows_agree_with_all_at_once(seed):
    rng = np.random.default_rng(seed)
    ts = {clock: np.sort(rng.integers(0, 60, 40)) for clock in ("quote", "trade", "book")}
    rows = {
        "quote": {
            "bid": rng.random(40) + 1.0,
            "ask": rng.random(40) + 2.0,
            "bid_size": np.ones(40),
            "ask_size": np.ones(40),
        },
        "trade": {"price": rng.random(40) + 1.5, "size": np.ones(40), "side": np.ones(40)},
        "book": {
            "bid_0": np.ones(40),
            "ask_0": np.full(40, 2.0),
            "bid_size_0": rng.random(40),
            "ask_size_0": np.ones(40),
        },
    }
    frames = {clock: pl.DataFrame({"ts": ts[clock]} | columns) for clock, columns in rows.items()}
    mids = quantlib.compute([middle()], frames["quote"])
    costs = quantlib.compute([effective()], quantlib.held(frames["trade"], mids, ["middle"], clocks=("trade", "quote")))
    books = quantlib.held(frames["book"], frames["trade"], ["price"], clocks=("book", "trade"))
    wanted = {"trade": costs, "book": quantlib.compute([eaten()], books)}

    hold = {("quote", "trade"): ["middle"], ("trade", "book"): ["price"]}
    features = [middle(), effective(), eaten()]
    stream = Stream(features, ["X"], hold)
    order = sorted(
        (int(t), rank, k) for rank, clock in enumerate(("book", "quote", "trade")) for k, t in enumerate(ts[clock])
    )
    for count, (_, rank, k) in enumerate(order):
        clock = ("book", "quote", "trade")[rank]
        seen = stream.push(frames[clock].row(k, named=True), clock)
        for name in {"trade": ["middle", "effective"], "book": ["price", "eaten"]}.get(clock, []):
            assert repr(seen[name]) == repr(wanted[clock][name][k])
        if count == len(order) // 2:
            stream = Stream.restore(features, stream.snapshot())


def test_a_clock_is_not_held_for_itself():
    with pytest.raises(TableError, match="one clock to another"):
        Stream([effective()], ["X"], hold={("trade", "trade"): ["price"]})
