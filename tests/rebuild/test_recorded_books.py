"""Rebuilt books are those that venues sent beside their messages.

What is comparable: Binance numbers changes, and its bookTicker says the best prices and sizes after one; so a book is
compared with the bookTicker of the same number (all of them), and with the last one before it.  Bitstamp sends its best
20 of each side among the orders; each is compared with the book rebuilt of the orders up to it, which the one before
had corrected.  LOBSTER's second file is the book after each message; compared are the prices that were never out of its
view since the rebuilt book was seeded, since of others the messages do not tell.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quantlib import books as door
from quantlib import rebuild
from quantlib.data import load
from quantlib.rebuild.orders import LEVEL

SHARED = Path(__file__).parents[3] / "shared" / "data"
L2 = [
    "binance_spot_BTCUSDT_20240808-09",
    "binance_usdm_BTCUSDT_20240718-19",
    "binance_usdm_BTCUSDT_20240808",
    "binance_usdm_ETHUSDT_20240808",
]
COUNTS = dict(zip(L2, [(1072, 6493, 6491), (625, 9017, 9017), (629, 6546, 6546), (551, 6580, 6580)], strict=True))


def there(path):
    if not path.exists():
        pytest.skip(f"no recorded file {path.name} beside the project")
    return path


def diffs_of(folder):
    rows = pl.read_parquet(there(SHARED / "l2" / folder / "depth.parquet"))
    message = pl.struct("last_id", "is_snapshot")
    return rows.select(
        pl.col("ts_recv").alias("ts"),
        "first_id",
        "last_id",
        "prev_id",
        pl.col("is_snapshot").alias("snapshot"),
        pl.when(pl.col("side") == "bid").then(1).otherwise(-1).alias("side"),
        "price",
        pl.col("qty").alias("size"),
        (message != message.shift(-1)).fill_null(True).alias("last"),
    )


def agreeing(joined):
    pairs = [("bid_0", "bid_px"), ("bid_size_0", "bid_qty"), ("ask_0", "ask_px"), ("ask_size_0", "ask_qty")]
    return joined.filter(pl.all_horizontal(pl.col(a) == pl.col(b) for a, b in pairs)).height


@pytest.mark.parametrize("folder", L2)
def test_binances_books_match_its_book_ticker(folder):
    built = rebuild.books(diffs_of(folder))
    frame = built.frame()
    ticker = pl.read_parquet(SHARED / "l2" / folder / "book_ticker.parquet").rename({"update_id": "id"})
    same = frame.join(ticker, on="id")
    known = frame.join_asof(ticker, on="id").drop_nulls("bid_px")
    assert (same.height, known.height, agreeing(known)) == COUNTS[folder]
    assert agreeing(same) == same.height
    assert set(built.incidents()["what"].cast(str)) == {"unsynced"}  # before the snapshot, and no gap, never crossed
    assert door(frame).crossed == 0


def test_without_the_rule_of_sync_the_spot_book_would_be_crossed():
    rows = diffs_of(L2[0])
    blind = rows.with_columns(first_id=-1, last_id=-1, prev_id=-1)
    assert door(rebuild.books(blind).frame()).crossed > 0.5 * blind["last"].sum()


def test_bitstamps_orders_make_the_books_that_it_sent():
    rows = load(there(SHARED / "raw_samples/bitstamp_l3/2015-05-01.log.xz")).frame
    sent = load(SHARED / "raw_samples/bitstamp_l3/2015-05-01.log.xz", clock="book").frame
    built = rebuild.books(rows, levels=20, units=1e8, empty=False)
    frame = built.frame()
    names = [f"{stem}_{k}" for k in range(20) for stem in ("bid", "bid_size", "ask", "ask_size")]
    seeded = np.flatnonzero(rows["action"].to_numpy()[built.books["row"]] == LEVEL)
    assert len(seeded) == sent.height == 5011
    theirs = sent.select(names).to_numpy()
    np.testing.assert_array_equal(frame.select(names).to_numpy()[seeded], theirs)
    before = frame.select(names).to_numpy()[seeded[1:] - 1] == theirs[1:]
    best = before[:, :4].all(axis=1)
    assert before.all(axis=1).sum() == 4880  # of 5010: nothing but orders since the book before
    assert best.sum() == 4990
    assert before.mean() > 0.99
    crossed = frame["bid_0"].to_numpy() >= frame["ask_0"].to_numpy()
    assert not crossed[seeded].any()
    assert crossed.mean() < 0.025  # an order that will trade rests for a moment before the log says that it did


def test_lobsters_messages_make_its_own_books():
    path = there(SHARED / "raw_samples/lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv")
    sent = load(path).frame
    messages = load(path, clock="order").frame.filter(pl.col("action") != LEVEL)
    bids = sent.select(f"bid_{k}" for k in range(10)).to_numpy()
    asks = sent.select(f"ask_{k}" for k in range(10)).to_numpy()
    compared = 0
    for first in range(0, 999, 100):
        rows = pl.concat([seed(sent, first, messages), messages.slice(first)], how="vertical_relaxed")
        built = rebuild.books(rows, levels=30, empty=False)
        low, high = np.maximum.accumulate(bids[first:, 9]), np.minimum.accumulate(asks[first:, 9])
        for k in range(len(low)):
            for stem, shown in (("bid", bids), ("ask", asks)):
                want = [(p, sent[f"{stem}_size_{j}"][first + k]) for j, p in enumerate(shown[first + k])]
                have = [(built.books[f"{stem}_{j}"][k], built.books[f"{stem}_size_{j}"][k]) for j in range(30)]
                seen = [[x for x in side if low[k] <= x[0] <= high[k]] for side in (want, have)]
                assert seen[0] == seen[1], f"message {first + k}, {stem}s"
                compared += len(seen[0])
    assert compared == 51_285


def seed(sent, row, messages):
    """The book after a message as rows that tell of levels."""
    levels = [
        (side, sent[f"{stem}_{k}"][row], sent[f"{stem}_size_{k}"][row], k == 9 and side < 0)
        for stem, side in (("bid", 1), ("ask", -1))
        for k in range(10)
    ]
    told = pl.DataFrame(levels, ["side", "price", "size", "last"], orient="row")
    ts = sent["ts"][row]
    return told.select(
        pl.lit(ts).alias("ts").cast(messages.schema["ts"]),
        pl.lit(ts).alias("ts_event").cast(messages.schema["ts"]),
        pl.lit("AAPL").alias("symbol"),
        pl.lit(0).alias("order"),
        pl.lit(LEVEL).alias("action"),
        *("side", "price", "size"),
        pl.col("last").cast(pl.Int8),
    )


def test_databentos_mbp10_reads_to_books_directly():
    rows = load(there(SHARED / "raw_samples/databento/AAPL_mbp-10_20241021_head.csv.gz"))
    table = door(rows.frame)
    assert (rows.clock, table.rows, table.crossed) == ("book", 1000, 0)
    assert {"bid_9", "ask_size_9"} <= set(table.columns)
