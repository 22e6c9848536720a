"""Factories and the catalog refuse what makes no sense, and say so."""

import numpy as np
import pytest

from quantlib import catalog
from quantlib.core import run, start
from quantlib.features import bollinger, ema, imbalance, macd, sma
from quantlib.signals import cross_event, crossover, reversion


@pytest.mark.parametrize("name", ["sma", "ema", "rsi", "atr", "bollinger", "zscore_vwap", "realised_volatility"])
def test_a_window_of_no_rows_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}: n must be at least 1, got 0"):
        catalog.feature(name, n=0)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"sma: n must be a whole number of rows, got 2.5"):
        sma(2.5)
    with pytest.raises(ValueError, match="ema: seed must be 'sma' or 'first', got 'last'"):
        ema(5, seed="last")
    with pytest.raises(ValueError, match="macd: fast must be below slow, got fast=26 and slow=12"):
        macd(26, 12)
    with pytest.raises(ValueError, match=r"bollinger: width must be finite and not negative, got -1.0"):
        bollinger(20, -1.0)
    with pytest.raises(ValueError, match="imbalance: levels must be at least 1, got 0"):
        imbalance(0)
    with pytest.raises(ValueError, match=r"crossover: margin must be finite and not negative, got -1.0"):
        crossover(margin=-1.0)
    with pytest.raises(ValueError, match=r"reversion: enter must be positive and finite, got 0.0"):
        reversion(enter=0.0)


def test_the_catalog_knows_what_was_meant():
    with pytest.raises(ValueError, match=r"no feature 'bolinger'.*Did you mean 'bollinger'"):
        catalog.feature("bolinger")
    with pytest.raises(ValueError, match=r"rsi: no parameter 'prise'.*Did you mean 'price'"):
        catalog.feature("rsi", prise="open")


def test_an_ema_seeded_with_the_first_price_joins_the_other_one():
    prices = {"close": 100.0 + np.cumsum(np.random.default_rng(3).normal(0.0, 1.0, 400))}
    both = [ema(20), ema(20, seed="first", out="first")]
    _, seen = run(both, start(both, ["X"]), prices)
    assert seen["first"][0] == prices["close"][0]
    np.testing.assert_allclose(seen["ema"][300:], seen["first"][300:], rtol=1e-9)


def test_a_cross_is_told_once():
    gap = np.array([-1.0, 1.0, 2.0, 0.0, 1.0, -1.0, np.nan, -2.0, 3.0])
    columns = {"fast": gap + 10.0, "slow": np.full(9, 10.0)}
    both = [crossover(out="state"), cross_event(out="event")]
    _, seen = run(both, start(both, ["X"]), columns)
    np.testing.assert_array_equal(seen["state"], np.sign(gap))
    np.testing.assert_array_equal(seen["event"], [np.nan, 1, 0, 0, 1, -1, np.nan, 0, 1])


def test_no_two_parameter_classes_share_a_name():
    classes = {type(catalog.feature(name).params) for name in catalog.names()}
    assert len({one.__name__ for one in classes}) == len(classes)  # numba tells them apart by name
