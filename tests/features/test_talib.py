"""Features against the numbers that TA-Lib itself wrote."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quantlib.core import run, start
from quantlib.features import atr, bollinger, ema, macd, rsi, sma

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "talib_reference.parquet"
FEATURES = [sma(20), ema(20), rsi(14), atr(14), bollinger(20, 2.0), macd(12, 26, 9)]
NAMES = {
    "sma": "SMA_20",
    "ema": "EMA_20",
    "rsi": "RSI_14",
    "atr": "ATR_14",
    "bollinger_upper": "BB_upper_20_2",
    "bollinger_middle": "BB_mid_20_2",
    "bollinger_lower": "BB_lower_20_2",
    "macd": "MACD",
    "macd_signal": "MACD_signal",
    "macd_histogram": "MACD_hist",
}


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.exists():
        pytest.skip("TA-Lib's reference numbers are not here (../shared/reference/talib_reference.parquet)")
    return {name: column.to_numpy() for name, column in pl.read_parquet(REFERENCE).to_dict().items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_agrees_with_talib(name, reference):
    columns = {n: reference[n].astype(np.float64) for n in ("open", "high", "low", "close")}
    _, ours = run(FEATURES, start(FEATURES, ["X"]), columns)
    theirs = reference[NAMES[name]]
    np.testing.assert_array_equal(np.isnan(ours[name]), np.isnan(theirs))
    np.testing.assert_allclose(ours[name], theirs, rtol=1e-9, atol=0.0)
