"""Who trades, how much, and what it does to the price."""

from quantlib.catalog.entry import Entry
from quantlib.features.flow.cvd_events import cvd_events
from quantlib.features.flow.imbalance_bars import dollar_imbalance_bars, tick_imbalance_bars, volume_imbalance_bars
from quantlib.features.flow.impact import kyle_lambda, tick_imbalance
from quantlib.features.flow.realised_spread import realised_spread, realised_spread_time
from quantlib.features.flow.sampled_bars import dollar_bars, tick_bars, time_bars, volume_bars
from quantlib.features.flow.takers import cvd, taker_ratio, taker_ratio_time
from quantlib.features.flow.volume_ratio import volume_ratio
from quantlib.features.flow.vpin import bulk_vpin, vpin
from quantlib.features.quotes.spreads import effective_spread

IMBALANCE = {"length": 4, "least": 2, "most": 9, "bars": 3}

FLOW = {
    "cvd": Entry(cvd, {}),
    "cvd_events": Entry(cvd_events, {"n": 3, "window": 7, "enter": 1.0}),
    "taker_ratio": Entry(taker_ratio, {"n": 7}),
    "taker_ratio_time": Entry(taker_ratio_time, {"seconds": 5.0, "cells": 4}),
    "volume_ratio": Entry(
        volume_ratio, {"seconds": 60.0, "days": 2, "n": 5, "threshold": 1.0, "least": 1, "day": 240.0}
    ),
    "vpin": Entry(vpin, {"bucket": 50.0, "n": 3, "window": 5, "threshold": 0.5}),
    "bulk_vpin": Entry(
        bulk_vpin, {"bucket": 50.0, "n": 3, "window": 5, "threshold": 0.5, "changes": 4, "freedom": 0.25}
    ),
    "kyle_lambda": Entry(kyle_lambda, {"n": 5}),
    "tick_imbalance": Entry(tick_imbalance, {"n": 5}),
    "effective_spread": Entry(effective_spread, {"n": 7}),
    "realised_spread": Entry(realised_spread, {"lag": 3, "n": 7}),
    "realised_spread_time": Entry(realised_spread_time, {"seconds": 5.0, "n": 7, "room": 6}),
    "time_bars": Entry(time_bars, {"seconds": 7.0}),
    "tick_bars": Entry(tick_bars, {"n": 4}),
    "volume_bars": Entry(volume_bars, {"volume": 60.0}),
    "dollar_bars": Entry(dollar_bars, {"money": 600.0}),
    "tick_imbalance_bars": Entry(tick_imbalance_bars, IMBALANCE),
    "volume_imbalance_bars": Entry(volume_imbalance_bars, IMBALANCE),
    "dollar_imbalance_bars": Entry(dollar_imbalance_bars, IMBALANCE),
}
