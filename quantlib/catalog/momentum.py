"""How fast the price moves."""

from quantlib.catalog.entry import Entry
from quantlib.features.momentum import rsi

MOMENTUM = {
    "rsi": Entry(rsi, {"n": 3}),
}
