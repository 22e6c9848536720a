"""The compiled exchange fills what the slow reference fills: on made-up gaps, on real bars, and on the peers' work."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import Reference

import backtest
from backtest import Costs
from quantlib import bars
from quantlib.desk.policy import Exits, Limits, Policy, fixed_lots
from quantlib.strategy import Strategy

SHARED = Path(__file__).parents[2].parent / "shared"
MINUTE = 60_000_000_000


def agree(columns, policy, costs, cash=1e6):
    """Run both; the fills and the final equity are the same."""
    table = bars(columns)
    result = backtest.run(Strategy((), policy), table, cash=cash, costs=costs)
    fills, equity = Reference(policy, costs, cash).run(table.columns)
    row = {int(ts): i for i, ts in enumerate(table.columns["ts"])}
    ours = [(row[f["ts"]], "buy" if f["side"] > 0 else "sell", f["lots"], f["price"]) for f in result.raw_fills]
    for i, (a, b) in enumerate(zip(ours, fills, strict=False)):
        assert a == b, f"fill {i}"
    assert len(ours) == len(fills)
    assert result.curve[-1] == pytest.approx(equity, rel=1e-12, abs=1e-6)
    return result


def tape(seed, rows, jumps, night, timed, missing):
    """One symbol's bars with gaps at the open, nights, and scores that come and go."""
    rng = np.random.default_rng(seed)
    move, gap = rng.normal(0, 0.004, rows), rng.normal(0, 0.01, rows) * (rng.random(rows) < jumps)
    close, first = np.empty(rows), np.empty(rows)
    last = rng.uniform(20, 200)
    for i in range(rows):
        first[i] = max(round(last * np.exp(gap[i]), 2), 0.01)
        close[i] = last = max(round(first[i] * np.exp(move[i]), 2), 0.01)
    high = np.round(np.maximum(first, close) + np.abs(rng.normal(0, 0.003, rows)) * close, 2)
    low = np.maximum(np.round(np.minimum(first, close) - np.abs(rng.normal(0, 0.003, rows)) * close, 2), 0.01)
    steps = np.where(rng.random(rows) < night, 700 * MINUTE, MINUTE)
    columns = {
        "ts": 1_700_000_040_000_000_000 + np.cumsum(steps), "open": first, "high": high, "low": low, "close": close,
        "volume": np.floor(rng.exponential(300.0, rows)),
        "score": np.clip(np.repeat(rng.normal(0, 0.8, rows // 2 + 1), 2)[:rows], -1, 1),
    }  # fmt: skip
    if timed:
        columns["ts_event"] = columns["ts"] - rng.choice([MINUTE, MINUTE // 2], rows)
    columns["close"][rng.random(rows) < missing] = np.nan
    columns["score"][rng.random(rows) < missing] = np.nan
    return columns


POLICIES = st.builds(
    Policy, enter=st.sampled_from([0.3, 0.6]), leave=st.sampled_from([0.0, -np.inf, -0.5]), short=st.booleans(),
    limit_ticks=st.sampled_from([0, 0, 2, 30]), gtc=st.booleans(),
    sizing=st.sampled_from([1, 40, 300]).map(fixed_lots),
    exits=st.builds(
        Exits, stop=st.sampled_from([0.0, 0.002, 0.01]), target=st.sampled_from([0.0, 0.003, 0.02]),
        stop_distances=st.just(0.0), target_distances=st.just(0.0), max_rows=st.sampled_from([0, 0, 4]),
        anchored=st.booleans(),
    ),
    gates=st.just(Policy().gates), limits=st.just(Limits.off()),
)  # fmt: skip
COSTS = st.builds(
    Costs, per_share=st.sampled_from([0.0, 0.005]), per_order=st.sampled_from([0.0, 1.0]),
    minimum=st.sampled_from([0.0, 0.5]), rate=st.sampled_from([0.0, 1e-4]), spread=st.sampled_from([0.0, 1e-3]),
    range_share=st.sampled_from([0.0, 0.1]), borrow=st.just(0.0), participation=st.sampled_from([0.0, 0.0, 0.1]),
    latency=st.sampled_from([0, 0, 1, 90_000_000_000]), latency_bars=st.sampled_from([0, 0, 1, 2]),
    through_ticks=st.sampled_from([0, 0, 1, 3]),
)  # fmt: skip
TAPES = st.builds(
    tape, st.integers(0, 2**32 - 1), st.integers(2, 150), st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0.0, 0.1]), st.booleans(), st.sampled_from([0.0, 0.05]),
)  # fmt: skip


@given(columns=TAPES, policy=POLICIES, costs=COSTS)
def test_on_any_tape_the_exchange_fills_what_the_reference_fills(columns, policy, costs):
    agree(columns, policy, costs)


def real(name, symbol=None, rows=20_000):
    path = SHARED / "data" / "klines_1m" / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    frame = pl.read_parquet(path)
    if symbol is not None:
        frame = frame.filter(pl.col("symbol") == symbol)
    return frame.head(rows)


REAL = [
    Policy(0.5, 0.0, short=True, sizing=fixed_lots(3), limits=Limits.off(), exits=Exits(stop=0.004, target=0.006)),
    Policy(0.5, -np.inf, limit_ticks=20, sizing=fixed_lots(50), limits=Limits.off(), exits=Exits(0.003, 0.009)),
]


@pytest.mark.parametrize("policy", REAL, ids=["market", "limit"])
@pytest.mark.parametrize(
    "name", ["crypto/binance_spot_BTCUSDT.parquet", "equity/us_SPY_2022-2024.parquet"], ids=["crypto", "equity"]
)
def test_on_real_bars_the_exchange_fills_what_the_reference_fills(name, policy):
    frame = real(name)
    time = next(n for n in ("ts", "timestamp", "open_time", "time") if n in frame.columns)
    close = frame["close"].to_numpy()
    drift = np.convolve(close, np.ones(30) / 30)[: len(close)]
    score = np.where(np.arange(len(close)) < 30, np.nan, np.clip((close / drift - 1) * 500, -1, 1))
    columns = {"ts": frame[time].cast(pl.Datetime("ns")).to_physical().to_numpy()}
    columns |= {n: frame[n].cast(pl.Float64).to_numpy() for n in ("open", "high", "low", "close", "volume")}
    for costs in (Costs(rate=1e-4, spread=1e-4), Costs(latency=MINUTE // 2, per_share=0.005, minimum=1.0)):
        assert len(agree(columns | {"score": score}, policy, costs, cash=1e7).raw_fills) > 100


def peers():
    """The peers' own reference, and their gapless bars."""
    pytest.importorskip("pandas")
    if not (SHARED / "peers" / "peer_common.py").exists():
        pytest.skip(f"{SHARED / 'peers'} is not there")
    sys.path.insert(0, str(SHARED / "peers"))
    try:
        return pytest.importorskip("peer_common")
    finally:
        sys.path.pop(0)


def gapless(rows, seed):
    """As the peers' generator makes them: each open is the close before, to the cent."""
    rng = np.random.default_rng(seed)
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 8e-4, rows))), 2)
    first = np.append(500.0, close[:-1])
    up, down = np.abs(rng.normal(0, 4e-4, (2, rows)))
    high, low = np.maximum(first, close) * (1 + up), np.minimum(first, close) * (1 - down)
    ts = np.arange(1, rows + 1) * MINUTE
    return {"ts": ts, "open": first, "high": np.round(high, 2), "low": np.round(low, 2), "close": close}


def crossing(peer, close):
    """Where the fast mean is above the slow one, exactly in ticks."""
    fast, slow = (peer.sma(close, n) for n in (peer.FAST, peer.SLOW))
    above = np.round(fast * peer.FAST * peer.SLOW) > np.round(slow * peer.SLOW * peer.FAST)
    above[: peer.SLOW - 1] = False
    return above


@pytest.mark.parametrize("seed", range(3))
def test_the_peers_workload_a_ends_on_their_cent(seed):
    peer, columns = peers(), gapless(20_000, seed)
    columns["score"] = np.where(crossing(peer, columns["close"]), 1.0, -1.0)
    policy = Policy(0.5, -0.5, sizing=fixed_lots(peer.SIZE), limits=Limits.off())
    result = backtest.run(Strategy((), policy), columns, cash=peer.CASH, costs=Costs(rate=peer.FEE))
    assert (len(result.raw_fills), round(result.curve[-1], 2)) == peer.ref_A(columns["open"], columns["close"])


@pytest.mark.parametrize("seed", range(3))
def test_the_peers_workload_b_ends_on_their_cent(seed):
    peer, columns = peers(), gapless(20_000, seed)
    above = crossing(peer, columns["close"])
    crossed = above & ~np.append(False, above[:-1])
    crossed[: peer.SLOW] = False
    columns["score"] = np.where(crossed, 1.0, 0.0)
    exits = Exits(stop=peer.SL, target=peer.TP)
    policy = Policy(0.5, -np.inf, sizing=fixed_lots(peer.SIZE), limits=Limits.off(), exits=exits)
    result = backtest.run(Strategy((), policy), columns, cash=peer.CASH, costs=Costs(rate=peer.FEE))
    fills, equity, _, _ = peer.ref_B(*(columns[n] for n in ("open", "high", "low", "close")))
    assert (len(result.raw_fills), round(result.curve[-1], 2)) == (fills, equity)
