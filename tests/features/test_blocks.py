"""Rows that come in blocks give the bits of rows that come one by one, and leave the same memory."""

import numpy as np
import pytest

from quantlib.core import advance, start
from quantlib.features.ranges.bands import bandwidth, bollinger, percent_b
from quantlib.features.statistics.moments import stddev, var, zscore
from quantlib.features.statistics.relation import beta, correl
from quantlib.features.statistics.shape import kurtosis, skew

ROWS = 700
FACTORIES = (var, stddev, zscore, bollinger, bandwidth, percent_b, skew, kurtosis, correl, beta)


def prices(rng):
    return 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, ROWS)))


def wild(rng):
    """Values that leap over powers of ten: few units fit them, and powers of their distances over- and underflow."""
    return rng.normal(0.0, 1.0, ROWS) * 10.0 ** rng.integers(-9, 9, ROWS)


def far_apart(rng):
    """Scales beyond those that powers bear, each for longer than a window, and flat stretches."""
    scale = np.repeat(10.0 ** np.array([-80.0, 60.0, 0.0, -110.0, 75.0, 0.0, 1.0]), ROWS // 7)
    return np.where(np.arange(ROWS) % 250 < 60, 1.0, rng.normal(1.0, 0.1, ROWS)) * scale


def gapped(rng):
    return np.where(rng.random(ROWS) < 0.3, np.nan, prices(rng))


def whole(rng):
    return rng.integers(0, 3, ROWS).astype(float) * rng.integers(1, 10**9, ROWS)


def same(one, other):
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("tape", [prices, wild, far_apart, gapped, whole])
@pytest.mark.parametrize("n", [20, 70])
@pytest.mark.parametrize("factory", FACTORIES)
def test_rows_in_blocks_give_the_bits_of_rows_one_by_one(factory, n, tape):
    rng = np.random.default_rng(n)
    columns = {"close": tape(rng), "other": tape(rng), "symbol": np.zeros(ROWS, np.int32)}
    columns["symbol"][300:340:2] = columns["symbol"][500:610] = 1
    feature = factory(n)
    memory, single = start([feature], ["X", "Y"]), start([feature], ["X", "Y"])
    blocks = advance([feature], memory, columns)
    rows = [advance([feature], single, {name: c[i : i + 1] for name, c in columns.items()}) for i in range(ROWS)]
    for name, column in blocks.items():
        same(column, np.array([row[name][0] for row in rows]))
        assert np.isfinite(column).sum() > ROWS // 8
    same(memory.records[0], single.records[0])
