"""Features against the numbers that TA-Lib itself wrote."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from talib_momentum import MOMENTUM, SMOOTHED
from talib_ranges import RANGES
from talib_statistics import STATISTICS
from talib_trend import DRIFTED, TREND
from talib_volume import REST, VOLUME

from quantlib.core import run, start

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "talib_reference.parquet"
RAW = ("open", "high", "low", "close", "volume", "other")
POOR = DRIFTED | SMOOTHED | REST  # where TA-Lib's own rounding is larger than the rule, and by how much
COLUMNS = TREND | MOMENTUM | RANGES | STATISTICS | VOLUME


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.exists():
        pytest.skip("TA-Lib's reference numbers are not here (../shared/reference/talib_reference.parquet)")
    return {name: column.to_numpy() for name, column in pl.read_parquet(REFERENCE).to_dict().items()}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_feature_agrees_with_talib(name, reference):
    feature, output = COLUMNS[name]
    columns = {n: reference[n].astype(np.float64) for n in RAW}
    ours = run([feature], start([feature], ["X"]), columns)[1][output]
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(reference[name]))
    np.testing.assert_allclose(ours, reference[name], rtol=1e-9, atol=POOR.get(name, 0.0))


def test_every_column_of_the_reference_is_claimed(reference):
    assert set(reference) - set(RAW) == set(COLUMNS)
