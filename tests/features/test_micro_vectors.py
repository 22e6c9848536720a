"""Order flow and quotes against published vectors."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quantlib.core import run, start
from quantlib.features import cvd, microprice

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
