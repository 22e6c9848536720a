"""Order flow and quotes against published vectors."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quantlib.core import run, start
from quantlib.features.flow.impact import kyle_lambda
from quantlib.features.flow.takers import cvd
from quantlib.features.flow.vpin import bulk_vpin, vpin
from quantlib.features.quotes.touch import microprice
from quantlib.kernels.cdf import normal_cdf

FOLDER = Path(__file__).parents[2].parent / "shared" / "reference"


@pytest.fixture(scope="module")
def events():
    if not FOLDER.exists():
        pytest.skip("the vectors are not here (../shared/reference/micro_events.parquet)")
    wanted = json.loads((FOLDER / "micro_vectors.json").read_text())["microstructure"]
    return pl.read_parquet(FOLDER / "micro_events.parquet"), wanted


def test_cumulative_volume_delta_ends_where_it_should(events):
    rows, wanted = events
    columns = {"size": rows["size"].to_numpy(), "side": np.where(rows["is_buy"].to_numpy(), 1.0, -1.0)}
    assert run([cvd()], start([cvd()], ["X"]), columns)[1]["cvd"][-1] == wanted["cvd_last"]


def test_the_microprice_ends_where_it_should(events):
    rows, wanted = events
    names = {"bid": "bid_px", "ask": "ask_px", "bid_size": "bid_sz", "ask_size": "ask_sz"}
    columns = {name: rows[column].to_numpy() for name, column in names.items()}
    last = run([microprice()], start([microprice()], ["X"]), columns)[1]["microprice"][-1]
    assert last == pytest.approx(wanted["wmid_last"], rel=1e-14)


def trades(rows):
    return {
        "price": rows["price"].to_numpy(),
        "mid": 0.5 * (rows["bid_px"].to_numpy() + rows["ask_px"].to_numpy()),
        "size": rows["size"].to_numpy(),
        "side": np.where(rows["is_buy"].to_numpy(), 1.0, -1.0),
    }


def test_vpin_of_buckets_of_fifty_ends_and_averages_as_it_should(events):
    rows, wanted = events
    feature = vpin(50.0, 10)
    got = run([feature], start([feature], ["X"]), trades(rows))[1]
    assert got["vpin"][-1] == pytest.approx(wanted["vpin_50_10_last"], rel=1e-14)
    assert got["vpin"][got["vpin_buckets"] >= 10.0].mean() == pytest.approx(wanted["vpin_mean"], rel=1e-14)


def test_kyles_lambda_of_mids_ends_where_it_should(events):
    rows, wanted = events
    feature = kyle_lambda(50, price="mid")
    last = run([feature], start([feature], ["X"]), trades(rows))[1]["kyle_lambda"][-1]
    assert last == pytest.approx(wanted["kyle50_last"], rel=1e-12)


def test_volume_in_bulk_is_bought_as_far_as_it_should_be(events):
    """Bars of forty trades; the vector scales changes by the deviation of all of them."""
    rows, wanted = events
    price, size = rows["price"].to_numpy()[39::40], rows["size"].to_numpy().reshape(-1, 40).sum(axis=1)
    change = np.diff(price)
    bought = [normal_cdf(z) for z in change / change.std(ddof=1)]
    assert np.average(bought, weights=size[1:]) == pytest.approx(wanted["bvc_buy_frac"], rel=1e-13)
    feature = bulk_vpin(250.0)
    last = run([feature], start([feature], ["X"]), {"close": price, "volume": size})[1]["bulk_vpin_bought"][-1]
    assert last == pytest.approx(bought[-1], rel=1e-9)  # at the last bar it has seen all changes too
