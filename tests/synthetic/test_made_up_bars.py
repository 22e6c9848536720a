"""Made-up bars: let in by the door, the same from the same seed, and with the facts that markets show."""

import numpy as np
import polars as pl
import pytest

import quantlib
from quantlib.synthetic import bars, market

NAMES = ("AAA", "BBB", "CCC")


@pytest.fixture(scope="module")
def daily():
    return bars(3, 1500, NAMES)


@pytest.fixture(scope="module")
def minutes():
    return bars(3, 40, NAMES, minutes=1)


def returns(frame):
    return np.diff(np.log(frame.pivot(on="symbol", index="ts", values="close").drop("ts").to_numpy()), axis=0)


def kurtosis(x):
    return ((x - x.mean()) ** 4).mean() / x.var() ** 2


@pytest.mark.parametrize("kind", ["daily", "minutes"])
def test_the_door_lets_them_in(kind, request):
    frame = request.getfixturevalue(kind)
    assert quantlib.bars(frame).symbols == NAMES
    assert quantlib.bars(frame).rows == len(frame) == len(NAMES) * (1500 if kind == "daily" else 40 * 390)


@pytest.mark.parametrize("seed", [-1, 1.5, None, "one"])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(ValueError, match="bars: seed must be a whole number of at least 0, got"):
        bars(seed, days=2)
    with pytest.raises(ValueError, match="market: seed must be a whole number of at least 0, got"):
        market(seed, 10.0)


def test_the_same_seed_gives_the_same_bits():
    assert bars(9, 20, NAMES).equals(bars(9, 20, NAMES))
    assert not bars(9, 20, NAMES).equals(bars(8, 20, NAMES))


def test_days_are_weekdays_and_bars_end_when_their_session_says(daily, minutes):
    assert set(daily["ts"].dt.weekday()) == {1, 2, 3, 4, 5}
    assert set(daily["ts"].dt.strftime("%H:%M")) == {"21:00"}
    assert set((minutes["ts"] - minutes["ts_event"]).dt.total_seconds()) == {60}


def test_a_bar_opens_where_the_one_before_closed(daily):
    one = daily.filter(pl.col("symbol") == "AAA")
    np.testing.assert_array_equal(one["open"].to_numpy()[1:], one["close"].to_numpy()[:-1])


@pytest.mark.parametrize(("kind", "least"), [("daily", 4.0), ("minutes", 5.0)])
def test_returns_are_fat_tailed_and_their_size_is_remembered(kind, least, request):
    r = returns(request.getfixturevalue(kind))[:, 0]
    assert kurtosis(r) > least
    assert np.corrcoef(np.abs(r[1:]), np.abs(r[:-1]))[0, 1] > 0.05
    assert abs(np.corrcoef(r[1:], r[:-1])[0, 1]) < 0.1


def test_symbols_move_together_as_much_as_was_asked_for(daily):
    between = np.corrcoef(returns(daily).T)[np.triu_indices(3, 1)]
    assert between.mean() == pytest.approx(0.4, abs=0.08)


def test_volatility_is_what_was_asked_for(daily, minutes):
    assert returns(daily).std() == pytest.approx(0.015, rel=0.3)
    assert returns(minutes).std() * np.sqrt(390) == pytest.approx(0.015, rel=0.3)


def test_volume_and_range_are_u_shaped_over_the_session(minutes):
    for column in (minutes["volume"], minutes["high"] - minutes["low"]):
        by_minute = column.to_numpy().reshape(40, 390, 3).mean(axis=(0, 2))
        assert min(by_minute[:30].mean(), by_minute[-30:].mean()) > 1.3 * by_minute[180:210].mean()


def test_volume_moves_with_the_size_of_returns(daily):
    one = daily.filter(pl.col("symbol") == "AAA")
    moved = np.abs(np.log(one["close"] / one["open"]).to_numpy())
    assert np.corrcoef(moved, np.log(one["volume"].to_numpy()))[0, 1] > 0.2


def test_five_minute_bars_are_78_a_day_and_seven_is_refused():
    assert len(bars(1, 2, minutes=5)) == 2 * 78
    with pytest.raises(ValueError, match="divisor of 390"):
        bars(1, 2, minutes=7)
    with pytest.raises(ValueError, match="different names"):
        bars(1, 2, ["A", "A"])
