"""The feed against the loopback service: in lockstep it hears the tape bit for bit, and faults lose it no row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from feed_rows import OPEN

from live.feeds.alpaca import AlpacaFeed
from live.feeds.alpaca_stream import Waits
from live.feeds.calendar import Calendar, new_york
from live.feeds.protocol import Correction, Heard, Incident, Moment, Past
from live.feeds.settings import FeedSettings
from live.sim.plan import Fault
from live.sim.server import Loopback
from live.tape import Tape
from live.words import raw
from quantlib.table import Table, bars

MINUTE = 60_000_000_000
STOCKS, MIXED = ("AAPL", "MSFT", "SPY"), ("AAPL", "MSFT", "BTC/USD")
REAL = Path(__file__).parents[3].parent / "shared/data/klines_1m/equity/us_24tickers_20190211-15.parquet"
QUICK = Waits(answer=3.0, stale=0.4, first=0.01, longest=0.05, same=0.01)


def tape(symbols: tuple[str, ...] = STOCKS, rows: int = 30, seed: int = 3) -> Table:
    """Minutes of a session, every tenth bar missing, prices with all the digits of floats."""
    rng = np.random.default_rng(seed)
    count = rows * len(symbols)
    close = 100 * np.exp(rng.normal(0, 1e-2, count))
    first = close * np.exp(rng.normal(0, 1e-3, count))
    ts = OPEN + np.repeat(np.arange(1, rows + 1), len(symbols)) * MINUTE
    columns = {
        "ts": ts, "symbol": np.tile(symbols, rows), "open": first, "high": np.maximum(first, close) * 1.001,
        "low": np.minimum(first, close) * 0.999, "close": close, "volume": rng.integers(1, 9999, count).astype(float),
    }  # fmt: skip
    return bars(pl.DataFrame(columns).filter(pl.Series(rng.random(count) < 0.9)), symbols=symbols)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return new_york(OPEN)


@contextmanager
def replaying(table: Table, calendar: Calendar, faults: tuple[Fault, ...] = (), **named: Any) -> Iterator[Any]:
    """A loopback service and a feed that has begun on it."""
    layout = Tape(table).records.dtype
    with Loopback(table, faults=faults, seed=7, begin=named.pop("start", None)) as loopback:
        settings = FeedSettings(**({"layout": layout, "patience": 0.0, "waits": QUICK, "quotes": False} | named))
        feed = AlpacaFeed(loopback.keys, table.symbols, settings, calendar=calendar, clock=lambda: loopback.market.now)
        try:
            feed.begin(None)
            yield loopback, feed
        finally:
            feed.close()


def moment_of(feed: AlpacaFeed) -> Moment:
    """The next moment; what else is heard must not be trouble."""
    while True:
        heard = feed.next(5.0)
        assert heard is not None
        if isinstance(heard, Moment):
            return heard
        assert isinstance(heard, Incident)
        assert heard.kind == "connected", heard


@pytest.mark.parametrize("symbols", [STOCKS, ("BTC/USD", "ETH/USD")])
def test_in_lockstep_every_moment_is_the_tape_s_bit_for_bit(symbols: tuple[str, ...], calendar: Calendar) -> None:
    table = tape(symbols, 40)
    recorded = Tape(table)
    with replaying(table, calendar) as (loopback, feed):
        for step in range(recorded.steps):
            loopback.match()
            loopback.publish()
            moment = moment_of(feed)
            assert moment.ts == recorded.ts(step)
            assert raw(moment.rows) == raw(recorded.rows(step))
        assert feed.health().rows == table.rows


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not here")
def test_in_lockstep_a_recorded_morning_is_heard_bit_for_bit() -> None:
    known = (pl.col("open_time") + pl.duration(minutes=1)).alias("ts")
    frame = pl.read_parquet(REAL).sort("open_time", "symbol")
    columns = frame.select(known, "symbol", "open", "high", "low", "close", "volume").head(24 * 60)
    table = bars(columns, symbols=columns["symbol"].unique().sort().to_list())
    recorded = Tape(table)
    with replaying(table, new_york(recorded.ts(0))) as (loopback, feed):
        for step in range(recorded.steps):
            loopback.match()
            loopback.publish()
            assert raw(moment_of(feed).rows) == raw(recorded.rows(step))


def test_the_past_before_the_first_moment_is_heard_as_warm_up(calendar: Calendar) -> None:
    table = tape(rows=30)
    recorded = Tape(table)
    with replaying(table, calendar, start=recorded.ts(20), horizon=8) as (loopback, feed):
        heard = feed.next(5.0)
        while not isinstance(heard, Past):
            heard = feed.next(5.0)
        assert heard.why == "warm-up"
        before = np.concatenate([recorded.rows(k) for k in range(20)])
        for code in range(3):
            kept = heard.rows[heard.rows["symbol"] == code]
            assert raw(kept) == raw(before[before["symbol"] == code][-8:])
        loopback.match()
        loopback.publish()
        assert moment_of(feed).ts == recorded.ts(20)


def pumped(feed: AlpacaFeed, ts: int, seconds: float) -> list[Heard]:
    """All that is heard until a row of `ts` is, for so long at most."""
    heard: list[Heard] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        one = feed.next(0.02)
        if one is not None:
            heard.append(one)
            if not isinstance(one, Incident) and ts in rows_of(one)["ts"]:
                return heard
    return heard


def rows_of(heard: Moment | Past | Correction) -> Any:
    return heard.row if isinstance(heard, Correction) else heard.rows


FAULTS = {
    "reset": (Fault("reset", "stocks/b/*", nth=20),),
    "resets": (Fault("reset", "stocks/b/*", rate=0.05),),
    "closed": (Fault("close", "stocks/b/*", nth=9, code=1011), Fault("close", "stocks/b/*", nth=30, code=1000)),
    "duplicates": (Fault("duplicate", "stocks/b/*", rate=0.3),),
    "late": (Fault("delay", "stocks/b/*", rate=0.2, by=4),),
    "later": (Fault("delay", "stocks/b/*", nth=10, times=8, seconds=90.0),),
    "mute": (Fault("mute", "stocks/b/*", nth=25),),
    "revised": (Fault("revise", "stocks/b/*", rate=0.3, seconds=30.0),),
    "counted": (Fault("reset", "stocks/b/*", nth=12),
                Fault("error", "stocks/authenticated/*", nth=2, times=3, code=406)),
    "history": (Fault("reset", "stocks/b/*", nth=12), Fault("answer", "GET /v2/stocks/*", code=500),
                Fault("reset", "stocks/b/*", nth=25)),
}  # fmt: skip
QUICK_ONES = ("reset", "mute")


@pytest.mark.parametrize("symbols", [STOCKS, MIXED], ids=["stocks", "mixed"])
@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK_ONES else pytest.mark.slow) for n in FAULTS])
def test_whatever_goes_wrong_every_row_of_the_tape_is_heard(
    name: str, symbols: tuple[str, ...], calendar: Calendar
) -> None:
    table = tape(symbols, 24)
    recorded = Tape(table)
    heard: list[Heard] = []
    with replaying(table, calendar, FAULTS[name], patience=0.05, again=0.1) as (loopback, feed):
        for step in range(recorded.steps):
            loopback.match()
            loopback.publish()
            heard += pumped(feed, recorded.ts(step), 0.1)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and missing(recorded, heard):
            heard += pumped(feed, 0, 0.1)
        assert {struck.kind for struck in loopback.faults.plan.log} == {fault.kind for fault in FAULTS[name]}
    assert not missing(recorded, heard)
    told = [one.ts for one in heard if isinstance(one, Moment)]
    assert told == sorted(set(told))
    times = [t for h in heard if isinstance(h, Moment | Past) for t in np.unique(h.rows["ts"]).tolist()]
    assert times == sorted(set(times))


def missing(recorded: Tape, heard: list[Heard]) -> set[bytes]:
    """Rows of the tape that were not heard."""
    parts = [rows_of(one) for one in heard if not isinstance(one, Incident)]
    said = {raw(part[k : k + 1]) for part in parts for k in range(len(part))}
    return {raw(recorded.records[k : k + 1]) for k in range(len(recorded.records))} - said
