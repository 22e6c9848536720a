"""A made-up market: the same bits from the same seed, a book that never lies, and the facts that markets show."""

import numpy as np
import polars as pl
import pytest

import quantlib
from quantlib.synthetic import NOTHING_PLANTED, Plants, market
from quantlib.synthetic.arrivals import hawkes, season

TICK, LOT = 0.01, 100.0
MANY = Plants(icebergs=120.0, spoofs=120.0, vacuums=60.0, walls=60.0)


@pytest.fixture(scope="module")
def told():
    """Every state of the book, with much planted."""
    return market(11, 900.0, books_every=0.0, plants=MANY)


@pytest.fixture(scope="module")
def plain():
    """Every state of the book, with nothing planted."""
    return market(11, 600.0, books_every=0.0, plants=NOTHING_PLANTED)


@pytest.fixture(scope="module")
def day():
    return market(5, plants=NOTHING_PLANTED, seconds=23_400.0)


def correlation(x, lag):
    return np.corrcoef(x[:-lag], x[lag:])[0, 1]


def side_of(books, stem, levels=20):
    return np.column_stack([books[f"{stem}_{k}"].to_numpy() for k in range(levels)])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    a, b, c = market(3, 300.0), market(3, 300.0), market(4, 300.0)
    for name in ("trades", "quotes", "books", "truth"):
        assert getattr(a, name).equals(getattr(b, name)), name
        assert not getattr(a, name).equals(getattr(c, name)), name


def test_the_doors_let_every_row_in_and_no_book_is_crossed(told):
    assert quantlib.trades(told.trades, "S").rows == len(told.trades)
    for table in (quantlib.quotes(told.quotes, "S"), quantlib.books(told.books, "S")):
        assert table.crossed == 0
        assert table.rows > 10_000


def test_levels_are_strictly_ordered_whole_ticks_with_something_on_each(told):
    bid, ask = side_of(told.books, "bid"), side_of(told.books, "ask")
    assert (bid[:, 0] < ask[:, 0]).all()
    assert (np.diff(bid) < 0).all()
    assert (np.diff(ask) > 0).all()
    for prices in (bid, ask):
        np.testing.assert_array_equal(prices, np.round(prices, 2))
    for stem in ("bid_size", "ask_size"):
        sizes = side_of(told.books, stem)
        assert (sizes >= LOT).all()
        np.testing.assert_array_equal(np.mod(sizes, LOT), 0.0)


def test_a_trade_is_at_a_price_that_was_there_and_takes_what_it_says(plain):
    """Trades against the book just before and just after them."""
    books, trades = plain.books, plain.trades
    at, after = books["ts_event"].to_numpy(), trades["ts"].to_numpy()
    bid, ask = side_of(books, "bid"), side_of(books, "ask")
    bid_size, ask_size = side_of(books, "bid_size"), side_of(books, "ask_size")
    row = np.searchsorted(at, after)
    checked = 0
    for i in np.flatnonzero(row > 0):
        k, price = row[i], trades["price"][int(i)]
        assert at[k] == after[i]
        prices, sizes = (ask, ask_size) if trades["side"][int(i)] > 0 else (bid, bid_size)
        before = sizes[k - 1][prices[k - 1] == price].sum()
        left = sizes[k][prices[k] == price].sum()
        assert before - left == trades["size"][int(i)]
        checked += 1
    assert checked > 500


def test_quotes_are_the_best_prices_of_the_books(told):
    joined = told.books.select("ts", "bid_0", "ask_0", "bid_size_0", "ask_size_0").join_asof(told.quotes, on="ts")
    for book, quote in (("bid_0", "bid"), ("ask_0", "ask"), ("bid_size_0", "bid_size"), ("ask_size_0", "ask_size")):
        assert (joined[book] == joined[quote]).all()


def test_snapshots_are_the_states_that_were():
    kept, all_ = market(7, 120.0), market(7, 120.0, books_every=0.0)
    assert set(kept.books["ts"].diff().drop_nulls().dt.total_nanoseconds()) == {100_000_000}
    before = all_.books.with_columns(ts=pl.col("ts_event"))
    names = [n for n in kept.books.columns if n not in ("ts", "ts_event")]
    joined = kept.books.select("ts").join_asof(before.rename({n: n + "_was" for n in names}), on="ts")
    known = joined["bid_0_was"].is_not_null()
    for name in names:
        assert (joined[name + "_was"].filter(known) == kept.books[name].filter(known)).all(), name
    assert kept.trades.equals(all_.trades)


def test_no_row_is_known_before_it_happened(told):
    for rows in (told.trades, told.quotes, told.books):
        assert (rows["ts"] >= rows["ts_event"]).all()
        assert rows["ts"].is_sorted()


def test_an_iceberg_executes_tip_after_tip_at_its_price(told):
    found = 0
    for one in told.truth.filter(pl.col("kind") == "iceberg").iter_rows(named=True):
        window = pl.col("ts").is_between(one["ts_begin"], one["ts_end"])
        hit = told.trades.filter(window & (pl.col("side") == -one["side"]) & (pl.col("price") == one["price"]))
        assert hit["size"].sum() >= one["executed"]
        assert one["executed"] <= one["size"] + one["hidden"]
        assert one["executed"] >= one["refills"] * one["size"] - (one["size"] if one["refills"] else 0.0)
        found += one["refills"] >= 3
    assert found >= 5


def test_a_spoof_rests_behind_the_best_price_until_it_is_cancelled(told):
    books, found = told.books, 0
    for one in told.truth.filter(pl.col("kind") == "spoof").iter_rows(named=True):
        stem = "bid" if one["side"] > 0 else "ask"
        at = books.filter(pl.col("ts_event") == one["ts_begin"])
        prices, sizes = side_of(at, stem)[0], side_of(at, f"{stem}_size")[0]
        away = round(abs(one["price"] - prices[0]) / TICK)
        assert away >= 2
        if away < len(prices) - 12:
            assert sizes[prices == one["price"]] >= one["size"]
            found += 1
        across = told.trades.filter(pl.col("ts").is_between(one["ts_begin"], one["ts_end"]))
        assert across.filter(pl.col("side") == one["side"])["size"].sum() >= one["executed"] > 0
    assert found >= 15


def test_a_vacuum_withdraws_what_it_says_and_most_stays_away_until_it_ends():
    made = market(12, 900.0, books_every=0.0, plants=NOTHING_PLANTED._replace(vacuums=60.0))
    at, near = made.books["ts_event"], {s: side_of(made.books, f"{s}_size", 5).mean(axis=1) for s in ("bid", "ask")}
    before, during, after = [], [], []
    for one in made.truth.iter_rows(named=True):
        begin, end = at.search_sorted(one["ts_begin"]), at.search_sorted(one["ts_end"])
        sides = [stem for sign, stem in ((1, "bid"), (-1, "ask")) if one["side"] in (sign, 0)]
        book = {k: sum(side_of(made.books[k : k + 1], f"{s}_size").sum() for s in sides) for k in (begin - 1, begin)}
        assert book[begin - 1] - book[begin] == one["size"] > 0
        for stem in sides:
            before.append(near[stem][begin - 200 : begin].mean())
            during.append(near[stem][begin:end].mean())
            after.append(near[stem][end + 200 : end + 600].mean())
    assert len(made.truth) == 15
    assert np.mean(during) < 0.4 * np.mean(before)
    assert np.mean(after) > 2.0 * np.mean(during)


def test_arrivals_excite_each_other(day):
    at = day.quotes["ts_event"].to_numpy().astype(np.int64)
    counts = np.bincount((at - at[0]) // 10_000_000_000)[900:1400]  # noon, so that no season adds to it
    assert counts.var() / counts.mean() > 2.5  # 1 if arrivals were independent


def test_the_rate_of_arrivals_is_what_was_asked_for_and_its_variance_is_hawkes():
    rng = np.random.default_rng(0)
    at = hawkes(rng, 50_000.0, rate=5.0, branching=0.6, decay=2.0, session=1e4, depth=0.0)
    assert (np.diff(at) > 0).all()
    assert len(at) / 50_000.0 == pytest.approx(5.0, rel=0.02)
    counts = np.bincount(at // 100_000_000)[1:-1]
    assert counts.var() / counts.mean() == pytest.approx(1.0 / 0.4**2, rel=0.25)  # long windows: 1 / (1 - branching)^2


def test_the_season_averages_one_and_is_highest_at_both_ends():
    at = np.linspace(0.0, 100.0, 100_001)[:-1]
    u = season(at, 100.0, 1.35)
    assert u.mean() == pytest.approx(1.0, abs=1e-6)
    assert u[0] == pytest.approx(u[-1], rel=1e-3)
    assert u.argmin() == pytest.approx(50_000, abs=2)


def test_activity_over_the_day_is_u_shaped(day):
    part = np.linspace(0, 1, 14)
    at = day.trades["ts"].to_numpy().astype(np.int64)
    counts = np.histogram((at - at[0]) / (at[-1] - at[0]), part)[0]
    assert min(counts[0], counts[-1]) > 2 * counts[6]


def test_returns_are_fat_tailed_and_their_size_is_remembered_but_not_their_sign(day):
    mid = np.log((day.books["bid_0"].to_numpy() + day.books["ask_0"].to_numpy()) / 2)[::100]
    r = np.diff(mid)
    assert ((r - r.mean()) ** 4).mean() / r.var() ** 2 > 4.0
    assert abs(correlation(r, 1)) < 0.1
    for lag in (1, 5, 20):
        assert correlation(np.abs(r), lag) > 0.05
    assert r.std() * np.sqrt(2340) == pytest.approx(0.02, rel=0.5)


def test_aggressors_follow_each_other(day):
    side = day.trades["side"].to_numpy()
    assert correlation(side, 1) > 0.1
    assert correlation(side, 5) > 0.02


def test_the_heavier_queue_foretells_the_next_move(day):
    books = day.books
    bid, ask = books["bid_size_0"].to_numpy(), books["ask_size_0"].to_numpy()
    mid = (books["bid_0"].to_numpy() + books["ask_0"].to_numpy()) / 2
    one_tick = np.isclose(books["ask_0"].to_numpy() - books["bid_0"].to_numpy(), TICK)[:-2]
    assert np.corrcoef(((bid - ask) / (bid + ask))[:-2][one_tick], (mid[2:] - mid[:-2])[one_tick])[0, 1] > 0.1


def test_the_book_is_hump_shaped_and_sizes_have_fat_tails(day):
    rests = side_of(day.books, "bid_size").mean(axis=0)
    assert 4 <= rests.argmax() <= 14
    assert rests[0] < 0.7 * rests.max()
    sizes = np.sort(day.trades["size"].to_numpy())
    assert sizes[-1] > 50 * np.median(sizes)


def test_sessions_follow_each_other_a_day_apart():
    made = market(2, 40.0, session=10.0)
    opens = made.trades["ts"].dt.truncate("1d").unique().sort()
    assert len(opens) == 4
    assert made.books["ts"].is_sorted()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"seconds": 0.0}, "seconds must be positive"),
        ({"branching": 1.0}, "branching is in"),
        ({"levels": 0}, "levels 1 to 100"),
        ({"tick": 0.5}, "take a smaller tick"),
        ({"u_shape": 3.5}, "u_shape 0 to 3"),
    ],
)
def test_an_argument_out_of_range_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        market(1, **{"seconds": 10.0, **wrong})
