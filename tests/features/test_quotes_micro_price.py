"""The fitted micro-price, on quotes whose adjustment is known."""

import numpy as np
import polars as pl
import pytest
from flow_rows import REAL, SHARED, outputs

from quantlib.features.quotes.stoikov import fit_stoikov, stoikov_microprice
from quantlib.features.quotes.touch import microprice

TICK = 0.01


def quotes(rows, seed=0, parts=5, memory=0.0):
    """Quotes one tick apart whose mid moves up with the probability of the imbalance, which is then drawn anew."""
    rng = np.random.default_rng(seed)
    part, mid = int(rng.integers(parts)), 10_000
    state, level = np.empty(rows, int), np.empty(rows, int)
    for t in range(rows):
        state[t], level[t] = part, mid
        if rng.random() < 0.3:
            mid += 1 if rng.random() < (part + 0.5) / parts else -1
            part = part if rng.random() < memory else int(rng.integers(parts))
    lean = (state + 0.5) / parts
    bid = (level - 0.5) * TICK
    return {"bid": bid, "ask": bid + TICK, "bid_size": 1000.0 * lean, "ask_size": 1000.0 * (1.0 - lean)}


def test_where_imbalance_is_drawn_anew_the_adjustment_is_the_first_move():
    table = fit_stoikov(quotes(60_000), TICK, spreads=1, imbalances=5)
    first = TICK * (2.0 * (np.arange(5) + 0.5) / 5 - 1.0)
    np.testing.assert_allclose(table[0], first, atol=0.03 * TICK)


def test_where_imbalance_lasts_further_moves_add_up():
    """Kept with probability 1/2 at each move, the first move repeats: G = G1 (1 + 1/2 + 1/4 + …) = 2 G1."""
    table = fit_stoikov(quotes(120_000, memory=0.5), TICK, spreads=1, imbalances=5)
    first = TICK * (2.0 * (np.arange(5) + 0.5) / 5 - 1.0)
    np.testing.assert_allclose(table[0], 2.0 * first, atol=0.08 * TICK)


def test_a_table_is_odd_in_the_imbalance_and_empty_where_nothing_was_seen():
    table = fit_stoikov(quotes(5000, seed=1), TICK, spreads=3, imbalances=5)
    np.testing.assert_allclose(table, -table[:, ::-1], atol=1e-15)
    assert (table[1:] == 0.0).all()


def test_the_price_is_the_mid_and_what_the_table_says_of_the_touch():
    table = np.array([[1.0, 2.0], [3.0, 4.0]])
    rows = {
        "bid": np.array([10.0, 10.0, 10.0, 10.0, 10.02]),
        "ask": np.array([10.01, 10.02, 10.07, 10.01, 10.01]),
        "bid_size": np.array([1.0, 9.0, 1.0, 0.0, 5.0]),
        "ask_size": np.array([9.0, 0.0, 3.0, 0.0, 5.0]),
    }
    got = outputs(stoikov_microprice(table, TICK), rows)
    assert got["stoikov_microprice_adjustment"].tolist() == [1.0, 4.0, 3.0, 2.0, 2.0]
    mid = 0.5 * (rows["bid"] + rows["ask"])
    np.testing.assert_array_equal(got["stoikov_microprice"], mid + got["stoikov_microprice_adjustment"])


def test_without_a_table_it_is_the_weighted_mid_in_steps():
    rows = quotes(500, parts=10)
    got = outputs(stoikov_microprice(), rows)["stoikov_microprice"]
    np.testing.assert_allclose(got, outputs(microprice(), rows)["microprice"], rtol=1e-12)


def test_on_recorded_quotes_it_foresees_the_mid_better_than_the_mid_itself():
    path = SHARED / REAL["perpetual"] / "book_ticker.parquet"
    if not path.exists():
        pytest.skip(f"the recorded quotes are not here (../shared/{REAL['perpetual']})")
    frame = pl.read_parquet(path)
    names = {"bid": "bid_px", "ask": "ask_px", "bid_size": "bid_qty", "ask_size": "ask_qty"}
    rows = {name: frame[column].to_numpy().astype(np.float64) for name, column in names.items()}
    half = len(frame) // 2
    table = fit_stoikov({name: column[:half] for name, column in rows.items()}, TICK)
    later = {name: column[half:] for name, column in rows.items()}
    price = outputs(stoikov_microprice(table, TICK), later)["stoikov_microprice"]
    mid = 0.5 * (later["bid"] + later["ask"])
    moves = np.flatnonzero(np.diff(mid))
    settled = mid[1:][moves[np.minimum(np.searchsorted(moves, np.arange(len(mid))) + 4, len(moves) - 1)]]
    assert ((price - settled) ** 2).mean() < 0.97 * ((mid - settled) ** 2).mean()


def test_tables_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="stoikov_microprice: tick must be positive and finite, got 0"):
        stoikov_microprice(tick=0)
    with pytest.raises(ValueError, match="table must be a finite matrix"):
        stoikov_microprice([1.0, 2.0])
    with pytest.raises(ValueError, match="fit_stoikov: spreads must be at least 1, got 0"):
        fit_stoikov(quotes(10), TICK, spreads=0)
