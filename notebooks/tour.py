# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A tour of the features
#
# Every feature is a loop that can stop after any row and go on. One long call in a notebook and many short ones in a
# live runner give the same bits. This tour looks at a handful of them under their prices: a squeeze on real daily
# bars, a flip of volume delta, an iceberg, a spoof and a vacuum.
#
# Set the environment variable `MARKET_DATA` to a folder with recorded files (see "Reading files" in the documents)
# and trades and quotes come from there; otherwise the generator makes them up, with the truth of what it planted.

# %%
import os
from pathlib import Path

import polars as pl

import quantlib
from quantlib import catalog
from quantlib.data import sp500
from quantlib.plots.panels import panels
from quantlib.synthetic import market

# %% [markdown]
# ## Real daily bars: a squeeze
#
# Bollinger bands inside Keltner's channel: the market holds its breath. A mark stands where that begins, and where
# price leaves the bands again.

# %%
spx = sp500().filter(pl.col("ts").dt.year() >= 2016)
squeeze = catalog.feature("volatility_state")
bands = ["bollinger_upper", "bollinger_lower"]
told = ["volatility_state_percentile", "volatility_state_squeeze", "volatility_state_event"]
panels([catalog.feature("bollinger"), squeeze], spx, outputs=[*bands, *told])

# %% [markdown]
# An event is a row in which something happened, with all values that made it.

# %%
quantlib.events(squeeze, spx).tail(5)

# %% [markdown]
# GARCH(1, 1), fitted by `arch` and filtered by a loop, beside the volatility that ranges tell.

# %%
panels([catalog.feature("garch"), catalog.feature("yang_zhang"), catalog.feature("realised_volatility")], spx)

# %% [markdown]
# ## Trades: who pushes
#
# Recorded trades and quotes if there are any, or an hour of a made-up market.

# %%
folder = Path(os.environ.get("MARKET_DATA", "."))
recorded = sorted(folder.rglob("*trades*BTCUSDT*.csv*"))
made = market(seed=11, seconds=3600.0)
trades = quantlib.read(recorded[0]) if recorded else made.trades
recorded[:1] or "made up"

# %% [markdown]
# Cumulative volume delta runs far to one side, then turns: that is a flip.

# %%
flip = catalog.feature("cvd_events")
panels(flip, trades.head(4000))

# %%
quantlib.events(flip, trades).head(5)

# %% [markdown]
# Where volume traded: the point of control and the value area that holds 70 % of it.

# %%
area = ["volume_profile_poc", "volume_profile_low", "volume_profile_high"]
panels(
    [catalog.feature("volume_profile", width=0.01), catalog.feature("vpin")],
    made.trades.head(4000),
    outputs=[*area, "vpin", "vpin_zscore"],
)

# %% [markdown]
# ## Books: what is hidden, faked and gone
#
# Books know trades only through what takers had bought and sold before them, so that nothing is known too early.

# %%
totals = quantlib.compute(catalog.feature("taker_totals"), made.trades)
books = quantlib.held(made.books, totals, ["bought", "sold"], clocks=("book", "trade"))
made.truth.group_by("kind").len().sort("kind")

# %% [markdown]
# An iceberg: more is executed at a price than was ever shown there, and the tip comes back each time.

# %%
iceberg = catalog.feature("hidden_liquidity")
first = made.truth.filter(pl.col("kind") == "iceberg").row(0, named=True)
around = pl.col("ts").is_between(first["ts_begin"] - pl.duration(seconds=30), first["ts_end"] + pl.duration(seconds=30))
panels(iceberg, quantlib.compute(iceberg, books).filter(around))

# %%
first

# %% [markdown]
# A vacuum: depth is withdrawn, and the void that it leaves lasts until it is filled again.

# %%
vacuum = catalog.feature("vacuum")
second = made.truth.filter(pl.col("kind") == "vacuum").row(0, named=True)
near = pl.col("ts").is_between(second["ts_begin"] - pl.duration(seconds=30), second["ts_end"] + pl.duration(seconds=60))
panels(vacuum, quantlib.compute(vacuum, books).filter(near))

# %% [markdown]
# ## The same loop, live
#
# A stream owns the memory and takes rows as they come. Here are the last hundred trades one by one, after all that came
# before them in one push. Not one bit differs from the batch above.

# %%
stream = quantlib.Stream([flip], trades["symbol"].unique().to_list() if "symbol" in trades.columns else ["X"])
stream.push(trades.head(-100), clock="trade")
one_by_one = [stream.push(row, clock="trade") for row in trades.tail(100).iter_rows(named=True)]
batch = quantlib.compute(flip, trades).tail(100).select(flip.outputs)
pl.DataFrame(one_by_one).equals(batch)
