"""Volatility and levels by fitted models."""

from quantlib.catalog.entry import Entry
from quantlib.features.garch import Garch, garch

MODELS: dict[str, Entry] = {
    "garch": Entry(garch, {"params": Garch(1e-5, 0.2, 0.4, 1e-4), "ahead": 3}),
}
