"""Books are summed a piece of rows at a time: nothing shows where a piece ends; and a median of many values."""

from itertools import pairwise

import numpy as np
import pytest

from quantlib.core import advance, inputs_of, start
from quantlib.features.book.l2 import l2_delta
from quantlib.features.book.ofi import ofi_levels
from quantlib.features.book.spoofing import spoofing
from quantlib.features.book.vacuum import vacuum
from quantlib.kernels.levels import PIECE, check, largest, total, totals
from quantlib.kernels.median import median, median_fields

ROWS, LEVELS, SYMBOLS = 3 * PIECE + 100, 4, ("A", "B", "C")


def ladders():
    rng = np.random.default_rng(5)
    return [np.round(np.exp(rng.normal(0.0, 3.0, (LEVELS, 60))), 3) for _ in range(4)]


def test_levels_are_summed_in_their_order_and_other_rows_left_alone():
    _, _, bid_sizes, ask_sizes = ladders()
    written = np.full(60, 7.0)
    for loop, inputs, wanted in (
        (total, (bid_sizes, 1, 3), bid_sizes[1] + bid_sizes[2]),
        (totals, (bid_sizes, ask_sizes), sum(bid_sizes[k] + ask_sizes[k] for k in range(LEVELS))),
        (largest, (bid_sizes, 1, 4), bid_sizes[1:4].max(0)),
    ):
        loop(written, *inputs, 10, 50)
        assert written[10:50].tolist() == wanted[10:50].tolist()
        assert (written[:10] == 7.0).all()
        assert (written[50:] == 7.0).all()


@pytest.mark.parametrize("place", range(4))
def test_one_missing_number_marks_its_row(place):
    given = ladders()
    given[place][LEVELS - 1, 20] = np.nan
    seen = np.empty(60)
    check(seen, *given, 0, 60)
    assert np.flatnonzero(np.isnan(seen)).tolist() == [20]


def market(feature):
    """Books of three symbols in runs of a few rows, some numbers missing; prices step by ticks, sizes have tails."""
    rng = np.random.default_rng(11)
    symbol = np.repeat(rng.integers(0, 3, ROWS), rng.integers(1, 40, ROWS))[:ROWS].astype(np.int32)
    middle = 100.0 + 0.25 * (rng.random(ROWS) < 0.2).cumsum()
    columns = {"symbol": symbol, "bought": rng.random(ROWS).cumsum(), "sold": rng.random(ROWS).cumsum()}
    for k in range(LEVELS):
        columns |= {f"bid_{k}": middle - 0.25 * k, f"ask_{k}": middle + 0.25 * (k + 1)}
        columns |= {f"{side}_size_{k}": np.round(np.exp(rng.normal(0.0, 1.5, ROWS)), 2) for side in ("bid", "ask")}
    for name in inputs_of([feature]):
        columns[name][rng.random(ROWS) < 0.002] = np.nan
    return {name: columns[name] for name in ("symbol", *inputs_of([feature]))}


@pytest.mark.parametrize(
    "feature",
    [
        l2_delta(1, 2, LEVELS, 9, 2.0),
        ofi_levels(LEVELS, 7),
        spoofing(LEVELS, 20, multiple=1.5, share=0.5, least=0.0),
        vacuum(2, LEVELS, 7, 0.5, 0.5, 6),
    ],
    ids=lambda f: f.outputs[0],
)
def test_rows_that_fill_pieces_give_what_they_give_in_short_runs(feature):
    columns = market(feature)
    whole = advance([feature], start([feature], SYMBOLS), columns)
    memory = start([feature], SYMBOLS)
    ends = [*range(0, ROWS, 37), ROWS]
    parts = [advance([feature], memory, {n: c[first:end] for n, c in columns.items()}) for first, end in pairwise(ends)]
    for name, column in whole.items():
        assert np.isfinite(column).sum() > PIECE
        np.testing.assert_array_equal(column, np.concatenate([part[name] for part in parts]), err_msg=name)


@pytest.mark.parametrize("n", [63, 64, 65, 511, 512, 513, 1500])
@pytest.mark.parametrize("kind", ["ties", "rising", "falling", "anything"])
def test_the_median_of_many_values_is_the_middle_of_them_sorted(n, kind):
    rng = np.random.default_rng(n)
    values = {
        "ties": rng.integers(0, 5, 3000).astype(np.float64),
        "rising": np.arange(3000.0),
        "falling": -np.arange(3000.0),
        "anything": np.exp(rng.normal(0.0, 5.0, 3000)),
    }[kind]
    memory = np.zeros(1, median_fields(n))
    seen = np.array([median(memory[0], i, n, x) for i, x in enumerate(values)])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(values, n), axis=1)
    wanted = windows[:, n // 2] if n % 2 else 0.5 * windows[:, n // 2 - 1] + 0.5 * windows[:, n // 2]
    assert seen[n - 1 :].tolist() == wanted.tolist()
