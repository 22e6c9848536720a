"""Volatility of returns."""

from quantlib.catalog.entry import Entry
from quantlib.features.volatility import realised_volatility

VOLATILITY = {
    "realised_volatility": Entry(realised_volatility, {"n": 7}),
}
