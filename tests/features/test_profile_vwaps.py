"""Volume-weighted average prices, against sums in plain numpy."""

import numpy as np
import pytest
from flow_rows import SECOND, outputs, real_trades, trades

from quantlib.core import run, start
from quantlib.features.profile.vwaps import anchored_vwap, multi_vwap, rolling_vwap, session_vwap
from quantlib.features.volume.zscore_vwap import zscore_vwap


def averaged(price, size):
    if size.sum() == 0.0:
        return price[-1], 0.0
    middle = np.average(price, weights=size)
    return middle, np.sqrt(np.average((price - middle) ** 2, weights=size))


def compared(got, name, t, price, size, width=2.0):
    middle, wide = averaged(price, size)
    assert got[name][t] == pytest.approx(middle, rel=1e-13)
    assert got[f"{name}_deviation"][t] == pytest.approx(wide, rel=1e-6, abs=1e-9)
    assert got[f"{name}_upper"][t] == pytest.approx(middle + width * wide, rel=1e-12)
    assert got[f"{name}_lower"][t] == pytest.approx(middle - width * wide, rel=1e-12)


def test_three_spans_of_one_price():
    rows = trades(1500, seed=1)
    anchor = int(rows["ts"][700])
    got = outputs_of(multi_vwap(60, anchor, length=100.0, offset=30.0), rows)
    session = (rows["ts"] - 30 * SECOND) // (100 * SECOND)
    since = rows["ts"] >= anchor
    price, size = rows["price"], rows["size"]
    for t in range(59, 1500, 9):
        so_far = np.arange(1500) <= t
        inside = so_far & (session == session[t])
        compared(got, "vwap_session", t, price[inside], size[inside])
        inside = so_far & (since == since[t])
        compared(got, "vwap_anchored", t, price[inside], size[inside])
        compared(got, "vwap_rolling", t, price[t - 59 : t + 1], size[t - 59 : t + 1])


def outputs_of(features, rows):
    _, written = run(features, start(features, ["X"]), rows)
    return written


def test_before_anything_trades_the_average_is_the_price():
    rows = {"ts": np.arange(3), "price": np.array([5.0, 6.0, 8.0]), "size": np.array([0.0, 0.0, 2.0])}
    for feature in (session_vwap(), anchored_vwap(), rolling_vwap(1)):
        got = outputs(feature, rows)
        assert got[feature.outputs[0]].tolist() == [5.0, 6.0, 8.0]
        assert got[f"{feature.outputs[0]}_deviation"].tolist() == [0.0, 0.0, 0.0]


def test_the_deviation_keeps_its_digits_at_large_prices():
    rng = np.random.default_rng(2)
    noise = np.round(rng.normal(0.0, 0.01, 2000) * 2**20) / 2**20
    rows = {"ts": np.arange(2000), "price": 1e6 + noise, "size": rng.integers(1, 9, 2000).astype(float)}
    for feature in (session_vwap(), rolling_vwap(2000)):
        _, wide = averaged(noise, rows["size"])
        got = outputs(feature, rows)[f"{feature.outputs[0]}_deviation"][-1]
        assert got == pytest.approx(wide, rel=1e-5 if feature.horizon > 2000 else 1e-10)


def test_the_score_of_a_price_is_its_distance_in_deviations():
    rows = trades(500, seed=3)
    got = outputs(rolling_vwap(40), rows)
    z = outputs(zscore_vwap(40, price="price", volume="size"), rows)["zscore_vwap"]
    np.testing.assert_allclose((rows["price"] - got["rolling_vwap"]) / got["rolling_vwap_deviation"], z, atol=1e-6)


def test_on_bars_it_reads_what_it_is_told():
    rows = {"ts": np.arange(50), "close": np.linspace(5.0, 6.0, 50), "volume": np.ones(50)}
    features = multi_vwap(7, price="close", volume="volume", clock="bar")
    assert {f.clock for f in features} == {"bar"}
    assert outputs_of(features, rows)["vwap_session"][-1] == pytest.approx(5.5)


def test_recorded_prices_lie_within_three_deviations_most_of_the_time():
    rows = real_trades("perpetual")
    got = outputs(session_vwap(3.0), rows)
    inside = (rows["price"] <= got["session_vwap_upper"]) & (rows["price"] >= got["session_vwap_lower"])
    assert 0.8 < inside[100:].mean() <= 1.0


def test_vwaps_refuse_what_makes_no_sense():
    with pytest.raises(ValueError, match="session_vwap: width must be finite and not negative, got -1"):
        session_vwap(-1)
    with pytest.raises(ValueError, match="session_vwap: offset must be from 0 to below length, got 9"):
        session_vwap(length=5.0, offset=9)
    with pytest.raises(ValueError, match="anchored_vwap: anchor must be nanoseconds since 1970, got -3"):
        anchored_vwap(-3)
