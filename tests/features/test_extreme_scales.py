"""Values of any size: a pure number does not change with the unit, and what cannot be told is not made up."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from quantlib.core import run, start
from quantlib.features import (
    effective_spread,
    kurtosis,
    minute_of_session,
    relative_strength,
    skew,
    time_to_close,
    vortex,
)
from quantlib.jit import kernel
from quantlib.kernels.score import on_grid


def columns_of(feature, columns):
    """What a feature writes for the rows of one symbol."""
    return run([feature], start([feature], ["X"]), columns)[1]


@pytest.mark.parametrize("exponent", [-450, -400, -300, 0, 300, 400, 450])
@pytest.mark.parametrize("factory", [skew, kurtosis])
def test_a_shape_is_the_same_bits_in_any_unit(factory, exponent):
    values = np.random.default_rng(5).normal(0.0, 1.0, 200) ** 3
    name, feature = factory.__name__, factory(20)
    plain = columns_of(feature, {"close": values})[name]
    scaled = columns_of(feature, {"close": np.ldexp(values, exponent)})[name]
    assert np.isfinite(plain[19:]).all()
    np.testing.assert_array_equal(scaled, plain)


@pytest.mark.parametrize("exponent", [-1030, -900, 0, 900])
def test_a_vortex_is_finite_in_any_unit(exponent):
    rng = np.random.default_rng(6)
    middle = np.round(100.0 + np.cumsum(rng.normal(0.0, 1.0, 100)))  # whole, so that tiny units hold them
    rows = {"high": middle + 2.0, "low": middle - 3.0, "close": middle + 1.0}
    plain = columns_of(vortex(5), rows)
    tiny = columns_of(vortex(5), {name: np.ldexp(x, exponent) for name, x in rows.items()})
    for name in plain:
        assert np.isfinite(plain[name][5:]).all()
        np.testing.assert_allclose(tiny[name], plain[name], rtol=1e-15)


@pytest.mark.parametrize("exponent", [-1000, -540, 540, 1000])
def test_relative_strength_is_the_same_bits_in_any_unit(exponent):
    steps = np.exp(np.cumsum(np.random.default_rng(7).normal(0.0, 0.01, (2, 100)), axis=1))
    rows = {"close": steps[0], "benchmark": steps[1]}
    plain = columns_of(relative_strength(5), rows)["relative_strength"]
    scaled = columns_of(relative_strength(5), {name: np.ldexp(x, exponent) for name, x in rows.items()})
    assert np.isfinite(plain[5:]).all()
    np.testing.assert_array_equal(scaled["relative_strength"], plain)


@pytest.mark.parametrize("feature", [minute_of_session(), time_to_close()])
def test_the_ends_of_time_lie_outside_of_sessions(feature):
    bounds = np.iinfo(np.int64)
    hours = 3_600_000_000_000 * np.arange(24)
    for ts in (bounds.min + hours, bounds.max - hours[::-1]):
        minutes = columns_of(feature, {"ts": ts})[feature.outputs[0]]
        assert ((minutes == -1.0) | ((minutes >= 0.0) & (minutes <= 390.0))).all()
    assert columns_of(feature, {"ts": np.array([bounds.min])})[feature.outputs[0]][0] == -1.0


@kernel
def _put_on_grid(x, grid):
    return on_grid(x, grid)


@pytest.mark.parametrize("x", [2.0**22 + 0.3, 2.0**23 + 1.0, 1e8, -1e8, 1e200, 0.1, -0.1, 0.0])
def test_a_grid_holds_values_of_any_size(x):
    grid = 2.0**-40
    getcontext().prec = 400
    assert abs(Decimal(float(_put_on_grid(x, grid))) - Decimal(x)) <= Decimal(grid) / 2


def test_a_spread_far_above_one_keeps_the_sign_of_its_score():
    """A trade at 1e8 where the mid is 1 lies 2e8 mids wide: far from those before, and above them."""
    rows = {"price": np.array([1.0, 1.01, 1e8]), "side": np.ones(3), "bid": np.full(3, 0.99), "ask": np.full(3, 1.01)}
    feature = effective_spread(3)
    seen = columns_of(feature, {name: rows[name] if name in rows else np.ones(3) for name in feature.inputs})
    z = next(x for name, x in seen.items() if name.endswith("z") or "score" in name)
    assert z[2] == pytest.approx(np.sqrt(2.0), rel=1e-6)
