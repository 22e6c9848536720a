"""How far the price swings."""

from quantlib.catalog.entry import Entry
from quantlib.features.ranges import atr, bollinger

RANGES = {
    "atr": Entry(atr, {"n": 3}),
    "bollinger": Entry(bollinger, {"n": 7}),
}
