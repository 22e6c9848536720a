"""EDGE against the number its authors print, and against its definition in every window."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.core import Feature, run, start
from quantlib.features.liquidity.edge import edge
from quantlib.features.rows import Window
from quantlib.jit import kernel
from quantlib.kernels.many import slide_all, table

FILE = Path(__file__).parents[2].parent / "shared" / "reference" / "edge_ohlc.csv"
PRINTED = 0.0101849034905478


@pytest.fixture(scope="module")
def authors():
    if not FILE.exists():
        pytest.skip("the authors' rows are not here (../shared/reference/edge_ohlc.csv)")
    return {name.lower(): column.to_numpy() for name, column in pl.read_csv(FILE).to_dict().items()}


def output(feature, columns):
    columns = {name: np.asarray(columns[name], np.float64) for name in feature.inputs}
    return run([feature], start([feature], ["X"]), columns)[1]


def by_definition(rows):
    """s^2 of a whole window, as the paper defines it."""
    o, h, low, c = (np.log(rows[name]) for name in ("open", "high", "low", "close"))
    m = (h + low) / 2.0
    before = slice(None, -1)
    h1, l1, c1, m1 = h[before], low[before], c[before], m[before]
    o, h, low, m = o[1:], h[1:], low[1:], m[1:]
    moved = (h != low) | (low != c1)
    at_open = (moved & (o != h)).mean() + (moved & (o != low)).mean()
    at_close = (moved & (c1 != h1)).mean() + (moved & (c1 != l1)).mean()
    if moved.sum() < 2 or at_open == 0.0 or at_close == 0.0:
        return 0.0
    r1, r2, r3, r4, r5 = m - o, o - m1, m - c1, c1 - m1, o - c1
    d1, d3, d5 = (r - moved * r.mean() / moved.mean() for r in (r1, r3, r5))
    x1 = -4.0 / at_open * d1 * r2 - 4.0 / at_close * d3 * r4
    x2 = -4.0 / at_open * d1 * r5 - 4.0 / at_close * d5 * r4
    v1, v2 = x1.var(), x2.var()
    return (v2 * x1.mean() + v1 * x2.mean()) / (v1 + v2) if v1 + v2 > 0.0 else (x1.mean() + x2.mean()) / 2.0


def test_the_estimate_over_all_rows_is_the_printed_one(authors):
    rows = len(authors["close"])
    assert output(edge(rows), authors)["edge"][-1] == pytest.approx(PRINTED, rel=1e-12)


@pytest.mark.parametrize("n", [3, 4, 21, 100])
def test_every_window_has_the_estimate_of_its_rows_alone(authors, n):
    rows = {name: column[:1_500] for name, column in authors.items()}
    signed = output(edge(n), rows)["edge_signed"]
    for t in range(n - 1, 1_500, 7):
        wanted = by_definition({name: column[t - n + 1 : t + 1] for name, column in rows.items()})
        assert signed[t] * abs(signed[t]) == pytest.approx(wanted, rel=1e-6, abs=1e-10)


def test_the_sign_is_all_that_differs_between_its_columns(authors):
    both = output(edge(21), authors)
    np.testing.assert_array_equal(np.abs(both["edge_signed"]), both["edge"])
    assert (both["edge_signed"][20:] < 0.0).any()


def test_rows_that_hardly_trade_have_the_estimate_of_their_definition():
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(np.where(rng.random(600) < 0.7, 0.0, rng.choice([-0.01, 0.01], 600))))
    opening = np.where(rng.random(600) < 0.5, close, np.concatenate([[100.0], close[:-1]]))
    rows = {"open": opening, "high": np.maximum(opening, close), "low": np.minimum(opening, close), "close": close}
    signed = output(edge(15), rows)["edge_signed"]
    for t in range(14, 600):
        wanted = by_definition({name: column[t - 14 : t + 1] for name, column in rows.items()})
        assert signed[t] * abs(signed[t]) == pytest.approx(wanted, rel=1e-6, abs=1e-10)


def test_a_price_that_stands_still_has_no_spread():
    flat = dict.fromkeys(("open", "high", "low", "close"), np.full(40, 7.3))
    assert (output(edge(9), flat)["edge"][8:] == 0.0).all()


@kernel
def _two_sums(p, memory, symbol, one, other, first, second):
    for i in range(one.size):
        m = memory[symbol[i]]
        m.new[0], m.new[1] = one[i], other[i]
        slide_all(m.terms, m.new, m.total, m.rest, m.sums, m.ring, m.parts, m.seen, p.n)
        m.seen += 1
        first[i], second[i] = m.sums[0], m.sums[1]


VALUES = st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e3, 1e3)), min_size=1, max_size=150)


@given(values=VALUES, n=st.integers(1, 70))
def test_many_sums_are_as_exact_as_one(values, n):
    blank = np.zeros((), [("seen", "i8"), *table(n, 2)])
    feature = Feature(_two_sums, Window(n), blank, ("one", "other"), ("first", "second"), 0, n - 1)
    one, other = np.array(values).T
    got = output(feature, {"one": one, "other": other})
    for t in range(len(values)):
        assert got["first"][t] == math.fsum(one[max(t - n + 1, 0) : t + 1])
        assert got["second"][t] == math.fsum(other[max(t - n + 1, 0) : t + 1])


def test_a_window_of_two_rows_is_refused():
    with pytest.raises(ValueError, match="edge: n must be at least 3, got 2"):
        edge(2)
