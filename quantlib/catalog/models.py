"""Volatility and levels by fitted models."""

from quantlib.catalog.entry import Entry
from quantlib.features.models.garch import Garch, garch
from quantlib.features.models.kalman import LocalLevel, LocalTrend, hedge_ratio, local_level, local_trend

MODELS: dict[str, Entry] = {
    "garch": Entry(garch, {"params": Garch(1e-5, 0.2, 0.4, 1e-4), "ahead": 3}),
    "local_level": Entry(local_level, {"params": LocalLevel(1.0, 2.0)}),
    "local_trend": Entry(local_trend, {"params": LocalTrend(1.0, 1.0, 1.0)}),
    "hedge_ratio": Entry(hedge_ratio, {}),
}
